import { globMatches } from "#lib/glob.ts";
import {
  type ClientSettings,
  permissions,
  type QueueEntry,
  type RouteRule,
  type SetEntry,
  type Table,
  type TopicEntry,
  type TopicHome,
  topicName,
} from "./model.ts";
import { limitOf, type Ranking, rank } from "./rank.ts";
import { queuesOf } from "./topics.ts";

/** What a client of one IDC is told about one topic. */
export interface Answer {
  readonly topic: string;
  readonly cluster: string;
  /** The caller's. */
  readonly idc: string;
  /** Of the table in which this answer came out first. */
  readonly revision: number;
  /** Wall time of that. */
  readonly since: number;
  readonly rule: RouteRule;
  /** It is led through the topic's gate. */
  readonly gated: boolean;
  readonly home: TopicHome | undefined;
  /** Where most of its messages go: "" when there is nowhere. */
  readonly chosen: string;
  readonly why: string;
  /** Nothing better is known: no name server answers, or nobody is available and this is what was last known. */
  readonly stale: boolean;
  /** Nearest first, with their shares. */
  readonly levels: Ranking["levels"];
  /** Of what is there, nearest first: what a client is shown. */
  readonly brokers: readonly AnswerBroker[];
  readonly entry: TopicEntry;
}

export interface AnswerBroker {
  readonly queue: QueueEntry;
  readonly set: SetEntry;
  /** Of the messages that are produced, in ten-thousandths; all together are 10,000, or 0 when there is nowhere to send to. */
  readonly weight: number;
}

export interface AnswerOptions {
  readonly rules: readonly RouteRule[];
  /** The IDCs as they are near to one of them, itself first. */
  readonly orderOf: (idc: string) => readonly string[];
  /** RocketMQ clusters of the config, in its order. */
  readonly clusters: readonly string[];
}

export const wholeWeight = 10_000;

/** For a topic that no rule matches. */
const usualRule: RouteRule = { match: "*", mode: "prefer-local", overprovision: 1.4 };

export function ruleOf(topic: string, rules: readonly RouteRule[]): RouteRule {
  return rules.find(({ match }) => globMatches(match, topic)) ?? usualRule;
}

/**
 * The topic as the cluster has it that it belongs to: by metadata, else the first one that knows it. A gate to a cluster that
 * does not have the topic yet leads nobody away.
 */
