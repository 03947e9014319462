import type { Instant } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import type { CandidateFacts } from "./decision.ts";
import type { BrokerRef } from "./events.ts";
import {
  type BrokerEvidence,
  hasRole,
  isBeating,
  isDoubted,
  isHeard,
  mostReported,
  onStall,
  priorityOf,
  probeDueAt,
  serves,
  unheard,
  viewOf,
} from "./evidence.ts";
import type { AnswerRecord, BrokerId, BrokerView, OffsetReading } from "./model.ts";
import { compareProgress } from "./progress.ts";
import { infoOf } from "./requests.ts";
import { isFenceAwaited, isScripted } from "./scripted.ts";
import { type BrokerState, forgetSettings, newBroker, type SetView } from "./set-view.ts";
import { effectRetryMs, scriptRetryMs } from "./timing.ts";

/** What this site has heard of a set's brokers, and what it says of them. */

export function brokerOf(view: SetView, id: BrokerId, { moment }: Context): BrokerState {
  const found = view.brokers.get(id);
  if (found !== undefined) return found;
  const broker = newBroker(unheard(moment.now), moment.now);
  const record = view.record?.value;
  if (record?.inSync.includes(id) === true && !record.unconfirmed.includes(id)) broker.memberIn = record.epoch;
  view.brokers.set(id, broker);
  return broker;
}

function evidenceOf(view: SetView, id: BrokerId, context: Context): BrokerEvidence {
  return brokerOf(view, id, context).evidence;
}

export function refOf(view: SetView, id: BrokerId): BrokerRef | undefined {
  const address = view.record?.value.replicas[id]?.address;
  return address === undefined ? undefined : { set: view.name, id, address };
}

export function isHeardHere(view: SetView, id: BrokerId, context: Context): boolean {
  return isHeard(evidenceOf(view, id, context), context.moment.now, context.options.timing);
}

/** A site that says so itself waits for no answer of it. */
export function isDownHere(view: SetView, id: BrokerId, context: Context): boolean {
  const { verdict } = viewHere(view, id, false, context);
  return verdict === "silent" || verdict === "dead";
}

/** This site's view, as it would stand in an answer. `mustAct`: of the recorded master, which has to act as one. */
export function viewHere(view: SetView, id: BrokerId, mustAct: boolean, context: Context): BrokerView {
  return viewOf(evidenceOf(view, id, context), {
    now: context.moment.now,
    timing: context.options.timing,
    outsideAt: context.outsideAt,
    needsOutside: (context.mirror.cluster?.value.sites.length ?? 0) > 1,
    askedAt: view.question?.seenAt ?? null,
    mustAct,
    restarted: mustAct && view.question?.value.restarted === true && !isScripted(view, context),
  });
}

/** Whether it acts as master, and has been told to: see `serves`. A script's word has no such doubt. */
export function servesHere(view: SetView, id: BrokerId, since: Instant, context: Context): boolean {
  const evidence = evidenceOf(view, id, context);
  return isScripted(view, context) ? hasRole(evidence, since) : serves(evidence, since, context.moment.now);
}

/** In rising order. Kept for as long as the record is the same. */
export function idsOf(view: SetView): readonly BrokerId[] {
  const record = view.record?.value;
  if (record === undefined) return [];
  if (view.ids.of !== record.replicas)
    view.ids = { of: record.replicas, ids: Object.keys(record.replicas).map(Number) };
  return view.ids.ids;
}

/** One that is late, and one that was asked for since. */
const probingMax = 2;

/** Probes whose time has come, one at a time for each broker. */
export function probeDue(view: SetView, context: Context): void {
  const { now } = context.moment;
  const { timing } = context.options;
  for (const id of idsOf(view)) {
    const { evidence, probing } = brokerOf(view, id, context);
    if (probing.length > 0 || now < probeDueAt(evidence, now, timing)) continue;
    // After a stall of this site nothing is known of anybody: all at once would be the next stall.
    const isMaster = id === view.record?.value.master;
    const isUrgent = isMaster && evidence.probedAt !== null && isDoubted(evidence, now, timing);
    if (!isUrgent && !context.mayProbe(isMaster)) continue;
    probe(view, id, context);
  }
}

/** Probes it now, unless a probe is under way that was sent since then. */
export function probe(view: SetView, id: BrokerId, context: Context, since = 0): void {
  const broker = brokerOf(view, id, context);
  const ref = refOf(view, id);
  const isUnderWay = broker.probing.length >= probingMax || broker.probing.some((sentAt) => sentAt >= since);
  if (isUnderWay || ref === undefined) return;
  const { now: sentAt } = context.moment;
  broker.probing = [...broker.probing, sentAt];
  broker.lastProbeAt = sentAt;
  context.emit({ kind: "probe", broker: ref, sentAt });
}

