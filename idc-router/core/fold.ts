import { type Asked, askedAt, noneAsked, withAsked } from "./asked.ts";
import type { Command, Event } from "./events.ts";
import type { SetHealth } from "./health.ts";
import { type HomeFacts, hearHomes, noHomes, tableOfHomes } from "./homes.ts";
import { forgiveKafka, hearKafka, type KafkaFacts, kafkaEntry, noKafka } from "./kafka-facts.ts";
import { hearLedger, hearLedgerChange, type LedgerFacts, noLedger } from "./ledger.ts";
import {
  type HealthTiming,
  type Moment,
  type SetName,
  setName,
  type Table,
  type TopicEntry,
  type TopicName,
  topicName,
} from "./model.ts";
import { answering, hearNameServer, type NameServers } from "./name-servers.ts";
import { noteChanges } from "./notes.ts";
import { type Check, foldSets } from "./sets.ts";
import { changeTopics, foldTopic, forgetQueues } from "./topics.ts";

export interface FoldOptions {
  /** RocketMQ clusters of the config, in its order. */
  readonly clusters: readonly string[];
  readonly idcOf: (address: string, set: string) => string;
  readonly weightOf: (name: SetName) => number;
  /** Kafka clusters of the config that are watched: their bootstrap servers. */
  readonly kafka: ReadonlyMap<string, readonly string[]>;
  readonly kafkaIdcOf: (cluster: string, address: string, rack: string) => string;
  readonly timing: HealthTiming;
  readonly forgetAfterMs: number;
}

/** All that the router knows. `table` is what it says; the rest is what the next table is made from. */
export interface RouterState {
  readonly table: Table;
  readonly nameServers: NameServers;
  readonly ledger: LedgerFacts;
  readonly homes: HomeFacts;
  /** By cluster. */
  readonly kafka: ReadonlyMap<string, KafkaFacts>;
  readonly healths: ReadonlyMap<SetName, SetHealth>;
  readonly checks: ReadonlyMap<SetName, Check>;
  /** When each topic was last asked for. */
  readonly topicsAskedAt: Asked;
  /** When old queues were last looked for. */
  readonly forgotAt: number;
  /** When this process had last stood still: what began before does not count as failing since then. */
  readonly stalledAt: number;
}

export interface Folded {
  readonly state: RouterState;
  readonly commands: readonly Command[];
}

const forgetEveryMs = 5_000;

const emptyTable: Table = {
  revision: 0,
  sets: new Map(),
  topics: new Map(),
  homes: new Map(),
  kafka: new Map(),
  idcs: new Map(),
  silentClusters: new Set(),
};

/** @param table the last good one */
export function startState(table: Table = emptyTable): RouterState {
  return {
    table,
    nameServers: new Map(),
    // Epochs are not forgotten over a restart: what is older than the last good table changes nothing.
    ledger: {
      ...noLedger,
      sets: new Map(
        [...table.sets.values()].flatMap(({ name, epoch, master }) =>
          epoch === null ? [] : [[name, { epoch, master, learnedAt: Number.NEGATIVE_INFINITY }]],
        ),
      ),
      idcs: table.idcs,
    },
    homes: { ...noHomes, homes: new Map([...table.homes].map(([topic, home]) => [topic, { home, zxid: -1n }])) },
    kafka: new Map(),
    healths: new Map(),
    checks: new Map(),
    topicsAskedAt: noneAsked,
    forgotAt: Number.NEGATIVE_INFINITY,
    stalledAt: Number.NEGATIVE_INFINITY,
  };
}