function findTopic(table: Table, { topic, gated }: Asker, clusters: readonly string[]): TopicEntry | undefined {
  const { cluster: home = null, gate } = table.homes.get(topic) ?? {};
  if (gated === true && gate !== undefined && clusters.includes(gate.cluster)) {
    const beyond = table.topics.get(topicName(gate.cluster, topic));
    if (beyond !== undefined) return beyond;
  }
  if (home !== null && clusters.includes(home)) return table.topics.get(topicName(home, topic));
  for (const cluster of clusters) {
    const entry = table.topics.get(topicName(cluster, topic));
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Who asks for what. */
export interface Asker {
  readonly topic: string;
  readonly idc: string;
  /** One of those that the topic's gate lets through. */
  readonly gated?: boolean;
}

/** Pure: the same for the same table. @returns undefined when no cluster knows the topic */
export function answerOf(table: Table, asker: Asker, options: AnswerOptions, wall: number): Answer | undefined {
  const { topic, idc, gated = false } = asker;
  const entry = findTopic(table, asker, options.clusters);
  if (entry === undefined) return undefined;
  const rule = ruleOf(topic, options.rules);
  const home = table.homes.get(topic);
  const order = options.orderOf(idc);
  const all = queuesOf(entry, table.sets);
  const writable = all.filter(({ queue }) => (queue.perm & permissions.write) !== 0 && queue.writeQueues > 0);
  // A set that has lost the topic for good is no lost capacity; one that is away is.
  const counted = writable.filter(({ queue, set }) => queue.goneSince === null || !set.present);
  const ranking = rank(
    (counted.length > 0 ? counted : writable).map(({ set }) => set),
    table.idcs,
    order,
    rule,
  );
  const weights = weightsOf(ranking, table.idcs);
  const there = all.filter(({ queue, set }) => queue.goneSince === null && set.present);
  const shown = there.length > 0 ? there : all;
  const chosenLevel = ranking.levels.toSorted((one, other) => other.share - one.share)[0];
  const isSilent = table.silentClusters.has(entry.cluster);
  return {
    topic,
    cluster: entry.cluster,
    idc,
    revision: table.revision,
    since: wall,
    rule,
    gated: gated && home?.gate?.cluster === entry.cluster,
    home,
    chosen: (chosenLevel?.share ?? 0) > 0 ? (chosenLevel?.idc ?? "") : "",
    why: whyOf(ranking, idc, rule),
    stale: ranking.lastResort || isSilent,
    levels: ranking.levels,
    brokers: shown
      .map(({ queue, set }) => ({ queue, set, weight: weights.get(set.set) ?? 0 }))
      .toSorted((one, other) => nearnessOf(one.set, order) - nearnessOf(other.set, order)),
    entry,
  };
}

/** What operators want of clients: the topic's metadata come before the rule. */
export function settingsOf({ client = {} }: RouteRule, home: TopicHome | undefined): ClientSettings {
  const own = home?.client;
  return {
    sendTimeoutMs: own?.sendTimeoutMs ?? client.sendTimeoutMs,
    concurrency: own?.concurrency ?? client.concurrency,
  };
}

function nearnessOf({ idc }: SetEntry, order: readonly string[]): number {
  const place = order.indexOf(idc);
  return place < 0 ? order.length : place;
}

/** Whole numbers that together are wholeWeight, none farther than 1 from its exact share: by largest remainder. */
function weightsOf({ levels, lastResort }: Ranking, idcs: Table["idcs"]): ReadonlyMap<string, number> {
  // In a level of several IDCs each set counts as its own one lets it; within one IDC that makes no difference.
  const partOf = (set: SetEntry): number => set.weight * (lastResort ? 1 : limitOf(set, idcs));
  const exact = levels.flatMap(({ share, sets }) => {
    const sum = sets.reduce((all, set) => all + partOf(set), 0);
    return sets.map((set) => ({ set: set.set, exact: sum === 0 ? 0 : (wholeWeight * share * partOf(set)) / sum }));
  });
  const floors = exact.map((one) => ({ ...one, floor: Math.floor(one.exact) }));
  const given = floors.reduce((all, { floor }) => all + floor, 0);
  const total = exact.some((one) => one.exact > 0) ? wholeWeight : 0;
  const byRemainder = floors.toSorted((one, other) => other.exact - other.floor - (one.exact - one.floor));
  return new Map(byRemainder.map(({ set, floor }, nth) => [set, floor + (nth < total - given ? 1 : 0)]));
}

/** One sentence. */
function whyOf({ levels, lastResort }: Ranking, idc: string, { mode }: RouteRule): string {
  const [nearest] = levels;
  if (nearest === undefined) {
    return mode === "local-only"
      ? `${idc} has no broker set of this topic, and it is local-only`
      : "no broker set has it";
  }
  if (lastResort) return `nobody is available, so the last known ones: ${levels.map(({ why }) => why).join("; ")}`;
  if (mode === "any") return nearest.why === "" ? "every set takes its part" : nearest.why;
  if (nearest.idc !== idc && nearest.share === 1)
    return `${idc} has no broker set of this topic, ${nearest.idc} is next`;
  if (nearest.share === 1)
    return nearest.why === "" ? `${nearest.idc} is near and well` : `enough is well: ${nearest.why}`;
  return nearest.why === "" ? "by weight" : nearest.why;
}

/** Do both say the same to a client? */
export function sameAnswer(one: Answer, other: Answer): boolean {
  return (
    one.cluster === other.cluster &&
    one.chosen === other.chosen &&
    one.why === other.why &&
    one.stale === other.stale &&
    one.entry === other.entry &&
    one.gated === other.gated &&
    // Whoever comes back to a watch is told what has changed since: who is behind a gate is among it.
    one.home === other.home &&
    one.levels.length === other.levels.length &&
    one.levels.every(({ idc, share, sets }, nth) => {
      const level = other.levels[nth];
      return level?.idc === idc && level.share === share && sameList(level.sets, sets);
    }) &&
    one.brokers.length === other.brokers.length &&
    one.brokers.every(({ queue, set, weight }, nth) => {
      const broker = other.brokers[nth];
      return broker?.queue === queue && broker.set === set && broker.weight === weight;
    })
  );
}

function sameList(one: readonly SetEntry[], other: readonly SetEntry[]): boolean {
  return one.length === other.length && one.every((set, nth) => set === other[nth]);
}

/** What of a table is by topic; the rest of it is in every answer. */
const byTopic: ReadonlySet<string> = new Set<keyof Table>(["revision", "topics", "homes"]);

/** What answers about one topic rest on. It holds nothing of a table but what is about this topic: who keeps it keeps no table. */
type Ground = readonly unknown[];

/** Most changes are about other topics, so grounds are asked for again and again, of ever newer tables. */
export function createGroundOf(clusters: readonly string[]): (table: Table, topic: string) => Ground {
  let latest: Table | undefined;
  /** Rises when anything changes that is in every answer. */
  let shared = 0;
  return (table, topic) => {
    if (latest !== table) {
      if (latest !== undefined && !sameShared(latest, table)) shared += 1;
      latest = table;
    }
    const entries = clusters.map((cluster) => table.topics.get(topicName(cluster, topic)));
    return [shared, table.homes.get(topic), ...entries];
  };
}

function sameShared(one: Table, other: Table): boolean {
  for (const name in one) {
    const part = name as keyof Table;
    if (!byTopic.has(part) && one[part] !== other[part]) return false;
  }
  return true;
}

export function sameGround(one: Ground, other: Ground): boolean {
  return one.length === other.length && one.every((part, nth) => part === other[nth]);
}
