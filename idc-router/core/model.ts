/** What the router knows and says. Everything here is immutable; a table is true in itself. */

/** "cluster/set": names of both hold no slash. */
export type SetName = string & { readonly __brand: "SetName" };
/** "cluster/topic": a topic as one cluster has it. */
export type TopicName = string & { readonly __brand: "TopicName" };

export function setName(cluster: string, set: string): SetName {
  return `${cluster}/${set}` as SetName;
}

export function topicName(cluster: string, topic: string): TopicName {
  return `${cluster}/${topic}` as TopicName;
}

/** A broker set, as all sources together tell it. */
export interface SetEntry {
  readonly name: SetName;
  readonly cluster: string;
  readonly set: string;
  /** Of its master, or of the last one; "": no row of `idcs` matches. */
  readonly idc: string;
  readonly weight: number;
  /** By role id; 0 is the master, and is there only while `master` is. */
  readonly addresses: ReadonlyMap<number, string>;
  /** host:port; null: nobody is right now. */
  readonly master: string | null;
  /** The master, or who was it last; null: none was ever known. */
  readonly lastMaster: string | null;
  /** Of the arbiters; null: they do not know this set. */
  readonly epoch: number | null;
  /** A name server shows it; without one that answers: did, when one last answered. */
  readonly present: boolean;
  /** Held out: it has failed for `outAfterMs`, and the hold-down is not over. */
  readonly out: boolean;
  /** It takes messages: present, with a master, not held out. */
  readonly available: boolean;
  /** Why it is not available; "" when it is. */
  readonly why: string;
  /** Wall time since which it has (not) been available. */
  readonly since: number;
  /** Wall time since which it has not been present; null: it is. */
  readonly goneSince: number | null;
}

/** What one broker set has of a topic. */
export interface QueueEntry {
  readonly set: string;
  /** Bits: 4 read, 2 write. */
  readonly perm: number;
  readonly readQueues: number;
  readonly writeQueues: number;
  readonly topicSysFlag: number;
  /** Wall time since which name servers deny it; null: they don't. */
  readonly goneSince: number | null;
}

export interface TopicEntry {
  readonly cluster: string;
  readonly topic: string;
  /** In the order of the sets' names. */
  readonly queues: readonly QueueEntry[];
  /** Of an ordered topic: "set:queues;…". Producers go by it and not by permissions. */
  readonly orderConf: string | null;
  /** Of a static topic: the answer's body as it came. Its queues are mapped over brokers; it is passed on unmasked. */
  readonly staticBody: string | null;
}

/** Some clients of a topic are led to another cluster than the others. */
export interface Gate {
  readonly cluster: string;
  /** Addresses and networks of these clients. */
  readonly ips: readonly string[];
}

/** What the metadata of one topic say. */
export interface TopicHome {
  /** null: they name none. */
  readonly cluster: string | null;
  readonly gate?: Gate | undefined;
  /** Comes before what the rule says. */
  readonly client?: ClientSettings | undefined;
}

export const idcStates = ["active", "drained", "read-only"] as const;
export type IdcState = (typeof idcStates)[number];

/** What operators want of an IDC. */
export interface IdcEntry {
  readonly idc: string;
  readonly state: IdcState;
  /** Per cent of what it would take otherwise, 0 to 100. */
  readonly weight: number;
  readonly epoch: number;
  readonly reason: string;
}

/** A broker of a Kafka cluster, as seen from here. */
export interface KafkaBroker {
  readonly address: string;
  /** null: the config names it, and no broker that answers does. */
  readonly id: number | null;
  /** `broker.rack`; "": it has none. */
  readonly rack: string;
  /** By its rack, by the row of the config that names it, or by its address; "": none of them tells. */
  readonly idc: string;
  /** It answers: it has not failed for `outAfterMs`, and no hold-down goes on. */
  readonly available: boolean;
  readonly why: string;
}

export interface KafkaPartition {
  readonly partition: number;
  /** A broker's id; -1: nobody leads it. */
  readonly leader: number;
}

/** What the brokers of a Kafka cluster say of it. */
export interface KafkaEntry {
  readonly cluster: string;
  /** By address. */
  readonly brokers: readonly KafkaBroker[];
  readonly topics: ReadonlyMap<string, readonly KafkaPartition[]>;
}

export interface Table {
  /** Rises by one with each change, also over restarts while there is a last good file. */
  readonly revision: number;
  readonly sets: ReadonlyMap<SetName, SetEntry>;
  readonly topics: ReadonlyMap<TopicName, TopicEntry>;
  /** What the metadata in ZooKeeper say of a topic. */
  readonly homes: ReadonlyMap<string, TopicHome>;
  /** By cluster; only those of which a broker ever answered. */
  readonly kafka: ReadonlyMap<string, KafkaEntry>;
  /** Only those that operators said something about. */
  readonly idcs: ReadonlyMap<string, IdcEntry>;
  /** Clusters of which no name server answers. */
  readonly silentClusters: ReadonlySet<string>;
}

export const routeModes = ["local-only", "prefer-local", "any"] as const;
type RouteMode = (typeof routeModes)[number];

/** How clients of the topics that `match` are led; the first rule that matches counts. */
export interface RouteRule {
  /** Of topics; `*` stands for any characters. */
  readonly match: string;
  readonly mode: RouteMode;
  /** Envoy's overprovisioning factor: 1.4 lets a level bear its whole load until less than 1/1.4 of it is available. */
  readonly overprovision: number;
  /** For clients that take it: the SDK. */
  readonly client?: ClientSettings | undefined;
}

export interface ClientSettings {
  readonly sendTimeoutMs?: number | undefined;
  readonly concurrency?: number | undefined;
}

export interface HealthTiming {
  readonly outAfterMs: number;
  readonly backAfterMs: number;
  readonly backAfterChecks: number;
}

export interface Moment {
  /** Monotonic, ms. */
  readonly now: number;
  /** Wall time, ms. */
  readonly wall: number;
}

/** RocketMQ's bits of `perm`. */
export const permissions = { read: 4, write: 2 } as const;
/** The role id of a master. */
export const masterRole = 0;