/** Asks it for its role, one question at a time. */
export function readRole(view: SetView, id: BrokerId, context: Context): void {
  const broker = brokerOf(view, id, context);
  const ref = refOf(view, id);
  if (broker.readingRole || ref === undefined) return;
  broker.readingRole = true;
  context.emit({ kind: "readRole", broker: ref, sentAt: context.moment.now });
}

/** It was lost, and may have missed who is master now, and have other settings: a resumed one goes on as before until it is told. */
export function welcome(view: SetView, broker: BrokerState, { moment }: Context): void {
  broker.tell = true;
  if (broker.met) broker.backAt = moment.now;
  broker.met = true;
  forgetSettings(view, broker, moment.now);
  view.settingsReadAt = moment.now;
}

/** Asks all that are heard how far they are, unless they have told since then. @returns whether an answer is awaited */
export function readAll(view: SetView, since: number, context: Context): boolean {
  const open = idsOf(view).filter((id) => {
    const { reading } = brokerOf(view, id, context);
    return (reading === null || reading.sentAt < since) && isHeardHere(view, id, context);
  });
  for (const id of open) probe(view, id, context, since);
  return open.length > 0;
}

/**
 * Tells a broker who is master, as a request; once at a time, and again after a failure. Not from a record that may have been
 * overtaken: who has restarted would obey. @returns whether it goes out
 */
export function notify(view: SetView, id: BrokerId, context: Context): boolean {
  const record = view.record?.value;
  const ref = refOf(view, id);
  const broker = brokerOf(view, id, context);
  if (record === undefined || ref === undefined || record.master === null) return false;
  if (broker.notifying || context.moment.now < broker.notifyAt || !context.isCurrent(view)) return false;
  const isAwaited = isFenceAwaited(view, context);
  if (isAwaited && id === record.master) return false;
  broker.notifying = true;
  broker.tell = false;
  const retryMs = isScripted(view, context) ? scriptRetryMs : effectRetryMs;
  broker.notifyAt = (context.moment.now + retryMs) as typeof broker.notifyAt;
  const deposed = isAwaited && id === view.decision?.value.input.master;
  const mayBeNew = !isBeating(broker.evidence, context.moment.now);
  context.emit({ kind: "notify", broker: ref, info: infoOf(record), deposed, mayBeNew });
  return true;
}

/** Operators want no master there: the broker itself is drained, or its IDC is not active. */
export function isDrained(view: SetView, id: BrokerId, context: Context): boolean {
  const idc = context.mirror.idcs.get(context.idcOf(view, id));
  return view.drains?.value.brokers[id] !== undefined || (idc !== undefined && idc.value.state !== "active");
}

/** What the election looks at, from the counted answers and this site's readings since then. */
export function candidatesOf(
  view: SetView,
  answers: readonly AnswerRecord[],
  readSince: number,
  context: Context,
): CandidateFacts[] {
  const record = view.record?.value;
  if (record === undefined) return [];
  return idsOf(view).map((id): CandidateFacts => {
    const { evidence, reading } = brokerOf(view, id, context);
    const sitesThatSay = (...wanted: string[]) =>
      answers.filter(({ replicas }) => wanted.includes(replicas[id]?.verdict ?? "unknown")).map(({ site }) => site);
    const fresh = reading !== null && reading.sentAt >= readSince ? reading : null;
    return {
      id,
      inSync: record.inSync.includes(id),
      confirmed: !record.unconfirmed.includes(id),
      aliveAt: sitesThatSay("alive"),
      downAt: sitesThatSay("silent", "dead"),
      reading: fresh?.value ?? null,
      reported: furthest(mostReported(evidence, fresh?.sentAt), id === record.master ? answers : []),
      drained: isDrained(view, id, context),
      priority: priorityOf(evidence),
      idc: context.idcOf(view, id),
    };
  });
}

/** A site that was cut off from the master has not heard all that it told: of the old master the others' word counts as well. */
function furthest(here: OffsetReading | null, answers: readonly AnswerRecord[]): OffsetReading | null {
  const told = [here, ...answers.map((one) => one.told)].flatMap((one) => one ?? []);
  return told.toSorted((one, other) => compareProgress(other, one))[0] ?? null;
}

export function stallAll(view: SetView, since: Instant, { moment, options }: Context): void {
  view.provenAt = null;
  view.quiet = null;
  for (const broker of view.brokers.values()) {
    // This site was away, not they; but for those that were lost already.
    if (isHeard(broker.evidence, since, options.timing)) broker.met = false;
    broker.evidence = onStall(broker.evidence, moment.now);
    broker.sameSince = moment.now;
    // What they say will not count: new ones need not wait for them.
    broker.probing = [];
  }
}
