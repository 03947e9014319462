import type { Instant } from "#lib/clock.ts";
import type { ConnectionId, TriedOutcome } from "./events.ts";
import { millisText } from "./figures.ts";
import type { BrokerView, OffsetReading, Verdict } from "./model.ts";
import { compareProgress } from "./progress.ts";
import { askedMs, doubtMs, probeCalmMs, probeDoubtMs, type Timing } from "./timing.ts";

/** What one site has heard of one broker, immutable. */
export interface BrokerEvidence {
  /** Ages count from here: when it was last heard; when it was first looked for, or our own loop last stood still, if not heard since. */
  readonly quietSince: Instant;
  /** Probes sent before say nothing: the beginning, or our own last stall. */
  readonly countsFrom: Instant;
  /** The last sign of life since `countsFrom`; null: none. `detail`: what is odd about it. */
  readonly heard: { readonly by: "heartbeat" | "request" | "probe"; readonly detail: string | null } | null;
  /** Of the last heartbeat. */
  readonly connection: ConnectionId | null;
  /** That connection was closed, and it was not heard since. */
  readonly closedAt: Instant | null;
  /** Probes that it was not heard after: the last that its port refused, and the last that nothing came back to. */
  readonly refused: EndedProbe | null;
  readonly timedOut: EndedProbe | null;
  /** Its heartbeats of late, none of them later than beatGapMs after the one before; null: none, or their connection was closed. */
  readonly beats: { readonly since: Instant; readonly last: Instant } | null;
  /** Whether it said that it has a master's role, in the last probe that it answered: `serves` tells more. */
  readonly acting: { readonly yes: boolean; readonly sentAt: Instant; readonly at: Instant } | null;
  /** When the last probe of those that have ended was sent. */
  readonly probedAt: Instant | null;
  /** The most that it had told of, and since when it had; oldest first, each more than the one before. */
  readonly told: readonly { readonly at: Instant; readonly most: OffsetReading }[];
  readonly priority: number | null;
}

interface EndedProbe {
  readonly sentAt: Instant;
  readonly at: Instant;
}

/** What brokers say that have no priority set: brokerElectionPriority of stock RocketMQ. */
const usualPriority = 2_147_483_647;

/** Whether it acts as master counts for so long: a question asks again each probeDoubtMs. */
const actingFreshMs = 1_500;
/**
 * A stock broker sends a heartbeat each second. One that waits to be told its role sends one at a time, each 5 s, when it asks again.
 * @source RocketMQ 5.3.3 ReplicasManager.startBasicService
 */
const beatGapMs = 2_500;
/** At one heartbeat a second these reach back further than any reading that is still used. */
const toldMax = 16;

/** Nothing heard yet: silence counts from now. */
export function unheard(now: Instant): BrokerEvidence {
  return {
    quietSince: now,
    countsFrom: now,
    heard: null,
    connection: null,
    closedAt: null,
    refused: null,
    timedOut: null,
    beats: null,
    acting: null,
    probedAt: null,
    told: [],
    priority: null,
  };
}

export function onHeartbeat(
  evidence: BrokerEvidence,
  beat: {
    readonly connection: ConnectionId;
    readonly epoch: number;
    readonly maxOffset: bigint;
    readonly priority: number;
  },
  now: Instant,
): BrokerEvidence {
  return {
    ...hear(evidence, "heartbeat", now),
    connection: beat.connection,
    beats: beatsAfter(evidence, beat.connection, now),
    told: tell(evidence, { epoch: beat.epoch, maxOffset: beat.maxOffset }, now),
    priority: beat.priority,
  };
}

/** It has waited while our own loop stood still: what it tells counts from before that, and it is no sign of life. */
export function onLateHeartbeat(
  evidence: BrokerEvidence,
  beat: Parameters<typeof onHeartbeat>[1],
  stalledSince: Instant,
): BrokerEvidence {
  const told = tell(evidence, { epoch: beat.epoch, maxOffset: beat.maxOffset }, stalledSince);
  return { ...evidence, connection: beat.connection, told, priority: beat.priority };
}

