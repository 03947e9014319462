import type { Instant } from "#lib/clock.ts";
import { arbiterName } from "./audit.ts";
import { barrierOf } from "./barrier.ts";
import { brokerOf, candidatesOf, isHeardHere, probe, refOf } from "./brokers.ts";
import { commitDecision, inputOf, viewFromHere } from "./commit-decision.ts";
import type { Context } from "./context.ts";
import { decide } from "./decide.ts";
import { figure } from "./figures.ts";
import { switchKey } from "./keys.ts";
import type { SetRecord, Stored, SwitchRecord } from "./model.ts";
import { encodeSwitch } from "./records.ts";
import type { SetView } from "./set-view.ts";
import { isTimeToRaise } from "./switch-pace.ts";
import { restore } from "./switch-restore.ts";
import {
  effectRetryMs,
  holdMsMax,
  switchAgeMsMax,
  switchDecidedMsMax,
  switchMsMax,
  switchQuorumMsMax,
} from "./timing.ts";

/**
 * A planned switch, from its record to its decision: raise the old master's barrier, read both brokers until they are at the same
 * end, decide. The effects after it are those of every decision, with one comparison more (switch-proof.ts). Each step may be
 * done twice, by any site; the crash tables in ARCHITECTURE.md have all of them.
 */

export function driveSwitch(view: SetView, context: Context): void {
  const { planned, record } = view;
  if (planned === null || record === null) return;
  if (planned.value.stage === "holding") hold(view, planned, record.value, context);
  else restore(view, planned, record.value, context);
}

type Planned = NonNullable<SetView["planned"]>;

function hold(view: SetView, planned: Planned, record: SetRecord, context: Context): void {
  const { barrier } = view;
  if (!context.hasQuorum()) {
    lowerAlone(view, planned.value, context);
    return;
  }
  barrier.aloneSince = null;
  if (isDecided(view, planned, record) || !context.isMyTurn(planned.seenAt)) return;
  const why = whyGivenUp(view, planned, record, context);
  if (why !== null) giveUp(view, planned, why, context);
  else if (barrier.raisedAt === null) {
    if (barrier.mayBeRaised || isTimeToRaise(view, planned.value, context)) raise(view, planned.value, context);
  } else {
    readEnds(view, planned.value, barrier.raisedAt, context);
    considerSwitching(view, planned, record, context);
  }
}

/** Its decision was told; that it is restoring comes with the next word. */
function isDecided({ decision }: SetView, planned: Planned, record: SetRecord): boolean {
  return decision?.value.id === record.decision && decision?.value.input.planned?.id === planned.value.id;
}

/** null: the switch goes on. */
function whyGivenUp(
  view: SetView,
  { value, seenAt, found }: Planned,
  record: SetRecord,
  context: Context,
): string | null {
  const { barrier } = view;
  const { now, wall } = context.moment;
  const { from, to, epoch, at } = value;
  if (record.epoch !== epoch || record.master !== from)
    return `broker ${record.master} is master of epoch ${record.epoch} by now`;
  if (view.restartedAt !== null) return `broker ${from} has restarted`;
  if (view.question !== null) return `the sites are asked whether broker ${from} is down`;
  if (record.frozen !== null) return `the set is frozen: ${record.frozen.reason}`;
  if (context.policyOf(view).frozen) return "the policy says frozen: true for this set";
  if (context.isPaused()) return "failover is paused";
  if (!isHeardHere(view, to, context)) return `broker ${to} is not heard at ${context.options.site}`;
  if (barrier.loweredAlone) return `${context.options.site} had no quorum, and lowered the barrier`;
  if (barrier.raisedAt !== null && now - barrier.raisedAt > holdMsMax)
    return `broker ${to} had not all that broker ${from} has after ${figure(holdMsMax)} ms: ${endsText(view, value, context)}`;
  if (now - seenAt > switchMsMax) {
    const what = barrier.raisedAt === null ? `broker ${from} does not refuse messages` : "it is not decided";
    return `${what} after ${figure(switchMsMax)} ms${barrier.detail && `: ${barrier.detail}`}`;
  }
  // A site that was away for long does not take up what nobody waits for any more. Of another site's clock no more is asked.
  return found && wall - at > switchAgeMsMax
    ? `it was asked for ${figure(Math.round((wall - at) / 1_000))} s ago`
    : null;
}

function endsText(view: SetView, { from, to }: SwitchRecord, context: Context): string {
  const ends = [from, to].map((id) => {
    const { reading } = brokerOf(view, id, context);
    return `broker ${id} ${reading === null ? "was not read" : `was at ${figure(reading.value.maxOffset)}`}`;
  });
  return ends.join(", ");
}