/** What follows from a batch of events. Pure: the same table again, as an object, when it says the same. */
export function fold(before: RouterState, events: readonly Event[], options: FoldOptions, moment: Moment): Folded {
  const commands: Command[] = [];
  const { table } = before;
  let { nameServers, ledger, homes, kafka } = before;
  const checks = new Map([...before.checks].map(([name, check]) => [name, { ...check, isNew: false }]));
  const topicsAskedAt = new Map<TopicName, number>();
  const topics = new Map<TopicName, TopicEntry | undefined>();
  const stalled = events.some(({ kind }) => kind === "stalled");
  const stalledAt = stalled ? moment.now : before.stalledAt;
  if (stalled) kafka = new Map([...kafka].map(([cluster, facts]) => [cluster, forgiveKafka(facts, moment.now)]));

  for (const event of events) {
    switch (event.kind) {
      case "brokers":
      case "nameServerSilent":
        nameServers = hearNameServer(nameServers, event, commands);
        break;
      case "topic": {
        const name = topicName(event.cluster, event.topic);
        const newest = topicsAskedAt.get(name) ?? askedAt(before.topicsAskedAt, name);
        if (newest !== undefined && event.askedAt < newest) {
          commands.push({ kind: "older", source: "name-server", detail: name });
          break;
        }
        topicsAskedAt.set(name, event.askedAt);
        const known = topics.has(name) ? topics.get(name) : table.topics.get(name);
        topics.set(name, foldTopic(known, event, moment.wall));
        break;
      }
      case "ledger":
        ledger = hearLedger(ledger, event, moment.now, commands);
        break;
      case "ledgerChanged":
        ledger = hearLedgerChange(ledger, event, moment.now, commands);
        break;
      case "ledgerCurrent":
        ledger = { ...ledger, heardAt: moment.now, failure: null };
        break;
      case "ledgerSilent":
        ledger = { ...ledger, failure: event.detail };
        break;
      case "homes":
        homes = hearHomes(homes, event, moment.now, commands);
        break;
      case "homesSilent":
        homes = { ...homes, failure: event.detail };
        break;
      case "kafkaBrokers":
      case "kafkaSilent":
      case "kafkaTopics": {
        const facts = kafka.get(event.cluster) ?? noKafka;
        const heard = hearKafka(facts, event, { now: moment.now, stalledAt, timing: options.timing }, commands);
        kafka = new Map(kafka).set(event.cluster, heard);
        break;
      }
      case "checked": {
        const name = setName(event.cluster, event.set);
        const { address, sentAt, failure } = event;
        const known = checks.get(name);
        if (known === undefined || known.address !== address || sentAt > known.sentAt)
          checks.set(name, { address, sentAt, failure, isNew: true });
        break;
      }
      case "stalled":
      case "tick":
        break;
    }
  }

  const { clusters, forgetAfterMs } = options;
  const folded = foldSets(
    { sets: table.sets, healths: before.healths },
    { ...options, nameServers, ledger, checks, stalled, stalledAt },
    moment,
  );
  const isTimeToForget = moment.now - before.forgotAt >= forgetEveryMs;
  let kept = changeTopics(table.topics, topics);
  if (isTimeToForget) kept = forgetTopics(kept, { wall: moment.wall, afterMs: forgetAfterMs });
  const next: Table = {
    revision: table.revision,
    sets: folded.sets,
    topics: kept,
    homes: tableOfHomes(homes, { facts: before.homes, homes: table.homes }),
    kafka:
      kafka === before.kafka && isWatched(table.kafka, options)
        ? table.kafka
        : tableOfKafka(table.kafka, kafka, { ...options, now: moment.now }),
    idcs: ledger.idcs === before.ledger.idcs ? table.idcs : sameIdcs(table.idcs, ledger.idcs),
    silentClusters: silentClusters(table.silentClusters, clusters, nameServers),
  };
  hurryWhereDecided(before.ledger, ledger, next, moment.now, commands);
  noteChanges(table, next, commands);
  return {
    state: {
      table: sameTable(table, next) ? table : { ...next, revision: table.revision + 1 },
      nameServers,
      ledger,
      homes,
      kafka,
      healths: folded.healths,
      checks: new Map([...checks].filter(([name]) => folded.sets.has(name))),
      topicsAskedAt: withAsked(before.topicsAskedAt, topicsAskedAt, kept),
      forgotAt: isTimeToForget ? moment.now : before.forgotAt,
      stalledAt,
    },
    commands,
  };
}

function forgetTopics(
  topics: ReadonlyMap<TopicName, TopicEntry>,
  when: { wall: number; afterMs: number },
): ReadonlyMap<TopicName, TopicEntry> {
  const changes = new Map<TopicName, TopicEntry | undefined>();
  for (const [name, entry] of topics) {
    const left = forgetQueues(entry, when);
    if (left !== entry) changes.set(name, left);
  }
  return changeTopics(topics, changes);
}

function silentClusters(
  before: ReadonlySet<string>,
  clusters: readonly string[],
  nameServers: NameServers,
): ReadonlySet<string> {
  const silent = new Set(clusters.filter((cluster) => answering(nameServers, cluster).length === 0));
  return silent.symmetricDifference(before).size === 0 ? before : silent;
}

/** Not always: the last good file may be of another config. */
function isWatched(known: Table["kafka"], { kafka }: FoldOptions): boolean {
  for (const cluster of known.keys()) if (!kafka.has(cluster)) return false;
  return true;
}

/** Clusters that the config does not watch any more are gone. */
function tableOfKafka(
  before: Table["kafka"],
  facts: RouterState["kafka"],
  { kafka, kafkaIdcOf, now, forgetAfterMs }: FoldOptions & { readonly now: number },
): Table["kafka"] {
  const entries = [...kafka].flatMap(([cluster, servers]) => {
    const idcOf = (address: string, rack: string): string => kafkaIdcOf(cluster, address, rack);
    const entry = kafkaEntry(cluster, facts.get(cluster) ?? noKafka, before.get(cluster), {
      servers,
      idcOf,
      now,
      forgetAfterMs,
    });
    return entry === undefined ? [] : [[cluster, entry] as const];
  });
  const isSame = entries.length === before.size && entries.every(([cluster, entry]) => before.get(cluster) === entry);
  return isSame ? before : new Map(entries);
}

function sameIdcs(before: Table["idcs"], now: Table["idcs"]): Table["idcs"] {
  const isSame = before.size === now.size && [...now].every(([idc, entry]) => before.get(idc) === entry);
  return isSame ? before : now;
}

function sameTable(one: Table, other: Table): boolean {
  return (
    one.sets === other.sets &&
    one.topics === other.topics &&
    one.homes === other.homes &&
    one.kafka === other.kafka &&
    one.idcs === other.idcs &&
    one.silentClusters === other.silentClusters
  );
}

function hurryWhereDecided(
  before: LedgerFacts,
  now: LedgerFacts,
  { sets }: Table,
  at: number,
  commands: Command[],
): void {
  if (before.sets === now.sets) return;
  for (const [name, { master, learnedAt }] of now.sets) {
    // What stood in the first reading was decided some time ago.
    const isNew = before.sets.get(name) !== now.sets.get(name) && learnedAt === at;
    const entry = sets.get(name);
    if (isNew && entry !== undefined && entry.master !== master)
      commands.push({ kind: "hurry", cluster: entry.cluster });
  }
}
