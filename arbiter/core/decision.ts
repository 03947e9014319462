import type {
  AnswerRecord,
  BrokerId,
  DecisionId,
  OffsetReading,
  ProtectionRecord,
  QuestionId,
  QuestionRecord,
  SetPolicy,
  SiteName,
  SwitchRecord,
} from "./model.ts";

/** A decision about who is master: what it rests on, its verdict, how far its effects are. Where there is none: why it is refused. */

/** switch: an operator's, while nothing is written; switch-back: the same taken back, before anybody was promoted. */
export const decisionKinds = ["first-master", "failover", "restart", "switch", "switch-back", "recover"] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/** All that a decision rests on: the same input gives the same decision, to the byte. */
export interface DecisionInput {
  readonly kind: DecisionKind;
  readonly cluster: string;
  readonly set: string;
  /** Of the master to be replaced. */
  readonly epoch: number;
  /** For `first-master`: the highest that a set of this name had before it was cleaned away; 0: there was none. */
  readonly usedEpoch: number;
  readonly inSyncEpoch: number;
  readonly master: BrokerId | null;
  /** Of a recovery empty where nobody knows: the record is older than the brokers. */
  readonly inSync: readonly BrokerId[];
  readonly sites: readonly SiteName[];
  readonly question: QuestionRecord | null;
  /** For switch and switch-back. */
  readonly planned: SwitchRecord | null;
  /** Of sites whose beat was fresh. */
  readonly answers: readonly AnswerRecord[];
  readonly candidates: readonly CandidateFacts[];
  /** For `recover`: those that say that they act as master. */
  readonly acting: readonly BrokerId[];
  readonly policy: SetPolicy;
  readonly protection: ProtectionRecord | null;
  /** Wall times. */
  readonly failoversAt: readonly number[];
  readonly now: number;
  /**
   * True: no in-sync member may still turn up (all are read or down), or gatherMs is over. Of a switch: the old master was read
   * twice at the same end, after it had begun to refuse messages.
   */
  readonly gathered: boolean;
  /** By name: from an operator, by 1002 at epoch 0, or whom a switch is to. */
  readonly designated: BrokerId | null;
  /** For `recover`: even out of the in-sync set. */
  readonly forced: boolean;
  readonly reason: string;
}

/** One in-sync or other replica, as the election sees it. */
export interface CandidateFacts {
  readonly id: BrokerId;
  readonly inSync: boolean;
  readonly confirmed: boolean;
  /** Sites that hear it, and sites that say it is silent or dead. */
  readonly aliveAt: readonly SiteName[];
  readonly downAt: readonly SiteName[];
  /** null: it could not be read. */
  readonly reading: OffsetReading | null;
  /** The most it has ever told; of one that was read: before it was asked. */
  readonly reported: OffsetReading | null;
  /** Operators drain it, or its IDC: of those with equal progress it comes last. */
  readonly drained: boolean;
  /** Smaller wins, on equal progress. */
  readonly priority: number;
  readonly idc: string;
}

export const refusalReasons = [
  "no-majority",
  "not-in-sync",
  "unconfirmed",
  "not-alive",
  "unread",
  "lost-tail",
  "behind",
  "not-designated",
  "not-protected",
  "loss-too-large",
  "cooling-down",
  "frozen",
  "paused",
  "gathering",
  "no-candidate",
  /** Decided, and nobody is promoted: the old master obeys no epoch, and its fence did not say yes. */
  "not-fenced",
  /** A broker tells of an epoch above the record's: etcd was restored or made anew. */
  "ledger-behind",
  /** The next epoch is no 32-bit number, as brokers need it. */
  "epoch-limit",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export interface Rejected {
  readonly id: BrokerId;
  readonly reason: RefusalReason;
  readonly detail: string;
}

export type DecisionVerdict =
  | {
      readonly kind: "elect";
      readonly winner: BrokerId;
      readonly epoch: number;
      readonly inSyncEpoch: number;
      readonly rejected: readonly Rejected[];
      /** Bytes that the old master had told of beyond the winner's end; null: not known. */
      readonly knownLag: bigint | null;
      readonly why: string;
    }
  | {
      readonly kind: "refuse";
      readonly reason: RefusalReason;
      readonly rejected: readonly Rejected[];
      readonly why: string;
    };

/** Why the open question leads to no decision, or a decision to no promotion, as the site that drives it says. */
export interface RefusalRecord {
  /** Or the decision's id. */
  readonly question: QuestionId | DecisionId;
  readonly site: SiteName;
  readonly reason: RefusalReason;
  readonly why: string;
  readonly rejected: readonly Rejected[];
  readonly at: number;
}

/** How far the effects of a decision are. Each is set once, by compare-and-swap on the decision's revision. */
export const effectNames = ["demoted", "compared", "promoted", "routed", "told", "proven"] as const;
export type EffectName = (typeof effectNames)[number];

/** The effects that a decision has: only a switch compares, after the demotion, whether anything would be lost. */
export function effectsOf(kind: DecisionKind): readonly EffectName[] {
  return kind === "switch" ? effectNames : effectNames.filter((name) => name !== "compared");
}

export interface EffectRecord {
  readonly site: SiteName;
  readonly at: number;
  /** For people: what happened, or why it was left out. */
  readonly detail: string;
}

export interface DecisionRecord {
  readonly id: DecisionId;
  readonly input: DecisionInput;
  readonly verdict: Extract<DecisionVerdict, { kind: "elect" }>;
  readonly decidedBy: SiteName;
  readonly at: number;
  readonly effects: Readonly<Partial<Record<EffectName, EffectRecord>>>;
}
