import type { Command, Event } from "./events.ts";
import { forgive, observe, type SetHealth, wellAtFirst } from "./health.ts";
import type { HealthTiming, KafkaBroker, KafkaEntry, KafkaPartition } from "./model.ts";

/** What the brokers of a Kafka cluster said last, each for itself. */
export interface KafkaFacts {
  readonly nodes: ReadonlyMap<string, KafkaNode>;
  readonly topics: ReadonlyMap<string, TopicWord>;
  readonly heardAt: number | null;
}

interface KafkaNode {
  readonly askedAt: number;
  /** Why it did not answer the last question; null: it did. */
  readonly failure: string | null;
  /** Whom it named when it answered last. */
  readonly brokers: Listed;
  readonly health: SetHealth;
}

interface TopicWord {
  readonly askedAt: number;
  /** null: there is no such topic. */
  readonly partitions: readonly KafkaPartition[] | null;
  /** Since when that was said, again and again; null: it was not. */
  readonly deniedSince: number | null;
}

type Listed = readonly { readonly id: number; readonly address: string; readonly rack: string }[];

export const noKafka: KafkaFacts = { nodes: new Map(), topics: new Map(), heardAt: null };

type KafkaEvent = Extract<Event, { kind: "kafkaBrokers" | "kafkaSilent" | "kafkaTopics" }>;

/** The order of a broker's words is that of our questions. */
export function hearKafka(
  facts: KafkaFacts,
  event: KafkaEvent,
  { now, stalledAt, timing }: { readonly now: number; readonly stalledAt: number; readonly timing: HealthTiming },
  commands: Command[],
): KafkaFacts {
  const older = (detail: string): KafkaFacts => {
    commands.push({ kind: "older", source: "kafka", detail });
    return facts;
  };
  if (event.kind === "kafkaTopics") {
    const topics = new Map(facts.topics);
    for (const { topic, partitions } of event.topics) {
      const { askedAt = Number.NEGATIVE_INFINITY, deniedSince = null } = topics.get(topic) ?? {};
      if (askedAt > event.askedAt) older(topic);
      else
        topics.set(topic, {
          askedAt: event.askedAt,
          partitions,
          deniedSince: partitions === null ? (deniedSince ?? now) : null,
        });
    }
    return { ...facts, topics };
  }
  const { address, askedAt } = event;
  const before = facts.nodes.get(address);
  if (before !== undefined && askedAt <= before.askedAt) return older(address);
  const failure = event.kind === "kafkaSilent" ? event.detail : null;
  const seen = { failing: failure, at: Math.max(askedAt, stalledAt), passed: failure === null };
  const health = observe(before?.health ?? wellAtFirst, seen, { now }, timing);
  const brokers = event.kind === "kafkaBrokers" ? event.brokers : (before?.brokers ?? []);
  const nodes = new Map(facts.nodes).set(address, { askedAt, failure, brokers, health });
  return { ...facts, nodes, heardAt: failure === null ? askedAt : facts.heardAt };
}

/** This process stood still: what it did not hear meanwhile says nothing. */
export function forgiveKafka(facts: KafkaFacts, now: number): KafkaFacts {
  const nodes = [...facts.nodes].map(([address, node]): [string, KafkaNode] => [
    address,
    { ...node, health: forgive(node.health, now) },
  ]);
  return { ...facts, nodes: new Map(nodes) };
}

/** null: somebody answers, or nobody was asked yet. */
export function kafkaFailure({ nodes }: KafkaFacts): string | null {
  const failures = [...nodes].map(([address, { failure }]) => failure && `${address}: ${failure}`);
  return failures.length > 0 && failures.every((failure) => failure !== null) ? failures.join("; ") : null;
}

/**
 * The cluster as all who answer see it together. While nobody answers it stays as it was: that is a source that is away.
 * @param servers addresses of the config: they are there whatever the cluster names
 */
export function kafkaEntry(
  cluster: string,
  facts: KafkaFacts,
  before: KafkaEntry | undefined,
  {
    servers,
    idcOf,
    ...when
  }: {
    readonly servers: readonly string[];
    readonly idcOf: (address: string, rack: string) => string;
    readonly now: number;
    readonly forgetAfterMs: number;
  },
): KafkaEntry | undefined {
  const answering = [...facts.nodes.values()].filter(({ failure }) => failure === null);
  if (answering.length === 0) return before;
  const listed = new Map(answering.flatMap((node) => node.brokers.map((broker) => [broker.address, broker])));
  const brokers = [...new Set([...servers, ...listed.keys()])].toSorted().map((address): KafkaBroker => {
    const { id = null, rack = "" } = listed.get(address) ?? {};
    const health = facts.nodes.get(address)?.health ?? wellAtFirst;
    const available = health.kind === "in";
    return { address, id, rack, idc: idcOf(address, rack), available, why: available ? "" : whyOut(health) };
  });
  const entry: KafkaEntry = {
    cluster,
    brokers: sameBrokers(before?.brokers, brokers) ? before.brokers : brokers,
    topics: topicsOf(facts, before, when),
  };
  return entry.brokers === before?.brokers && entry.topics === before.topics ? before : entry;
}

function whyOut(health: Extract<SetHealth, { kind: "out" }>): string {
  return health.wellSince === null ? `out: ${health.reason}` : "in hold-down: it was out, and is well again";
}

/** What nobody was asked for stays as it was, and what is denied until it has been for long (I9). */
function topicsOf(
  { topics }: KafkaFacts,
  before: KafkaEntry | undefined,
  { now: at, forgetAfterMs }: { readonly now: number; readonly forgetAfterMs: number },
): KafkaEntry["topics"] {
  const known: KafkaEntry["topics"] = before?.topics ?? new Map();
  const now = new Map(known);
  for (const [topic, { partitions, deniedSince }] of topics) {
    if (partitions === null) {
      if (deniedSince !== null && at - deniedSince > forgetAfterMs) now.delete(topic);
    } else if (!samePartitions(known.get(topic), partitions)) now.set(topic, partitions);
  }
  const isSame = known.size === now.size && [...now].every(([topic, partitions]) => known.get(topic) === partitions);
  return isSame ? known : now;
}

function samePartitions(
  one: readonly KafkaPartition[] | undefined,
  other: readonly KafkaPartition[],
): one is readonly KafkaPartition[] {
  return (
    one?.length === other.length &&
    other.every(({ partition, leader }, nth) => one[nth]?.partition === partition && one[nth].leader === leader)
  );
}

function sameBrokers(
  one: readonly KafkaBroker[] | undefined,
  other: readonly KafkaBroker[],
): one is readonly KafkaBroker[] {
  return (
    one?.length === other.length &&
    other.every((broker, nth) => {
      const known = one[nth];
      return (
        known?.address === broker.address &&
        known.id === broker.id &&
        known.rack === broker.rack &&
        known.idc === broker.idc &&
        known.available === broker.available &&
        known.why === broker.why
      );
    })
  );
}