/** Only the connection of its last heartbeat counts: a broker that has reconnected is there. */
export function onClosed(evidence: BrokerEvidence, connection: ConnectionId, now: Instant): BrokerEvidence {
  return evidence.connection === connection ? { ...evidence, connection: null, closedAt: now, beats: null } : evidence;
}

/** Over another connection they begin anew: it may have been started again. */
function beatsAfter(
  { beats, connection }: BrokerEvidence,
  over: ConnectionId,
  now: Instant,
): NonNullable<BrokerEvidence["beats"]> {
  const goesOn = beats !== null && connection === over && now - beats.last <= beatGapMs;
  return { since: goesOn ? beats.since : now, last: now };
}

/** It has said, since then, that it has a master's role. */
export function hasRole({ acting }: BrokerEvidence, since: Instant): boolean {
  return acting?.yes === true && acting.sentAt >= since;
}

/**
 * It has a master's role, and sends heartbeats as only one that was told its role does. Before that a stock broker has a master's
 * role by default, takes no messages, and sends no heartbeats.
 * @param since both were heard after it: what happened then is over
 */
export function serves(evidence: BrokerEvidence, since: Instant, now: Instant): boolean {
  const { beats } = evidence;
  return hasRole(evidence, since) && beats !== null && beats.last > since && isSteady(beats, now);
}

/** It has a master's role, and has not been listened to for so long that its heartbeats could tell whether it serves. */
export function mayServe({ acting, beats, countsFrom }: BrokerEvidence, now: Instant): boolean {
  if (acting?.yes !== true || (beats !== null && isSteady(beats, now))) return false;
  return now - (beats?.since ?? countsFrom) < beatGapMs;
}

/** Its heartbeats arrive: it has registered, and knows its own id. */
export function isBeating({ beats }: BrokerEvidence, now: Instant): boolean {
  return beats !== null && now - beats.last <= beatGapMs;
}

function isSteady({ since, last }: { readonly since: Instant; readonly last: Instant }, now: Instant): boolean {
  return last > since && now - last <= beatGapMs;
}

/** A 1002 or a 1003 is a proof of life. */
export function onAsked(evidence: BrokerEvidence, now: Instant): BrokerEvidence {
  return hear(evidence, "request", now);
}

/** @param sentAt when the probe was sent: it says nothing of what came before, nor of what came after it was answered */
export function onProbed(
  evidence: BrokerEvidence,
  outcome: TriedOutcome,
  sentAt: Instant,
  now: Instant,
): BrokerEvidence {
  if (sentAt < evidence.countsFrom) return evidence;
  const probed = { ...evidence, probedAt: later(sentAt, evidence.probedAt ?? sentAt) };
  const ended = { sentAt, at: now };
  switch (outcome.kind) {
    case "answered":
      return {
        ...hearProbe(probed, sentAt, now, null),
        acting: newer({ yes: outcome.acting, ...ended }, evidence.acting),
        told: tell(evidence, outcome.reading, now),
      };
    case "failed":
      return hearProbe(probed, sentAt, now, outcome.detail);
    case "refused":
      return sentAt < evidence.quietSince ? probed : { ...probed, refused: newer(ended, evidence.refused) };
    case "timedOut":
      return sentAt < evidence.quietSince ? probed : { ...probed, timedOut: newer(ended, evidence.timedOut) };
  }
}

/** Our own loop stood still: what was said meanwhile is not known, so all ages start anew and older probes don't count. */
export function onStall(evidence: BrokerEvidence, now: Instant): BrokerEvidence {
  const { connection, closedAt, told, priority } = evidence;
  return { ...unheard(now), connection, closedAt: closedAt === null ? null : now, told, priority };
}

