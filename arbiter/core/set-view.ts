import type { Instant } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import type { SetRequest } from "./controller-messages.ts";
import type { DecisionRecord, DecisionVerdict, RefusalRecord } from "./decision.ts";
import type { AskId, BrokerSettings, ConnectionId } from "./events.ts";
import type { BrokerEvidence } from "./evidence.ts";
import type { HappenedState } from "./happened.ts";
import type {
  AnswerRecord,
  BrokerId,
  DrainRecord,
  OffsetReading,
  ProtectionRecord,
  QuestionRecord,
  SetName,
  SetRecord,
  SiteName,
  Stored,
  SwitchRecord,
} from "./model.ts";
import type { OperatorAnswer, OperatorRequest } from "./operator-messages.ts";
import type { Rest } from "./rest.ts";
import { type BarrierWork, newBarrierWork, type SwitchAsk } from "./switch-work.ts";
import { settingsRetryMs } from "./timing.ts";
import type { PhaseName } from "./transitions.ts";

const longAgo = -1_000_000 as Instant;

/** One broker set as this site has it: what the ledger says, what is heard, and what is under way. */
export interface SetView {
  readonly name: SetName;
  readonly cluster: string;
  readonly set: string;

  record: Stored<SetRecord> | null;
  /** Since when this site knows of the record's epoch: what a broker said before is about another one. */
  epochSeenAt: Instant;
  /** When an own transaction was sent that found, or made, the record as it is here; null: none since the last stall. */
  provenAt: Instant | null;
  /** The ids of the record's replicas. */
  ids: { readonly of: SetRecord["replicas"] | null; readonly ids: readonly BrokerId[] };
  /** Whose turn its failover is, and what that was told from. */
  turns: {
    readonly of: SetRecord["replicas"] | null;
    readonly voters: readonly SiteName[];
    readonly sites: readonly SiteName[];
  };
  question: (Stored<QuestionRecord> & { readonly seenAt: Instant }) | null;
  readonly answers: Map<SiteName, Stored<AnswerRecord>>;
  /** The one that the record names. */
  decision: (Stored<DecisionRecord> & { readonly seenAt: Instant }) | null;
  protection: Stored<ProtectionRecord> | null;
  /** `found`: it was there when this site came, or came back; others were told of while this site watched. */
  planned: (Stored<SwitchRecord> & { readonly seenAt: Instant; readonly found: boolean }) | null;
  drains: Stored<DrainRecord> | null;

  readonly brokers: Map<BrokerId, BrokerState>;
  /** Who was recorded as master since this site came, and has not been seen as a replica after that: one that was cut off acts as master still. */
  readonly masters: Set<BrokerId>;
  /** When the name servers were last asked and all that answered showed the master of that epoch; null: no record was seen yet. */
  routed: { readonly epoch: number; readonly at: Instant } | null;
  /** Since when a replica waits for that; null: none does. And when the name servers were last asked for it. */
  unroutedSince: Instant | null;
  unroutedAskAt: Instant;
  /** When the master was last asked to register because of it. */
  masterAskedAt: Instant;
  /** Questions of brokers that wait for a proof, a commit or a decision. */
  asks: WaitingAsk[];
  /** Ticks pass it over for so long; null: they do not. */
  rest: Rest | null;
  /** The last phase that was told, and the epoch that it is about; null: none was. */
  told: { readonly phase: PhaseName; readonly epoch: number } | null;
  /** For hooks; null: this site has not looked yet. */
  happened: HappenedState | null;

  /** A transaction on this set's record or question is under way: the next one waits for its outcome. */
  busy: boolean;
  /** The own answer is being written. */
  answering: boolean;
  /** Since when this site has a reason to ask. */
  doubtSince: Instant | null;
  /** When the last question about the master of this epoch was over, without a decision; null: there was none. */
  askedUntil: Instant | null;
  /** Since when the recorded master, by its own election request, does not act as one; null: it does. */
  restartedAt: Instant | null;
  /** Why the question leads to no decision, as the ledger says. */
  refused: Stored<RefusalRecord> | null;
  /** `refused` is being written; and when it was last. */
  refusing: boolean;
  refusalAt: Instant;
  /** Since when the question has a majority. */
  confirmedAt: Instant | null;
  decideAt: Instant;
  /** The last decision that this site has sent, and when the winner was read for it. */
  decided: { readonly epoch: number; readonly readAt: Instant } | null;
  /** Since when another broker than the recorded master acts as master, and that one does not. */
  usurpedSince: Instant | null;
  /** At the site that drives it. */
  refusal: Extract<DecisionVerdict, { kind: "refuse" }> | null;
  questions: number;

