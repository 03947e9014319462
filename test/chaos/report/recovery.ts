import { reignsIn } from "./masters.ts";
import { type Acked, ackedOf } from "./messages.ts";
import type { Evidence, FaultSeen } from "./read.ts";

/** Nobody's message was acknowledged for so long: that is unavailable, not slow. */
const silenceMsMin = 1_000;

/** One fault, and how the set came through it. */
export interface FaultOutcome {
  readonly nth: number;
  readonly fault: string;
  readonly targets: readonly string[];
  readonly atMs: number;
  /**
   * From the fault's begin to the first acknowledgement of a message that was sent when it was in force: by another broker or by
   * the same. null: there was none while anybody looked.
   */
  readonly recoveryTime: number | null;
  /** The same, for the clients of the IDC that had to wait longest. */
  readonly slowestIdcRecoveryTime: number | null;
  /** It recovered before the fault was ended. */
  readonly isRecoveryInFaultInterval: boolean;
  /** Sum of all silences of a second and more, of all clients together, from this fault's begin to the next one's. */
  readonly unavailableTime: number;
  /** Epochs that were begun from the fault's begin until all were in sync again. */
  readonly epochs: readonly number[];
  readonly masterMoved: boolean;
  /** Of these epochs: those that nobody needed. */
  readonly needlessSwitches: number;
  /** From the end of the fault until all replicas were in sync; null: they never were. */
  readonly wholeMs: number | null;
}

/** @param evidence of faults that were in force; one that the run's end cut short is left out */
export function outcomesOf(evidence: Evidence): FaultOutcome[] {
  const acked = ackedOf(followed(evidence));
  const struck = evidence.faults.filter(({ forceAt }) => forceAt !== undefined);
  return struck.map((fault, place) => {
    // From the end of all calm on nobody sends: that is no silence.
    const nextAt = struck[place + 1]?.beginAt ?? evidence.calmAt ?? evidence.overAt ?? Infinity;
    return outcomeOf(fault, nextAt, acked, evidence);
  });
}

function outcomeOf(fault: FaultSeen, nextAt: number, acked: readonly Acked[], { record }: Evidence): FaultOutcome {
  const { nth, beginAt, forceAt = Infinity, endAt, wholeAt, keeps, master } = fault;
  const inForce = acked.filter(({ at }) => at >= forceAt && at < nextAt);
  const byIdc = ["idc1", "idc2"].map((idc) => inForce.find(({ producer }) => siteOf(producer) === idc));
  const recoveredAt = inForce[0]?.answeredAt;
  const slowestAt = byIdc.includes(undefined)
    ? undefined
    : Math.max(...byIdc.map((ack) => ack?.answeredAt ?? Infinity));
  const begun = reignsIn(record).filter(({ seenAt }) => seenAt > beginAt && seenAt <= (wholeAt ?? nextAt));
  return {
    nth,
    fault: fault.fault,
    targets: fault.targets,
    atMs: beginAt,
    recoveryTime: recoveredAt === undefined ? null : recoveredAt - beginAt,
    slowestIdcRecoveryTime: slowestAt === undefined ? null : slowestAt - beginAt,
    isRecoveryInFaultInterval: recoveredAt !== undefined && recoveredAt <= (endAt ?? Infinity),
    unavailableTime: silencesBetween(acked, beginAt, nextAt),
    epochs: begun.map(({ epoch }) => epoch),
    masterMoved: begun.length > 0 && begun.at(-1)?.broker !== master,
    needlessSwitches: keeps ? begun.length : 0,
    wholeMs: wholeAt === undefined || endAt === undefined ? null : wholeAt - endAt,
  };
}

/** Producers that go where the route says; those that are pinned to a broker, and canaries, need not find anybody. */
export function followed({ sends, about }: Evidence): Evidence["sends"] {
  return sends.filter(({ producer }) => siteOf(producer) !== undefined && !about.canaries.includes(producer));
}

/** "idc1-3" is idc1's; undefined: it is pinned, or a canary. */
function siteOf(producer: string): string | undefined {
  return /^(idc\d)-\d+$/.exec(producer)?.[1];
}

/** Also one that has begun before counts, from `fromAt` on, and one that is not over at `untilAt`. */
export function silencesBetween(acked: readonly Acked[], fromAt: number, untilAt: number): number {
  const end = untilAt === Infinity ? (acked.at(-1)?.answeredAt ?? fromAt) : untilAt;
  const marks = [
    fromAt,
    ...acked.map(({ answeredAt }) => answeredAt).filter((at) => at > fromAt && at < end),
    Math.max(end, fromAt),
  ];
  return marks
    .slice(1)
    .map((at, nth) => at - (marks[nth] ?? at))
    .filter((ms) => ms >= silenceMsMin)
    .reduce((sum, ms) => sum + ms, 0);
}

export interface Spread {
  readonly n: number;
  readonly mean: number | null;
  readonly p95: number | null;
  readonly max: number | null;
}

/** The p95 of few is their max. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { n: 0, mean: null, p95: null, max: null };
  const sorted = values.toSorted((one, other) => one - other);
  return {
    n: values.length,
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    p95: sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null,
    max: sorted.at(-1) ?? null,
  };
}