function giveUp(view: SetView, planned: Planned, why: string, context: Context): void {
  const { barrier, name } = view;
  if (barrier.writing) return;
  barrier.writing = true;
  const next: SwitchRecord = { ...planned.value, stage: "restoring", outcome: why };
  const key = switchKey(name);
  context.commitAct(
    {
      what: "switch-given-up",
      who: arbiterName(context),
      set: name,
      decision: null,
      reason: why,
      detail: `switch ${next.id}: broker ${next.from} -> ${next.to}`,
    },
    {
      compares: [{ key, revision: planned.revision }],
      puts: [{ key, text: encodeSwitch(next), onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      barrier.writing = false;
      if (ending !== "committed") return;
      const { id, from, to } = next;
      const fields = { set: name, switch: id, from, to, why };
      then.emit({ kind: "note", level: "warn", sentence: "switch given up", fields });
    },
  );
}

function raise(view: SetView, { from, minInSyncReplicas }: SwitchRecord, context: Context): void {
  const { barrier } = view;
  const ref = refOf(view, from);
  if (barrier.asking || context.moment.now - barrier.askedAt < effectRetryMs || ref === undefined) return;
  barrier.asking = true;
  barrier.askedAt = context.moment.now;
  barrier.mayBeRaised = true;
  context.emit({ kind: "raiseBarrier", broker: ref, minInSyncReplicas: barrierOf(minInSyncReplicas) });
}

/** One reading of each is always under way: the next is sent when it is there. */
function readEnds(view: SetView, { from, to }: SwitchRecord, raisedAt: Instant, context: Context): void {
  const { barrier } = view;
  const { reading } = brokerOf(view, from, context);
  if (reading !== null && reading.sentAt >= raisedAt && reading !== barrier.ends.at(-1)) {
    barrier.ends = [...barrier.ends, reading].slice(-2);
  }
  if (isLevel(view, to, raisedAt, context)) return;
  for (const id of [from, to]) probe(view, id, context, raisedAt);
}

/** The old master was read twice at the same end, and the named one is there, too. */
function isLevel(view: SetView, to: number, raisedAt: Instant, context: Context): boolean {
  const [before, last] = view.barrier.ends;
  const { reading } = brokerOf(view, to, context);
  return (
    before !== undefined &&
    last !== undefined &&
    before.value.maxOffset === last.value.maxOffset &&
    reading !== null &&
    reading.sentAt >= raisedAt &&
    reading.value.maxOffset === last.value.maxOffset
  );
}

function considerSwitching(view: SetView, planned: Planned, record: SetRecord, context: Context): void {
  const { raisedAt } = view.barrier;
  const { to, reason } = planned.value;
  if (raisedAt === null || view.busy || view.barrier.writing || !isLevel(view, to, raisedAt, context)) return;
  const input = inputOf(view, record, context, {
    kind: "switch",
    planned: planned.value,
    answers: [],
    candidates: candidatesOf(view, [viewFromHere(view, context)], raisedAt, context),
    gathered: true,
    designated: to,
    forced: false,
    reason,
  });
  const verdict = decide(input);
  if (verdict.kind === "refuse") {
    giveUp(view, planned, verdict.why, context);
    return;
  }
  const next: SwitchRecord = {
    ...planned.value,
    stage: "restoring",
    decided: verdict.epoch,
    outcome: `broker ${to} is master of epoch ${verdict.epoch}`,
  };
  commitDecision(view, input, verdict, [], context, { also: withSwitch(view, planned, next) });
}

/** What a switch's decision compares and writes beside what every decision does. */
function withSwitch(view: SetView, { revision }: Stored<SwitchRecord>, next: SwitchRecord) {
  const key = switchKey(view.name);
  return { compares: [{ key, revision }], puts: [{ key, text: encodeSwitch(next), onLease: false }] };
}

/**
 * Without a quorum nothing is decided, and the master would refuse messages for as long as that lasts (I10). But if this site has
 * sent the decision, that may have been made all the same: whoever knows of it demotes the old master, and is given the time for that.
 */
function lowerAlone(
  view: SetView,
  { from, epoch, minInSyncReplicas, brokerPermission }: SwitchRecord,
  context: Context,
): void {
  const { barrier } = view;
  const { now } = context.moment;
  barrier.aloneSince ??= now;
  const patienceMs = view.decided?.epoch === epoch + 1 ? switchDecidedMsMax : switchQuorumMsMax;
  const ref = refOf(view, from);
  const isDue = now - barrier.aloneSince >= patienceMs && now - barrier.askedAt >= effectRetryMs;
  if (!barrier.mayBeRaised || barrier.loweredAlone || barrier.asking || !isDue || ref === undefined) return;
  barrier.asking = true;
  barrier.askedAt = now;
  context.emit({ kind: "lowerBarrier", broker: ref, minInSyncReplicas, brokerPermission });
}