  effects: EffectsState;
  /** What this site has done for the planned switch of the record. */
  barrier: BarrierWork;
  /** A switch that was asked for at this site, until it is answered. */
  switchAsk: SwitchAsk | null;
  /** Since when the master has asked to shrink the in-sync set of that epoch into one IDC. */
  degrading: { readonly inSyncEpoch: number; readonly since: Instant; readonly seenAt: Instant } | null;
  inSyncReadAt: Instant;
  /** The master was seen to count as many in sync as the set of that epoch has; and how far it was after that, once it is read. */
  counted: { readonly inSyncEpoch: number; readonly at: Instant; readonly end: OffsetReading | null } | null;
  settingsReadAt: Instant;
  /** The record or a setting has changed since the level of protection was last worked out. */
  protectionDue: boolean;
  /** The record of it that this site has sent last. */
  protectionSent: string | null;
  /** Since when the set has been quiet, and its master away from home, in that epoch; null: it is not. */
  quiet: { readonly epoch: number; readonly since: Instant } | null;
  /** An operator's recovery that waits for readings. */
  recovery: Recovery | null;
}

interface Recovery {
  readonly since: Instant;
  readonly request: Extract<OperatorRequest, { kind: "recover" }>;
  readonly who: string;
  readonly answer: (of: OperatorAnswer, context: Context) => void;
}

export interface BrokerReading {
  readonly value: OffsetReading;
  readonly acting: boolean;
  readonly sentAt: Instant;
}

export interface BrokerState {
  evidence: BrokerEvidence;
  /** Of its last heartbeat; "": none came here. */
  beatFrom: string;
  /** When the probes under way were sent, oldest first: an old one must not hold up one that was asked for since. */
  probing: readonly Instant[];
  /** When the last probe was sent. */
  lastProbeAt: Instant;
  /** The newest answer to a probe, and when that was sent. */
  reading: BrokerReading | null;
  /** Since then it has been heard without a break: it was not started again. */
  sameSince: Instant;
  /** A 1008 is under way. */
  notifying: boolean;
  /** The highest epoch for which it has answered a 1008. */
  notified: number;
  /** What came of the last one. */
  notifyEnded: { readonly epoch: number; readonly detail: string } | null;
  notifyAt: Instant;
  /** To be told who is master as soon as that may be said. */
  tell: boolean;
  /** It has been heard; and when it was heard again after it was lost; null: it was not lost. */
  met: boolean;
  backAt: Instant | null;
  /** Somebody at another address has wanted its id, then. */
  rival: { readonly address: string; readonly at: Instant } | null;
  /** Heard, and out of the in-sync set, since. */
  outSince: Instant | null;
  settings: BrokerSettings | null;
  /** The last epoch in which it was a confirmed member of the in-sync set, or master. */
  memberIn: number | null;
  /** The newest answer to a reading of its role. */
  role: { readonly isMaster: boolean; readonly sentAt: Instant } | null;
  /** One is under way. */
  readingRole: boolean;
  /** What was asked for before says nothing of its settings: those told last were asked for then, or they may have changed then. */
  settingsAt: Instant | null;
  /** When they were last asked for on behalf of a switch. */
  settingsAskedAt: Instant;
}

/** They may be others from now on. */
export function forgetSettings(view: SetView, broker: BrokerState, now: Instant): void {
  broker.settings = null;
  broker.settingsAt = now;
  view.settingsReadAt = Math.min(view.settingsReadAt, now + settingsRetryMs) as Instant;
}

