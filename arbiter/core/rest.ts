import type { Instant } from "#lib/clock.ts";
import { idsOf, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import { probeDueAt } from "./evidence.ts";
import type { Inner } from "./inner.ts";
import { isScripted } from "./scripted.ts";
import { phaseOf, type SetView } from "./set-view.ts";

/**
 * Sets that need nothing before some moment are passed over by ticks: of a thousand sets nearly all do, nearly always. Whatever
 * happens to one ends its rest (driveSet), and what all of them depend on ends everybody's. It saves time and changes nothing else:
 * test/simulation/arbiter/rest.test.ts holds whole lives against lives without it.
 */
export interface Rest {
  readonly since: Instant;
  readonly until: Instant;
}

/** What every set depends on; when something of it has changed, nobody has rested since. */
export function noteWorld(state: Inner, context: Context): void {
  const { cluster, history, etcd, policies, pause } = state.mirror;
  const world = [cluster, history, etcd, policies, pause, state.stall, context.isMyTurn(context.moment.now)];
  if (world.every((each, at) => each === state.world.is[at])) return;
  state.world = { is: world, since: context.moment.now };
}

export function isAtRest(view: SetView, state: Inner, { moment: { now } }: Context): boolean {
  const { rest, asks, switchAsk, recovery } = view;
  if (asks.length > 0 || switchAsk !== null || recovery !== null) return false;
  return rest !== null && now < rest.until && rest.since >= state.world.since;
}

/** Called when it has just been driven. */
export function restOf(view: SetView, context: Context): Rest | null {
  const { now } = context.moment;
  if (!isCalm(view, context)) return null;
  const isTurn = context.isMyTurn(now);
  if (isTurn && view.protectionDue) return null;
  let until: number = isTurn ? view.settingsReadAt : Number.POSITIVE_INFINITY;
  for (const { evidence } of view.brokers.values())
    until = Math.min(until, probeDueAt(evidence, now, context.options.timing));
  return { since: now, until: until as Instant };
}

/** Nothing is open, nobody is missed, no probe went unanswered since, and all are in the in-sync set. */
function isCalm(view: SetView, context: Context): boolean {
  const record = view.record?.value;
  if (record === undefined || record.master === null || view.happened === null) return false;
  const isIdle =
    phaseOf(view) === "held" &&
    !view.busy &&
    !view.answering &&
    view.recovery === null &&
    view.doubtSince === null &&
    view.restartedAt === null &&
    view.usurpedSince === null &&
    view.unroutedSince === null &&
    view.happened.untold.length === 0 &&
    record.unconfirmed.length === 0;
  if (!isIdle || isScripted(view, context) || !context.options.clusters.includes(view.cluster)) return false;
  const ids = idsOf(view);
  if (view.brokers.size !== ids.length || record.inSync.length !== ids.length) return false;
  return ids.every((id) => {
    const broker = view.brokers.get(id);
    if (broker === undefined || broker.evidence.timedOut !== null || !isHeardHere(view, id, context)) return false;
    return id === record.master ? broker.reading?.acting !== false : !broker.tell;
  });
}
