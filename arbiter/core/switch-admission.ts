import { belowBarrier, ownValueMax } from "./barrier.ts";
import type { BrokerSettings } from "./events.ts";
import { bytesText, figure, listText } from "./figures.ts";
import type { BrokerId, OffsetReading, SetPolicy, SetRecord } from "./model.ts";
import { type Objection, whileCoolingDown } from "./permit.ts";
import { resolveTarget, type TargetRefusal } from "./switch-target.ts";
import { epochMax } from "./verdict.ts";

/** May a planned switch begin, and to whom? Pure. Nothing has happened yet, so a refusal costs nothing. */

type SwitchRefusal =
  | TargetRefusal
  | "no-master"
  | "frozen"
  | "paused"
  | "question-open"
  | "decision-open"
  | "switch-open"
  | "cooling-down"
  | "not-in-sync"
  | "unconfirmed"
  | "not-alive"
  | "unread"
  | "not-acting"
  | "barrier"
  | "settings"
  | "behind"
  | "drained"
  | "epoch-limit";

export interface SwitchFacts {
  readonly record: SetRecord;
  /** As typed: a broker's id, its address or host, an IDC. */
  readonly to: string;
  readonly policy: SetPolicy;
  readonly paused: boolean;
  /** A question is open, or the master has restarted. */
  readonly questioned: boolean;
  /** Another switch is on record. */
  readonly switchOpen: string | null;
  readonly brokers: readonly SwitchBroker[];
  /** Wall time. */
  readonly now: number;
}

export interface SwitchBroker {
  readonly id: BrokerId;
  readonly address: string;
  readonly idc: string;
  /** This site hears it. */
  readonly heard: boolean;
  readonly priority: number;
  /** Operators drain it, or its IDC. */
  readonly drained: boolean;
  /** Asked since the switch was asked for; null: not answered yet. */
  readonly reading: (OffsetReading & { readonly acting: boolean }) | null;
  readonly settings: BrokerSettings | null;
}

export type Admission =
  | { readonly kind: "refuse"; readonly reason: SwitchRefusal; readonly why: string }
  /** Wanted and not there yet, of these brokers. */
  | { readonly kind: "reading"; readonly of: readonly BrokerId[] }
  | { readonly kind: "go"; readonly from: SwitchBroker; readonly to: SwitchBroker; readonly settings: BrokerSettings };

/** A replica further behind could not catch up while nobody can write. */
const behindBytesMax = 16n * 1_024n * 1_024n;

export function admit(facts: SwitchFacts): Admission {
  const { record } = facts;
  const objection = ofTheSet(facts);
  if (objection !== null) return objection;
  const target = resolveTarget(facts.to, facts.brokers, record);
  if (target.kind === "refuse") return target;
  const from = facts.brokers.find(({ id }) => id === record.master);
  const { to } = target;
  if (from === undefined) return refuse("no-master", "the recorded master is none of the set's brokers");
  return ofTheBrokers(from, to, record);
}

function ofTheSet(facts: SwitchFacts): Admission | null {
  const { record, policy, switchOpen } = facts;
  if (record.master === null || record.epoch === 0) return refuse("no-master", "the set has no master yet");
  if (record.frozen !== null)
    return refuse("frozen", `the set is frozen (${record.frozen.code}): ${record.frozen.reason}`);
  if (policy.frozen) return refuse("frozen", "the policy says frozen: true for this set");
  if (facts.paused) return refuse("paused", "failover is paused, and switches with it");
  if (facts.questioned) return refuse("question-open", `the sites are asked whether broker ${record.master} is down`);
  if (record.decision !== null) return refuse("decision-open", `decision ${record.decision} is not carried out yet`);
  if (switchOpen !== null) return refuse("switch-open", switchOpen);
  if (record.epoch >= epochMax) return refuse("epoch-limit", `brokers take no epoch above ${figure(epochMax)}`);
  const cooling: Objection = whileCoolingDown({ policy, failoversAt: record.failoversAt, now: facts.now });
  return cooling === null ? null : refuse("cooling-down", cooling.why);
}

function ofTheBrokers(from: SwitchBroker, to: SwitchBroker, record: SetRecord): Admission {
  if (!record.inSync.includes(to.id))
    return refuse(
      "not-in-sync",
      `broker ${to.id} is not in sync: the in-sync set is broker ${listText(record.inSync)}`,
    );
  if (record.unconfirmed.includes(to.id))
    return refuse("unconfirmed", `it is not known yet that broker ${from.id} counts broker ${to.id} as in sync`);
  if (to.drained)
    return refuse("drained", `broker ${to.id} is drained, or its IDC ${to.idc}: nobody wants a master there`);
  const lost = [from, to].find(({ heard }) => !heard);
  if (lost !== undefined) return refuse("not-alive", `broker ${lost.id} at ${lost.address} is not heard here`);

  if (from.settings === null || to.settings === null || from.reading === null || to.reading === null) {
    const of = [from, to].filter(({ settings, reading }) => settings === null || reading === null);
    return { kind: "reading", of: of.map(({ id }) => id) };
  }
  const behind = [from, to].find(
    ({ settings }) => settings !== null && belowBarrier(settings.minInSyncReplicas) !== null,
  );
  if (behind !== undefined)
    return refuse(
      "barrier",
      `broker ${behind.id} is still behind the barrier of another switch, and is being given back its settings`,
    );
  const { minInSyncReplicas } = from.settings;
  if (minInSyncReplicas > ownValueMax)
    return refuse(
      "settings",
      `broker ${from.id} has minInSyncReplicas ${figure(minInSyncReplicas)}: more than any set has replicas`,
    );
  if (!from.reading.acting) return refuse("not-acting", `broker ${from.id} says that it does not act as master`);
  const lag = from.reading.maxOffset - to.reading.maxOffset;
  if (lag > behindBytesMax)
    return refuse(
      "behind",
      `broker ${to.id} is ${bytesText(lag)} behind; a switch is begun up to ${bytesText(behindBytesMax)}`,
    );
  return { kind: "go", from, to, settings: from.settings };
}

function refuse(reason: SwitchRefusal, why: string): Admission {
  return { kind: "refuse", reason, why };
}