export function newBroker(evidence: BrokerEvidence, now: Instant): BrokerState {
  return {
    evidence,
    beatFrom: "",
    probing: [],
    lastProbeAt: 0 as Instant,
    reading: null,
    sameSince: now,
    notifying: false,
    notified: 0,
    notifyEnded: null,
    notifyAt: now,
    tell: false,
    met: false,
    backAt: null,
    rival: null,
    outSince: null,
    settings: null,
    memberIn: null,
    role: null,
    readingRole: false,
    settingsAt: null,
    settingsAskedAt: longAgo,
  };
}

export interface WaitingAsk {
  readonly ask: AskId;
  readonly connection: ConnectionId;
  readonly request: SetRequest;
  /** Its id, if its connection has told; null: not known. */
  readonly caller: BrokerId | null;
  /** host:port of an operator's tool; "" for a broker. */
  readonly tool: string;
  readonly since: Instant;
  /** An epoch that the record had after that time, as a transaction has told; null: none has yet. */
  epoch: number | null;
  tries: number;
  /** In a proof or a commit that is under way, or waiting for a decision that is. */
  inFlight: boolean;
}

/** How far this site is with the effects of the decision of that epoch. */
export interface EffectsState {
  epoch: number;
  demoteSentAt: Instant | null;
  demoted: string | null;
  comparingSince: Instant | null;
  compared: string | null;
  promoted: string | null;
  promotedAt: Instant | null;
  routeReadAt: Instant | null;
  routed: string | null;
  toldSince: Instant | null;
  told: string | null;
  canaryAt: Instant | null;
  canarySince: Instant | null;
  canarying: boolean;
  proven: string | null;
  /** Written, or being written. */
  written: number;
}

export function newSetView(name: SetName, cluster: string, set: string, now: Instant): SetView {
  return {
    name,
    cluster,
    set,
    record: null,
    epochSeenAt: now,
    provenAt: null,
    ids: { of: null, ids: [] },
    turns: { of: null, voters: [], sites: [] },
    question: null,
    answers: new Map(),
    decision: null,
    protection: null,
    planned: null,
    drains: null,
    brokers: new Map(),
    masters: new Set(),
    routed: null,
    unroutedSince: null,
    unroutedAskAt: now,
    masterAskedAt: longAgo,
    asks: [],
    rest: null,
    told: null,
    happened: null,
    busy: false,
    answering: false,
    doubtSince: null,
    askedUntil: null,
    restartedAt: null,
    refused: null,
    refusing: false,
    refusalAt: now,
    confirmedAt: null,
    decideAt: now,
    decided: null,
    usurpedSince: null,
    refusal: null,
    questions: 0,
    effects: newEffects(0),
    barrier: newBarrierWork(),
    switchAsk: null,
    degrading: null,
    inSyncReadAt: now,
    counted: null,
    settingsReadAt: now,
    protectionDue: true,
    protectionSent: null,
    quiet: null,
    recovery: null,
  };
}

export function newEffects(epoch: number): EffectsState {
  return {
    epoch,
    demoteSentAt: null,
    demoted: null,
    comparingSince: null,
    compared: null,
    promoted: null,
    promotedAt: null,
    routeReadAt: null,
    routed: null,
    toldSince: null,
    told: null,
    canaryAt: null,
    canarySince: null,
    canarying: false,
    proven: null,
    written: 0,
  };
}

/** What keeps the open question from a decision, or the decision from its promotion; null: nothing does. */
export function blockedBy({ record, question, decision, refused }: SetView): RefusalRecord | null {
  if (refused === null) return null;
  const of = refused.value.question;
  if (question !== null) return of === question.value.id ? refused.value : null;
  const isUnfenced = decision !== null && of === decision.value.id && decision.value.effects.demoted === undefined;
  return isUnfenced && record?.value.decision === of ? refused.value : null;
}

/** Where the set stands: from the ledger alone, so every site says the same. */
export function phaseOf(view: SetView): PhaseName {
  const record = view.record?.value;
  if (record === undefined) return "new";
  if (record.frozen !== null) return "frozen";
  if (view.question !== null) return blockedBy(view) === null ? "suspected" : "blocked";
  if (record.decision !== null) return blockedBy(view) === null ? "installing" : "blocked";
  if (view.planned !== null) return view.planned.value.stage === "holding" ? "switching" : "restoring";
  return record.epoch === 0 ? "new" : "held";
}
