import { createIdcOf } from "#config/idc.ts";
import type { IdcRouterConfig } from "#config/idc-router.ts";
import type { BootstrapCluster } from "./core/kafka.ts";

/** What the config's clusters are to the parts of a router. */

/** Of RocketMQ clusters the routers' own doors, where they are named; else the name servers. */
export function bootstrapClusters({
  clusters,
  idcs,
  nameserver,
}: IdcRouterConfig): ReadonlyMap<string, BootstrapCluster> {
  const idcOf = createIdcOf(idcs);
  const doors = nameserver?.doors ?? {};
  return new Map(
    clusters.map((cluster): [string, BootstrapCluster] => {
      const { name, kind } = cluster;
      if (cluster.kind === "kafka") return [name, { name, kind, servers: cluster.bootstrap }];
      const own = Object.groupBy(cluster.nameservers, (address) => idcOf(address, ""));
      const servers = Object.keys(doors).length > 0 ? doors : (own as Record<string, readonly string[]>);
      return [name, { name, kind, servers }];
    }),
  );
}

/** Kafka clusters whose brokers are asked. */
export function watchedKafka({ clusters }: IdcRouterConfig) {
  return clusters.filter((cluster) => cluster.kind === "kafka").filter(({ watch }) => watch);
}

/** Racks are IDCs where they bear their names; else the config's lists tell, else the address. */
export function createKafkaIdcOf(config: IdcRouterConfig): (cluster: string, address: string, rack: string) => string {
  const idcOf = createIdcOf(config.idcs);
  const names = new Set(config.idcs.map(({ name }) => name));
  const bootstraps = new Map(watchedKafka(config).map(({ name, bootstrap }) => [name, Object.entries(bootstrap)]));
  return (cluster, address, rack) => {
    if (names.has(rack)) return rack;
    const row = bootstraps.get(cluster)?.find(([, addresses]) => addresses.includes(address));
    return row?.[0] ?? idcOf(address, "");
  };
}
