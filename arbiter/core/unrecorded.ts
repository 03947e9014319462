import { isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { BrokerId } from "./model.ts";
import { isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";

/** Brokers that speak of themselves, and that the ledger does not know: it was lost, or restored from before they came. */

/** Somebody who has just registered is heard a moment before the watch tells of his record. */
const strangeMs = 3_000;

export function unrecordedOf(view: SetView, context: Context): readonly BrokerId[] {
  // Members of those come from the config, and are watched before they are on record.
  if (isScripted(view, context)) return [];
  const replicas = view.record?.value.replicas ?? {};
  const isStrange = (id: BrokerId, since: number): boolean =>
    replicas[id] === undefined && context.moment.now - since >= strangeMs && isHeardHere(view, id, context);
  return [...view.brokers]
    .filter(([id, { beatFrom, sameSince }]) => beatFrom !== "" && isStrange(id, sameSince))
    .map(([id]) => id)
    .toSorted((one, other) => one - other);
}