export interface ViewContext {
  readonly now: Instant;
  readonly timing: Timing;
  /** When this site last reached another site, or a broker of another IDC; null: never. */
  readonly outsideAt: Instant | null;
  /** Whether silence counts only at a site that reaches somebody else; false with one voting site. */
  readonly needsOutside: boolean;
  /** When the open question arrived here; null: there is none. */
  readonly askedAt: Instant | null;
  /** It is the recorded master: when it says, asked after the question, that it does not act as one, that is positive. */
  readonly mustAct: boolean;
  /** It is the recorded master, and has told some site that it has restarted: the question says so. */
  readonly restarted: boolean;
}

/**
 * What this site says of the broker. dead is positive: its port refused a probe sent after it was last heard, or it says
 * that it does not act as the master it must be, or shows it after it has told of its restart. silent needs the time, a probe
 * sent after the question that nothing came back to, and a site that reaches somebody else since the silence began. All else
 * that is not alive is unknown; and a site that has a reason to ask does not say alive.
 */
export function viewOf(evidence: BrokerEvidence, context: ViewContext): BrokerView {
  const { now, timing, askedAt } = context;
  const { acting, refused, closedAt, timedOut } = evidence;
  const ago = (at: Instant): string => `${millisText(now - at)} ago`;

  const isFresh = acting !== null && askedAt !== null && acting.sentAt >= Math.max(askedAt, now - actingFreshMs);
  if (context.mustAct && isFresh && !acting.yes) {
    return view("dead", `said ${ago(acting.at)} that it does not act as master`);
  }
  if (context.restarted && isFresh && (evidence.beats === null || !isSteady(evidence.beats, now))) {
    const answered = `answered a probe ${ago(acting.at)}`;
    if (now - evidence.countsFrom < beatGapMs) return view("unknown", `${answered}; not listened to for long enough`);
    return view("dead", `${answered}, and sends no heartbeats: it waits to be told its role`);
  }
  if (refused !== null) return view("dead", `refused a connection ${ago(refused.at)}`);
  if (isHeard(evidence, now, timing) && !suspects(evidence, now, timing))
    return view("alive", heardText(evidence, now));

  const silence = `${evidence.heard === null ? "not heard yet, for" : "unheard for"} ${millisText(now - evidence.quietSince)}`;
  if (!isQuiet(evidence, now, timing)) {
    if (closedAt !== null) return view("unknown", `closed its connection ${ago(closedAt)}, not probed since`);
    return view("unknown", timedOut === null ? silence : `${silence}, and a probe went unanswered`);
  }
  if (timedOut === null || (askedAt !== null && timedOut.sentAt < askedAt)) {
    return view("unknown", `${silence}; no probe ${askedAt === null ? "since" : "since the question"} has ended`);
  }
  if (context.needsOutside && (context.outsideAt === null || context.outsideAt <= evidence.quietSince)) {
    return view("unknown", `${silence}; but this site reaches nobody else since then`);
  }
  return view("silent", `${silence}; a probe of ${millisText(timing.probeTimeoutMs)} went unanswered`);
}

/** Heard within suspectAfterMs, and neither closed its connection nor refused one since. */
export function isHeard(evidence: BrokerEvidence, now: Instant, timing: Timing): boolean {
  const { heard, closedAt, refused } = evidence;
  return heard !== null && closedAt === null && refused === null && !isQuiet(evidence, now, timing);
}

/**
 * A reason to open a question: its port refuses; it was not heard for suspectAfterMs; or it will have been by the time that a
 * probe of the question can end, and one before has gone unanswered already.
 */
export function suspects(evidence: BrokerEvidence, now: Instant, timing: Timing): boolean {
  const { refused, timedOut, quietSince } = evidence;
  if (refused !== null || isQuiet(evidence, now, timing)) return true;
  return timedOut !== null && now - quietSince >= askedMs(timing);
}

function isQuiet({ quietSince }: BrokerEvidence, now: Instant, timing: Timing): boolean {
  return now - quietSince >= timing.suspectAfterMs;
}

