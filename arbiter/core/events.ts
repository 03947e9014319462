import type { Instant } from "#lib/clock.ts";
import type { ControllerAnswer, ControllerRequest, Heartbeat, MasterInfo } from "./controller-messages.ts";
import type { DecisionKind, RefusalReason } from "./decision.ts";
import type { BrokerId, OffsetReading, Revision, SetName } from "./model.ts";
import type { OperatorAnswer, OperatorRequest } from "./operator-messages.ts";

/**
 * What comes into the core, and what it wants done. The shell turns callbacks into events, one at a time, and carries the
 * commands out in order; their outcomes come back as events. Neither holds a clock, a socket or a promise.
 */

/** A broker's or an operator's question that waits for its answer. */
export type AskId = number;
/** One connection to the controller door, as long as it stands. */
export type ConnectionId = number;
/** A transaction that the core has asked for. */
export type Token = number;

export interface BrokerRef {
  readonly set: SetName;
  readonly id: BrokerId;
  readonly address: string;
}

/** What a probe found: one TCP connection and one real request (1007). */
export type TriedOutcome =
  | {
      readonly kind: "answered";
      readonly reading: OffsetReading;
      /** It says that it acts as master now. */
      readonly acting: boolean;
    }
  | { readonly kind: "refused"; readonly detail: string }
  /** Reached, but it answers with an error: it lives, and cannot be asked. */
  | { readonly kind: "failed"; readonly detail: string }
  | { readonly kind: "timedOut"; readonly detail: string };

/** untried: this process lacked something; that says nothing about the broker. */
export type ProbeOutcome = TriedOutcome | { readonly kind: "untried"; readonly detail: string };

/** The ledger, keys without the prefix. */
export interface LedgerEntry {
  readonly key: string;
  readonly text: string;
  readonly revision: Revision;
}

/** That a record is as it was read: by its revision (0n: absent), or by its very text. */
export type Comparison =
  | { readonly key: string; readonly revision: Revision }
  | { readonly key: string; readonly text: string };

/** Does it hold for what lies there now? */
export function holds(comparison: Comparison, found: { text: string; revision: Revision } | undefined): boolean {
  if ("text" in comparison) return found?.text === comparison.text;
  return (found?.revision ?? 0n) === comparison.revision;
}

/** Compare everything, then put and delete: all or nothing. */
export interface Transaction {
  readonly compares: readonly Comparison[];
  readonly puts: readonly { readonly key: string; readonly text: string; readonly onLease: boolean }[];
  readonly deletes: readonly string[];
}

/** What was read for a set. */
export type SetEvent =
  /** Who is id 0 of this set in the NameServers' eyes; null: nobody. */
  | { readonly kind: "routeSeen"; readonly set: SetName; readonly sentAt: Instant; readonly master: string | null }
  | {
      readonly kind: "canaried";
      readonly set: SetName;
      readonly epoch: number;
      readonly ok: boolean;
      readonly detail: string;
    }
  /** How many replicas, itself among them, the master counts as in sync (907); asked while the record had this inSyncEpoch. */
  | { readonly kind: "inSyncSeen"; readonly set: SetName; readonly inSyncEpoch: number; readonly count: number }
  /** null: it does not answer. `sentAt`: as the command had it. */
  | {
      readonly kind: "settingsSeen";
      readonly broker: BrokerRef;
      readonly sentAt: Instant;
      readonly settings: BrokerSettings | null;
    }
  /** Whether it takes messages as a master does, by its settings; null: it does not answer. `sentAt`: as the command had it. */
  | {
      readonly kind: "roleSeen";
      readonly broker: BrokerRef;
      readonly sentAt: Instant;
      readonly isMaster: boolean | null;
    }
  /** The answer to a raiseBarrier or a lowerBarrier with this value; `ok` false: it may have been done all the same. */
  | {
      readonly kind: "barrierRaised" | "barrierLowered";
      readonly broker: BrokerRef;
      readonly minInSyncReplicas: number;
      readonly ok: boolean;
      readonly detail: string;
    };

