import type { KafkaPartition, TopicHome } from "./model.ts";

/** What the shell tells the fold. Times are monotonic ms; `askedAt` is when the question was sent. */

/** What one name server shows of one broker set: addresses by role id. */
export type SeenAddresses = ReadonlyMap<number, string>;

/** What a name server has of a topic, by broker set. */
export interface SeenTopic {
  readonly orderConf: string | null;
  readonly staticBody: string | null;
  readonly queues: readonly {
    readonly set: string;
    readonly perm: number;
    readonly readQueues: number;
    readonly writeQueues: number;
    readonly topicSysFlag: number;
  }[];
}

export interface LedgerEntry {
  /** Below the prefix: "sets/C1/bs1". */
  readonly key: string;
  readonly text: string;
  readonly revision: bigint;
}

/** What one znode says of its topic; of one that has gone: nothing. */
export interface Home extends TopicHome {
  readonly topic: string;
  /** Of the node's last change; of one that has gone: of the reading that missed it. */
  readonly zxid: bigint;
}

export type Event =
  /** All broker sets of the cluster, as one name server shows them (106). */
  | {
      readonly kind: "brokers";
      readonly cluster: string;
      readonly nameServer: string;
      readonly askedAt: number;
      readonly sets: ReadonlyMap<string, SeenAddresses>;
    }
  | {
      readonly kind: "nameServerSilent";
      readonly cluster: string;
      readonly nameServer: string;
      readonly askedAt: number;
      readonly detail: string;
    }
  /** One topic (105). `seen` null: every name server that answers says that there is none. */
  | {
      readonly kind: "topic";
      readonly cluster: string;
      readonly topic: string;
      readonly askedAt: number;
      readonly seen: SeenTopic | null;
    }
  /** Everything in the ledger, at one revision. */
  | {
      readonly kind: "ledger";
      readonly clusterId: string;
      readonly revision: bigint;
      readonly entries: readonly LedgerEntry[];
    }
  | { readonly kind: "ledgerChanged"; readonly key: string; readonly text: string | null; readonly revision: bigint }
  /** It has told all that it has up to now. */
  | { readonly kind: "ledgerCurrent" }
  | { readonly kind: "ledgerSilent"; readonly detail: string }
  /** All nodes, or those that have changed; none: all is as it was. */
  | { readonly kind: "homes"; readonly homes: readonly Home[] }
  | { readonly kind: "homesSilent"; readonly detail: string }
  /** A broker of a Kafka cluster answered: it lives, and these are there too. */
  | {
      readonly kind: "kafkaBrokers";
      readonly cluster: string;
      readonly address: string;
      readonly askedAt: number;
      readonly brokers: readonly { readonly id: number; readonly address: string; readonly rack: string }[];
    }
  | {
      readonly kind: "kafkaSilent";
      readonly cluster: string;
      readonly address: string;
      readonly askedAt: number;
      readonly detail: string;
    }
  /** Topics of a Kafka cluster. `partitions` null: it has none of this name. */
  | {
      readonly kind: "kafkaTopics";
      readonly cluster: string;
      readonly askedAt: number;
      readonly topics: readonly { readonly topic: string; readonly partitions: readonly KafkaPartition[] | null }[];
    }
  /** An own check of a set's master; null: passed, else why not. */
  | {
      readonly kind: "checked";
      readonly cluster: string;
      readonly set: string;
      readonly address: string;
      readonly sentAt: number;
      readonly failure: string | null;
    }
  /** This process stood still. */
  | { readonly kind: "stalled" }
  | { readonly kind: "tick" };

export type Source = "name-server" | "ledger" | "metadata" | "kafka";

/** What the shell has to do. */
export type Command =
  /** The name servers of this cluster show other broker sets than before: its topics may be elsewhere too. */
  | { readonly kind: "refreshTopics"; readonly cluster: string }
  /** A new master was decided, and no name server shows it yet: ask them often. */
  | { readonly kind: "hurry"; readonly cluster: string }
  | {
      readonly kind: "note";
      readonly level: "warn" | "info";
      readonly sentence: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** Something older than what is known was told, and changed nothing. */
  | { readonly kind: "older"; readonly source: Source; readonly detail: string };
