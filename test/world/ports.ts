/**
 * Every port of a world, the same in each site. A second server of a kind in one site takes the next ports: `step` further.
 * Nothing outside a world's namespaces ever listens on them.
 */
export const ports = {
  /** How residents find out who reaches whom; UDP. */
  probe: 7,
  zookeeper: { client: 2_181, peer: 2_888, election: 3_888, step: 1 },
  etcd: { client: 2_379, peer: 2_380, step: 10 },
  nameServer: { listen: 9_876, step: 10 },
  /** `http` is the arbiter's; RocketMQ's own controller has no such door. */
  controller: { listen: 9_878, http: 7_402, step: 10 },
  router: { listen: 9_887, http: 7_403, step: 10 },
  /** RocketMQ's gRPC proxy; listens on every address of its site. */
  proxy: { listen: 8_081, remoting: 8_080, step: 10 },
  /** A broker also listens on `listen` - 2. */
  broker: { listen: 10_911, ha: 10_912, step: 10 },
  kafka: { listen: 9_092, controller: 9_093, step: 10 },
} as const;
