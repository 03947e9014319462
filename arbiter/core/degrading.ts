import type { Context } from "./context.ts";
import type { SetRequest } from "./controller-messages.ts";
import type { BrokerId } from "./model.ts";
import { isLess, keptLevel } from "./promise.ts";
import type { SetView } from "./set-view.ts";

/** A master repeats what was refused every 5 s; after so long it has stopped wishing it. */
const degradeGapMs = 12_000;

/** How long the master has been asking, again and again, for an in-sync set that bears less than the one on record. */
export function degradingMs(view: SetView, request: SetRequest, context: Context): number {
  const record = view.record?.value;
  if (request.kind !== "alterInSync" || record === undefined) return 0;
  const { now } = context.moment;
  const policy = context.policyOf(view);
  const levelOf = (inSync: readonly BrokerId[]) => keptLevel(policy, inSync, (id) => context.idcOf(view, id));
  if (!isLess(levelOf(request.inSync), levelOf(record.inSync))) {
    view.degrading = null;
    return 0;
  }
  const { inSyncEpoch } = record;
  const before = view.degrading;
  // Where the set has changed since, perhaps by another site, that wish is over.
  const isSame = before?.inSyncEpoch === inSyncEpoch && now - before.seenAt <= degradeGapMs;
  view.degrading = { inSyncEpoch, since: isSame ? before.since : now, seenAt: now };
  return now - view.degrading.since;
}
