import type { IdcRouterConfig } from "#config/idc-router.ts";
import type { Clock } from "#lib/clock.ts";
import type { Connections } from "#lib/remoting/connections.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { clustersOf } from "../core/homes.ts";
import { type Table, topicName } from "../core/model.ts";
import type { RouterDaemon } from "../daemon.ts";
import { createNameServerSource } from "./name-servers.ts";

/** The name servers of all clusters. */
export interface NameServers {
  run(signal: AbortSignal): Promise<void>;
  /** The cluster's broker sets are others than before: all of its topics are looked up again. */
  refresh(cluster: string): void;
  /** Topics in use that their metadata have moved are looked up where they are now. */
  follow(table: Table, before: Table): void;
  hurry(cluster: string): void;
  /** A topic that the table does not have. Resolves when the table has what there is; false: no name server answers. */
  lookUp(topic: string, signal: AbortSignal): Promise<boolean>;
  /** The first name server's answer. undefined: there is no cluster. @throws when none answers */
  passOn(frame: Frame, signal: AbortSignal): Promise<Frame | undefined>;
}

export interface NameServersOptions {
  readonly clusters: readonly { readonly name: string; readonly nameservers: readonly string[] }[];
  readonly poll: IdcRouterConfig["poll"];
  readonly daemon: Pick<RouterDaemon, "table" | "push" | "settled">;
  readonly connections: Connections;
  readonly clock: Clock;
}

/** On their way at once, of one cluster. */
const lookUpsMax = 32;
const refreshTickMs = 200;
/** Topics that nobody knows are not asked for again within this. */
const unknownMs = 1_000;
const unknownMax = 10_000;

/** Its metadata name this cluster, for all or for those behind a gate, and nobody has looked there yet, or it is not there yet. */
function isAwaited({ homes, topics }: Table, topic: string, cluster: string): boolean {
  return clustersOf(homes.get(topic)).includes(cluster) && !topics.has(topicName(cluster, topic));
}

export function createNameServers({ clusters, poll, daemon, connections, clock }: NameServersOptions): NameServers {
  const sources = clusters.map(({ name, nameservers }) =>
    createNameServerSource({
      cluster: name,
      nameServers: nameservers,
      connections,
      clock,
      push: daemon.push,
      everyMs: poll.everyMs,
      timeoutMs: poll.timeoutMs,
      lookUpTimeoutMs: poll.lookupTimeoutMs,
    }),
  );
  /** Topics to be looked up again, by cluster, in the order in which they are due. */
  const due = new Map<string, Set<string>>(clusters.map(({ name }) => [name, new Set()]));
  const unknown = new Map<string, number>();
  const topicsOf = (cluster: string): string[] => {
    const { table } = daemon;
    const inUse = [...table.topics.values()]
      .filter((entry) => entry.cluster === cluster || isAwaited(table, entry.topic, cluster))
      .map(({ topic }) => topic);
    // Clients before the gate may never ask for the topic there.
    const gated = [...table.homes].filter(([, { gate }]) => gate?.cluster === cluster).map(([topic]) => topic);
    return [...new Set([...inUse, ...gated])];
  };

  /** Each topic once within routeRefreshMs, some in each tick; those of a cluster that has changed as soon as there is room. */
  async function refreshAll(signal: AbortSignal): Promise<void> {
    /** Parts of look-ups, by cluster: one has no more of them than its own. */
    const carried = new Map<string, number>();
    const turns = new Map<string, Iterator<string>>();
    while (!signal.aborted) {
      await clock.sleep(refreshTickMs, { signal }).catch(() => {});
      for (const source of sources) {
        const waiting = due.get(source.cluster) ?? new Set();
        // One at least: a topic behind a gate may be in the table only when it was found.
        const topics = Math.max(1, daemon.table.topics.size);
        let carry = (carried.get(source.cluster) ?? 0) + (topics * refreshTickMs) / poll.routeRefreshMs;
        for (; carry >= 1; carry -= 1) {
          const turn = turns.get(source.cluster) ?? topicsOf(source.cluster).values();
          const next = turn.next();
          if (next.done === true) turns.delete(source.cluster);
          else {
            turns.set(source.cluster, turn);
            waiting.add(next.value);
          }
        }
        carried.set(source.cluster, carry);
        for (const topic of waiting) {
          if (source.lookUps >= lookUpsMax) break;
          waiting.delete(topic);
          source.lookUp(topic, signal).catch(() => {});
        }
      }
    }
  }

  return {
    async run(signal) {
      await Promise.all([...sources.map((source) => source.run(signal)), refreshAll(signal)]);
    },
    refresh(cluster) {
      const waiting = due.get(cluster);
      for (const topic of topicsOf(cluster)) waiting?.add(topic);
    },
    follow(table, before) {
      if (table.homes === before.homes) return;
      const inUse = new Set([...table.topics.values()].map(({ topic }) => topic));
      for (const [topic, home] of table.homes) {
        const known = before.homes.get(topic);
        if (known === home || (!inUse.has(topic) && home.gate === undefined)) continue;
        const others = clustersOf(home).filter((cluster) => !clustersOf(known).includes(cluster));
        for (const cluster of others) if (isAwaited(table, topic, cluster)) due.get(cluster)?.add(topic);
      }
    },
    hurry: (cluster) => sources.find((source) => source.cluster === cluster)?.hurry(),
    async lookUp(topic, signal) {
      const askedAt = unknown.get(topic);
      if (askedAt !== undefined && clock.now() - askedAt < unknownMs) return true;
      if (daemon.table.topics.size >= poll.topicsMax) return true;
      const answered = await Promise.all(sources.map((source) => source.lookUp(topic, signal)));
      await daemon.settled();
      if (sources.length > 0 && !answered.includes(true)) return false;
      const isKnown = sources.some(({ cluster }) => daemon.table.topics.has(topicName(cluster, topic)));
      if (isKnown) unknown.delete(topic);
      else {
        unknown.delete(topic);
        const [oldest] = unknown.keys();
        if (unknown.size >= unknownMax && oldest !== undefined) unknown.delete(oldest);
        unknown.set(topic, clock.now());
      }
      return true;
    },
    async passOn({ code, fields, body }, signal) {
      const wanted = fields["cluster"] ?? fields["clusterName"];
      const source = sources.find(({ cluster }) => cluster === wanted) ?? sources[0];
      if (source === undefined) return undefined;
      let failure: unknown;
      for (const nameServer of source.nameServers) {
        try {
          return await connections.read(nameServer, { code, fields, body }, { timeoutMs: poll.timeoutMs, signal });
        } catch (error) {
          signal.throwIfAborted();
          failure = error;
        }
      }
      throw failure;
    },
  };
}
