import type { Command, Event } from "./events.ts";
import type { Gate, TopicHome } from "./model.ts";

/** What the metadata in ZooKeeper said last, by topic. */
export interface HomeFacts {
  readonly homes: ReadonlyMap<string, { readonly home: TopicHome; readonly zxid: bigint }>;
  readonly heardAt: number | null;
  readonly failure: string | null;
}

export const noHomes: HomeFacts = { homes: new Map(), heardAt: null, failure: null };

/** The order of its words is that of zxids: a server that is behind, or a tree that was restored, changes nothing. */
export function hearHomes(
  facts: HomeFacts,
  { homes }: Extract<Event, { kind: "homes" }>,
  now: number,
  commands: Command[],
): HomeFacts {
  const all = new Map(facts.homes);
  let changed = 0;
  for (const { topic, zxid, ...home } of homes) {
    const known = all.get(topic);
    if (known !== undefined && zxid < known.zxid) {
      commands.push({ kind: "older", source: "metadata", detail: `${topic}: zxid ${zxid} after ${known.zxid}` });
      continue;
    }
    const isSame = known !== undefined && sameHome(known.home, home);
    if (isSame && known.zxid === zxid) continue;
    all.set(topic, { home: isSame ? known.home : home, zxid });
    changed += 1;
  }
  return { homes: changed > 0 ? all : facts.homes, heardAt: now, failure: null };
}

/** Those that say anything. The same map when none has changed. */
export function tableOfHomes(
  facts: HomeFacts,
  before: { readonly facts: HomeFacts; readonly homes: ReadonlyMap<string, TopicHome> },
): ReadonlyMap<string, TopicHome> {
  if (before.facts.homes === facts.homes) return before.homes;
  const now = new Map(
    [...facts.homes].flatMap(([topic, { home }]) => {
      const { cluster, gate, client } = home;
      return cluster === null && gate === undefined && client === undefined ? [] : [[topic, home]];
    }),
  );
  const isSame = now.size === before.homes.size && [...now].every(([topic, home]) => before.homes.get(topic) === home);
  return isSame ? before.homes : now;
}

/** Where a topic's clients are led, by its metadata: most of them, then those behind its gate. */
export function clustersOf(home: TopicHome | undefined): readonly string[] {
  return [home?.cluster, home?.gate?.cluster].filter((cluster) => cluster !== undefined && cluster !== null);
}

function sameHome(one: TopicHome, other: TopicHome): boolean {
  return (
    one.cluster === other.cluster &&
    sameGate(one.gate, other.gate) &&
    one.client?.sendTimeoutMs === other.client?.sendTimeoutMs &&
    one.client?.concurrency === other.client?.concurrency
  );
}

function sameGate(one: Gate | undefined, other: Gate | undefined): boolean {
  return one?.cluster === other?.cluster && one?.ips.join() === other?.ips.join();
}
