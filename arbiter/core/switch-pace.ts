import { brokerOf, probe } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { SwitchRecord } from "./model.ts";
import type { SetView } from "./set-view.ts";
import { paceMsMax, paceQuickMax, paceRaiseMs, paceStillMs } from "./timing.ts";

/**
 * When to raise the barrier. A master that waits for nobody's copy sends its replicas what it has each 100 ms, so behind a barrier
 * that is raised at any time the last messages wait for half of that. So the named replica is read until it moves on after it has
 * stood still, and the barrier is raised shortly before it will again. Nothing rests on it: at worst they wait as they would have.
 * @source RocketMQ 5.3.3 AutoSwitchHAConnection: getWaitNotifyObject().allWaitForRunning(100); seen on real brokers
 */
export function isTimeToRaise(view: SetView, { to }: SwitchRecord, context: Context): boolean {
  const { barrier } = view;
  const { now } = context.moment;
  barrier.pace ??= { since: now, end: null, changedAt: now, movedAt: null, quick: 0 };
  const { pace } = barrier;
  const { reading } = brokerOf(view, to, context);
  if (reading !== null && reading.sentAt >= pace.since && reading.value.maxOffset !== pace.end) {
    if (pace.end !== null && now - pace.changedAt >= paceStillMs) pace.movedAt ??= now;
    else if (pace.end !== null) pace.quick += 1;
    pace.end = reading.value.maxOffset;
    pace.changedAt = now;
  }
  if (pace.movedAt !== null ? now - pace.movedAt >= paceRaiseMs : now - pace.since >= paceMsMax) return true;
  // One whose messages wait for their copies moves on all the time.
  if (pace.quick > paceQuickMax) return true;
  probe(view, to, context, pace.since);
  return false;
}