/** It is not heard, or has been silent for long enough to be probed because of that. */
export function isDoubted(evidence: BrokerEvidence, now: Instant, timing: Timing): boolean {
  return now >= doubtBegins(evidence, timing);
}

/**
 * When the next probe is due, not before `now`: at once when nothing is known or its connection was closed; each probeDoubtMs
 * while it is not heard; else each probeCalmMs. A question asks for one of its own.
 */
export function probeDueAt(evidence: BrokerEvidence, now: Instant, timing: Timing): Instant {
  const { probedAt, countsFrom } = evidence;
  const doubtAt = doubtBegins(evidence, timing);
  if (probedAt === null) return later(now, countsFrom);
  if (probedAt >= doubtAt) return later(now, probedAt + probeDoubtMs);
  return later(now, Math.min(probedAt + probeCalmMs, doubtAt));
}

/**
 * The most it has told, in heartbeats and answers to probes: never goes down. `before`: without what it told later. A reading is
 * held against what was told before it was asked for: a busy broker has more in its next heartbeat, and lost nothing.
 */
export function mostReported({ told }: BrokerEvidence, before?: Instant): OffsetReading | null {
  const [oldest] = told;
  const known = before === undefined ? told.at(-1) : (told.findLast(({ at }) => at <= before) ?? oldest);
  return known?.most ?? null;
}

/** Smaller wins, on equal progress. */
export function priorityOf(evidence: BrokerEvidence): number {
  return evidence.priority ?? usualPriority;
}

function view(verdict: Verdict, evidence: string): BrokerView {
  return { verdict, evidence };
}

function heardText({ heard, quietSince }: BrokerEvidence, now: Instant): string {
  const ago = `${millisText(now - quietSince)} ago`;
  switch (heard?.by) {
    case undefined:
      return "not heard yet";
    case "heartbeat":
      return `heartbeat ${ago}`;
    case "request":
      return `asked for a master ${ago}`;
    case "probe":
      return heard?.detail == null
        ? `answered a probe ${ago}`
        : `answered a probe with an error ${ago}: ${heard.detail}`;
  }
}

function hear(
  evidence: BrokerEvidence,
  by: "heartbeat" | "request" | "probe",
  now: Instant,
  detail: string | null = null,
): BrokerEvidence {
  return { ...evidence, quietSince: now, heard: { by, detail }, closedAt: null, refused: null, timedOut: null };
}

/** An answer that was on its way when the connection was closed is no sign of life after it. */
function hearProbe(evidence: BrokerEvidence, sentAt: Instant, now: Instant, detail: string | null): BrokerEvidence {
  const { closedAt, refused } = evidence;
  if (refused !== null && refused.sentAt > sentAt) return evidence;
  const closedSince = closedAt !== null && closedAt > sentAt ? closedAt : null;
  return { ...hear(evidence, "probe", now, detail), closedAt: closedSince };
}

function tell({ told }: BrokerEvidence, reading: OffsetReading, now: Instant): BrokerEvidence["told"] {
  const known = told.at(-1)?.most;
  if (known !== undefined && compareProgress(known, reading) >= 0) return told;
  return [...told, { at: now, most: reading }].slice(-toldMax);
}

/** Early enough for a probe to time out before the broker may be called silent. */
function doubtBegins(evidence: BrokerEvidence, timing: Timing): number {
  const { heard, closedAt, refused, quietSince, countsFrom } = evidence;
  if (closedAt !== null) return closedAt;
  if (refused !== null) return refused.sentAt;
  if (heard === null) return countsFrom;
  return quietSince + doubtMs(timing);
}

/** Two probes may be under way, and end in any order. */
function newer<Probe extends EndedProbe>(one: Probe, other: Probe | null): Probe {
  return other !== null && other.sentAt > one.sentAt ? other : one;
}

function later(now: Instant, at: number): Instant {
  return Math.max(now, at) as Instant;
}
