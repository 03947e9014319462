import { arbiterName } from "./audit.ts";
import { unheardMax } from "./beat.ts";
import { idsOf, isDrained, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import { millisText } from "./figures.ts";
import type { Inner } from "./inner.ts";
import { leaderOf } from "./leader.ts";
import type { SetPolicy } from "./model.ts";
import { wayHome } from "./moves.ts";
import { isScripted } from "./scripted.ts";
import { phaseOf, type SetView } from "./set-view.ts";
import { askSwitch } from "./switch-ask.ts";
import { siteFreshMs } from "./timing.ts";

/**
 * Masters that go home by themselves, where the policy says after what quiet time: by a planned switch, one set after the other, asked
 * for by the site that leads. Quiet is a set in which nothing is open and nobody is missed, by any voting site.
 */

const lookEveryMs = 1_000;
const dayMs = 86_400_000;

/**
 * How long the set must have been quiet; null: it stays where it is. Twice as long for each failover of the last day beyond the
 * first, so that one that fails again and again at home is tried there ever more rarely. A stamp in the future counts as now.
 */
export function returnWaitMs(
  { returnAfterMs }: Pick<SetPolicy, "returnAfterMs">,
  failoversAt: readonly number[],
  wall: number,
): number | null {
  if (returnAfterMs === null) return null;
  const recent = failoversAt.filter((at) => wall - at < dayMs).length;
  return Math.min(dayMs, returnAfterMs * 2 ** Math.max(0, recent - 1));
}

/** Called at each tick. */
export function bringHome(state: Inner, context: Context): void {
  const { mirror, moment, options } = context;
  const { now } = moment;
  if (state.returnsAt !== null && now - state.returnsAt < lookEveryMs) return;
  state.returnsAt = now;
  if (mirror.policies?.value.some(({ policy }) => policy.returnAfterMs !== null) !== true) {
    for (const view of mirror.sets.values()) view.quiet = null;
    return;
  }
  const missed = missedBySites(context);
  let isMoving = false;
  const due: SetView[] = [];
  for (const view of mirror.sets.values()) {
    isMoving ||= isOnTheMove(view);
    noteQuiet(view, missed, context);
    if (isDue(view, context)) due.push(view);
  }
  if (isMoving || due.length === 0 || leaderOf(context) !== options.site) return;
  const [next] = due.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  if (next !== undefined) askForReturn(next, context);
}

/** Somebody's switch or failover is under way: a second set is not made to wait for its writes meanwhile. */
function isOnTheMove(view: SetView): boolean {
  const phase = phaseOf(view);
  return view.switchAsk !== null || phase === "switching" || phase === "installing";
}

function noteQuiet(view: SetView, missed: Missed, context: Context): void {
  const epoch = view.record?.value.epoch ?? 0;
  if (!isQuietAway(view, missed, context)) view.quiet = null;
  else if (view.quiet?.epoch !== epoch) view.quiet = { epoch, since: context.moment.now };
}

function isQuietAway(view: SetView, missed: Missed, context: Context): boolean {
  const record = view.record?.value;
  if (record === undefined || missed === null || !context.options.clusters.includes(view.cluster)) return false;
  const policy = context.policyOf(view);
  if (policy.returnAfterMs === null || policy.frozen || context.isPaused() || isScripted(view, context)) return false;
  if (phaseOf(view) !== "held" || view.doubtSince !== null || view.restartedAt !== null) return false;
  const ids = idsOf(view);
  const isWhole = record.inSync.length === ids.length && record.unconfirmed.length === 0;
  return (
    isWhole &&
    ids.every(
      (id) => isHeardHere(view, id, context) && !isDrained(view, id, context) && !missed.has(`${view.name}/${id}`),
    ) &&
    wayHome(view, context) !== null
  );
}

/** "cluster/set/id" of brokers that some other voting site does not hear. null: a voting site is not there, or misses too many to name. */
type Missed = ReadonlySet<string> | null;

function missedBySites({ mirror, moment, options }: Context): Missed {
  const missed = new Set<string>();
  for (const site of mirror.cluster?.value.sites ?? []) {
    if (site === options.site) continue;
    const beat = mirror.sites.get(site);
    if (beat === undefined || moment.now - beat.seenAt > siteFreshMs) return null;
    if (beat.value.unheard.length >= unheardMax) return null;
    for (const broker of beat.value.unheard) missed.add(broker);
  }
  return missed;
}

function isDue(view: SetView, context: Context): boolean {
  const { quiet, record } = view;
  if (quiet === null || record === null) return false;
  const { now, wall } = context.moment;
  const waitMs = returnWaitMs(context.policyOf(view), record.value.failoversAt, wall);
  return waitMs !== null && now - quiet.since >= waitMs;
}

/** Whatever comes of it, the quiet time begins anew: nobody is disturbed twice for one reason. */
function askForReturn(view: SetView, context: Context): void {
  const way = wayHome(view, context);
  if (way === null || view.quiet === null) return;
  const quietMs = context.moment.now - view.quiet.since;
  view.quiet = { ...view.quiet, since: context.moment.now };
  const reason = `home again: ${way.why}, and it has been quiet for ${millisText(quietMs)}`;
  askSwitch(
    view,
    { ask: 0, by: "return", who: arbiterName(context), to: String(way.to), reason, dryRun: false },
    context,
  );
}