export type Event =
  | { readonly kind: "heartbeat"; readonly connection: ConnectionId; readonly beat: Heartbeat }
  | { readonly kind: "closed"; readonly connection: ConnectionId }
  | {
      readonly kind: "asked";
      readonly ask: AskId;
      readonly connection: ConnectionId;
      readonly request: ControllerRequest;
      /** Of an operator's tool: its host:port. */
      readonly tool?: string;
    }
  /** `who`: as he was named at the door. */
  | { readonly kind: "operator"; readonly ask: AskId; readonly request: OperatorRequest; readonly who: string }
  /** The whole ledger as it was at that revision, at start and whenever the watch had to be made anew: what is not in it is gone. */
  | {
      readonly kind: "ledger";
      readonly entries: readonly LedgerEntry[];
      readonly revision: Revision;
      /** etcd's id of its cluster; left out: not known. */
      readonly etcd?: string;
    }
  /** text null: deleted. */
  | { readonly kind: "changed"; readonly key: string; readonly text: string | null; readonly revision: Revision }
  /** `sentAt` ms before the answer: how long a quorum proof has been good already. */
  | { readonly kind: "committed"; readonly token: Token; readonly revision: Revision; readonly tookMs: number }
  /** `entries`: the compared keys as they were at that revision. */
  | {
      readonly kind: "outdated";
      readonly token: Token;
      readonly entries: readonly LedgerEntry[];
      readonly revision: Revision;
      readonly tookMs: number;
    }
  /** No answer: it may have been applied. */
  | { readonly kind: "unanswered"; readonly token: Token; readonly detail: string }
  /** `sentAt`: as the command had it. */
  | { readonly kind: "probed"; readonly broker: BrokerRef; readonly sentAt: Instant; readonly outcome: ProbeOutcome }
  | { readonly kind: "siteProbed"; readonly site: string; readonly reached: boolean }
  /** The answer to a 1008; `answered` false: refused, cut, or late. */
  | {
      readonly kind: "notified";
      readonly broker: BrokerRef;
      readonly epoch: number;
      readonly answered: boolean;
      readonly detail: string;
    }
  | SetEvent
  /** Our own loop stood still. */
  | { readonly kind: "stalled"; readonly ms: number }
  | { readonly kind: "tick" };

/** Of request 26, what protection and repairs look at. */
export interface BrokerSettings {
  readonly allAckInSyncStateSet: boolean;
  readonly minInSyncReplicas: number;
  readonly flushDiskType: string;
  readonly brokerPermission: number;
  /** These settings make it take a core, and stand still at times; nothing rests on it, operators are told. */
  readonly spins: boolean;
}

/** Something that happened to a set, as the ledger shows it. */
export interface Happened {
  /** The same for whoever tells it: two of one id are one. */
  readonly id: string;
  readonly event: "suspect" | "commit" | "done" | "blocked";
  readonly set: SetName;
  /** Of the record now. */
  readonly epoch: number;
  readonly master: { readonly id: number; readonly address: string } | null;
  /** Wall time at which this site saw it. */
  readonly at: number;
  /** Of suspect, and of blocked where no decision was made. */
  readonly question: string | null;
  /** Of commit and done, and of blocked where its promotion waits. */
  readonly decision: string | null;
  readonly kind: DecisionKind | null;
  readonly reason: RefusalReason | null;
  /** For people. */
  readonly why: string;
}

export type Command =
  | { readonly kind: "answer"; readonly ask: AskId; readonly answer: ControllerAnswer }
  | { readonly kind: "answerOperator"; readonly ask: AskId; readonly answer: OperatorAnswer }
  | { readonly kind: "commit"; readonly token: Token; readonly transaction: Transaction }
  | { readonly kind: "probe"; readonly broker: BrokerRef; readonly sentAt: Instant }
  | { readonly kind: "probeSite"; readonly site: string; readonly controller: string }
  /**
   * 1008 as a request: its answer says that the change is done. `deposed`: it was master until this decision, and nobody is promoted
   * before it is known not to act as one. `mayBeNew`: no heartbeat of it was heard of late, so it may have been started a moment ago.
   */
  | {
      readonly kind: "notify";
      readonly broker: BrokerRef;
      readonly info: MasterInfo;
      readonly deposed: boolean;
      readonly mayBeNew: boolean;
    }
  | { readonly kind: "readRoute"; readonly set: SetName; readonly sentAt: Instant }
  /** A real message, accepted by the master and read back. */
  | { readonly kind: "canary"; readonly set: SetName; readonly epoch: number; readonly address: string }
  | { readonly kind: "readInSync"; readonly set: SetName; readonly inSyncEpoch: number; readonly address: string }
  | { readonly kind: "readSettings"; readonly broker: BrokerRef; readonly sentAt: Instant }
  /** A broker that changes its role takes no messages from the first moment on; in a probe it is master until it has changed. */
  | { readonly kind: "readRole"; readonly broker: BrokerRef; readonly sentAt: Instant }
  /** From its answer on the broker refuses every message, and replicates as before; it keeps the setting over a restart. */
  | { readonly kind: "raiseBarrier"; readonly broker: BrokerRef; readonly minInSyncReplicas: number }
  /** Gives a broker its own settings back and reads them again; it registers at the NameServers at once, as by reregister. */
  | {
      readonly kind: "lowerBarrier";
      readonly broker: BrokerRef;
      readonly minInSyncReplicas: number;
      readonly brokerPermission: number;
    }
  /** Makes a broker register at the NameServers at once, and so learn the master's HA address: request 25 with its own brokerPermission. */
  | { readonly kind: "reregister"; readonly broker: BrokerRef }
  /** For whoever wants to be told; it may be told twice. */
  | { readonly kind: "happened"; readonly happened: Happened }
  /** Something a person may want to read. `sentence` is fixed; the rest is in the fields. */
  | {
      readonly kind: "note";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly sentence: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };
