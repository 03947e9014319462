import { createTopic } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import type { World } from "../world.ts";

/** Two IDCs, each with a name server, a broker set of one broker, and a router; a topic that is in both sets. */
export interface TwoIdcs {
  /** Of idc1 and idc2, like the others. */
  readonly nameServers: readonly [Server, Server];
  /** Of bs1 and bs2. */
  readonly brokers: readonly [Server, Server];
  readonly routers: readonly [Server, Server];
}

export const idcSites = ["idc1", "idc2"] as const;
const cluster = "C1";
const queues = 4;

export async function raiseTwoIdcs(
  world: World,
  {
    topic,
    backAfterMs,
    etcds = [],
  }: { readonly topic: string; readonly backAfterMs: number; readonly etcds?: readonly Server[] },
): Promise<TwoIdcs> {
  const nameServers = both(await world.nameServers(idcSites));
  const names = nameServers.map(({ address }) => address);
  const brokers = both(
    await Promise.all(
      idcSites.map(async (site, nth) => {
        const set = `bs${nth + 1}`;
        const [broker] = await world.brokers([site], { set, cluster, nameServers: names, controllers: [] });
        if (broker === undefined) throw new Error(`no broker of ${set}`);
        return broker;
      }),
    ),
  );
  for (const { address } of brokers) await createTopic(world.network, "clients", address, { name: topic, queues });
  // Topics are looked up often: both sets are to be seen soon after they have got theirs.
  const config = { health: { backAfterMs }, poll: { routeRefreshMs: 1_000 } };
  return {
    nameServers,
    brokers,
    routers: both(await world.routers(idcSites, { nameServers, cluster, etcds, config })),
  };
}

function both(servers: readonly Server[]): readonly [Server, Server] {
  const [one, other] = servers;
  if (one === undefined || other === undefined) throw new Error("a server did not start");
  return [one, other];
}
