import type { SeenTopic } from "./events.ts";
import type { QueueEntry, SetEntry, SetName, TopicEntry, TopicName } from "./model.ts";
import { setName } from "./model.ts";

/**
 * A topic after a name server was asked for it. Queues that it denies stay, marked as gone, until they are forgotten: they are
 * the last resort when nothing else is left (I9).
 * @param seen null: there is no such topic
 * @returns the entry of before when nothing has changed; undefined when nothing was ever known
 */
export function foldTopic(
  before: TopicEntry | undefined,
  { cluster, topic, seen }: { cluster: string; topic: string; seen: SeenTopic | null },
  wall: number,
): TopicEntry | undefined {
  if (seen === null && before === undefined) return undefined;
  const shown = new Map(seen?.queues.map((queue) => [queue.set, { ...queue, goneSince: null }]));
  const gone = (before?.queues ?? [])
    .filter(({ set }) => !shown.has(set))
    .map((queue) => (queue.goneSince === null ? { ...queue, goneSince: wall } : queue));
  const queues = [...shown.values(), ...gone].toSorted((one, other) => (one.set < other.set ? -1 : 1));
  const entry: TopicEntry = {
    cluster,
    topic,
    queues,
    orderConf: seen === null ? (before?.orderConf ?? null) : seen.orderConf,
    staticBody: seen === null ? (before?.staticBody ?? null) : seen.staticBody,
  };
  return before !== undefined && same(before, entry) ? before : entry;
}

/** Forgets what has been gone for long. undefined: nothing is left of it. */
export function forgetQueues(entry: TopicEntry, { wall, afterMs }: { wall: number; afterMs: number }) {
  const queues = entry.queues.filter(({ goneSince }) => goneSince === null || wall - goneSince <= afterMs);
  if (queues.length === entry.queues.length) return entry;
  return queues.length === 0 ? undefined : { ...entry, queues };
}

/** A topic's queues with what is known of their sets. Sets of which nothing is known are left out. */
export function queuesOf(
  { cluster, queues }: TopicEntry,
  sets: ReadonlyMap<SetName, SetEntry>,
): readonly { readonly queue: QueueEntry; readonly set: SetEntry }[] {
  return queues.flatMap((queue) => {
    const set = sets.get(setName(cluster, queue.set));
    return set === undefined ? [] : [{ queue, set }];
  });
}

/** Changes several topics at once, and copies the map once. */
export function changeTopics(
  topics: ReadonlyMap<TopicName, TopicEntry>,
  changes: ReadonlyMap<TopicName, TopicEntry | undefined>,
): ReadonlyMap<TopicName, TopicEntry> {
  const real = [...changes].filter(([name, entry]) => topics.get(name) !== entry);
  if (real.length === 0) return topics;
  const changed = new Map(topics);
  for (const [name, entry] of real) {
    if (entry === undefined) changed.delete(name);
    else changed.set(name, entry);
  }
  return changed;
}

function same(one: TopicEntry, other: TopicEntry): boolean {
  return (
    one.orderConf === other.orderConf &&
    one.staticBody === other.staticBody &&
    one.queues.length === other.queues.length &&
    other.queues.every((queue, nth) => sameQueue(one.queues[nth], queue))
  );
}

function sameQueue(one: QueueEntry | undefined, other: QueueEntry): boolean {
  return (
    one !== undefined &&
    one.set === other.set &&
    one.perm === other.perm &&
    one.readQueues === other.readQueues &&
    one.writeQueues === other.writeQueues &&
    one.topicSysFlag === other.topicSysFlag &&
    one.goneSince === other.goneSince
  );
}
