import type { Command, Event } from "./events.ts";

/** What the metadata in ZooKeeper said last: topic -> cluster. */
export interface HomeFacts {
  readonly homes: ReadonlyMap<string, { readonly cluster: string | null; readonly zxid: bigint }>;
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
  for (const { topic, cluster, zxid } of homes) {
    const known = all.get(topic);
    if (known !== undefined && zxid < known.zxid) {
      commands.push({ kind: "older", source: "metadata", detail: `${topic}: zxid ${zxid} after ${known.zxid}` });
      continue;
    }
    if (known?.cluster === cluster && known.zxid === zxid) continue;
    all.set(topic, { cluster, zxid });
    changed += 1;
  }
  return { homes: changed > 0 ? all : facts.homes, heardAt: now, failure: null };
}

/** Those that name a cluster. The same map when none has changed. */
export function tableOfHomes(
  facts: HomeFacts,
  before: { readonly facts: HomeFacts; readonly homes: ReadonlyMap<string, string> },
): ReadonlyMap<string, string> {
  if (before.facts.homes === facts.homes) return before.homes;
  return new Map([...facts.homes].flatMap(([topic, { cluster }]) => (cluster === null ? [] : [[topic, cluster]])));
}
