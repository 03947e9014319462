import type { Network } from "../network/network.ts";
import type { SiteName } from "../network/sites.ts";
import type { History, Producer } from "./history.ts";
import { startProducer } from "./producer.ts";

/** In total, of the producers that follow the route. */
const ratePerSecond = 320;
/** Each broker is also sent to from both IDCs whatever the route says, slowly: who else acknowledges? */
const pinnedSites = ["idc1", "idc2"] as const satisfies readonly SiteName[];
const pinnedEveryMs = 50;
const followingSites = ["idc1", "idc2", "witness", "clients"] as const satisfies readonly SiteName[];

export interface LoadTarget {
  readonly nameServers: readonly string[];
  readonly set: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly queues: number;
}

export interface Load {
  /** So far. */
  readonly acked: number;
  /** Whether anything was acknowledged after that time. */
  ackedSince(at: number): boolean;
  /** So far. */
  history(): History;
  stop(): Promise<History>;
}

let loads = 0;

/** Four producers that follow the route, one in each site, and two that are pinned to each broker. */
export function startLoad(network: Network, target: LoadTarget): Load {
  loads += 1;
  const run = `${process.pid.toString(36)}${loads.toString(36)}`;
  const queues = Array.from({ length: target.queues }, (_, queue) => queue);
  const everyMs = (followingSites.length * target.queues * 1_000) / ratePerSecond;
  const following = followingSites.map((site, nth) => ({ site, pinned: undefined, queues, everyMs, nth }));
  const pinned = target.brokers.flatMap((broker, nth) =>
    pinnedSites.map((site) => ({ site, pinned: broker, queues: [nth % target.queues], everyMs: pinnedEveryMs, nth })),
  );
  const running = [...following, ...pinned].map(({ nth, ...options }, position) => {
    const name = `${run}-${position}`;
    const producer: Producer = { name, site: options.site, pinned: options.pinned };
    const nameServers = [...target.nameServers.slice(nth), ...target.nameServers.slice(0, nth)];
    return { producer, ...startProducer(network, { ...target, ...options, name, nameServers }) };
  });
  const history = (): History => ({
    producers: running.map(({ producer }) => producer),
    sends: running.flatMap(({ sends }) => sends.map((send) => ({ ...send }))),
  });
  return {
    get acked() {
      return running.flatMap(({ sends }) => sends).filter(({ code }) => code === 0).length;
    },
    ackedSince: (at) =>
      running.some(({ sends }) =>
        sends.some(({ code, answeredAt }) => code === 0 && answeredAt !== null && answeredAt > at),
      ),
    history,
    async stop() {
      await Promise.all(running.map((producer) => producer.stop()));
      return history();
    },
  };
}
