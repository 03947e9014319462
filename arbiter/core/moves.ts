import { brokerOf, idsOf, isDrained, isHeardHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import { priorityOf } from "./evidence.ts";
import type { BrokerId, SetName, SetRecord } from "./model.ts";
import { phaseOf, type SetView } from "./set-view.ts";

/** Which masters are to move, and to whom. Pure; each move is a planned switch of its own, which may still be refused. */

export type MoveWish =
  /** Home: to the first IDC of the policy's preferIdcs that has somebody. */
  | { readonly kind: "preferred" }
  | { readonly kind: "away-from-idc"; readonly idc: string }
  | { readonly kind: "away-from-broker"; readonly set: SetName; readonly id: BrokerId };

export interface Moves {
  readonly moves: readonly {
    readonly set: SetName;
    readonly from: BrokerId;
    readonly to: BrokerId;
    readonly why: string;
  }[];
  /** Masters that are to move, and cannot now. */
  readonly stays: readonly { readonly set: SetName; readonly master: BrokerId; readonly why: string }[];
}

export function planMoves(wish: MoveWish, context: Context): Moves {
  const moves: Moves["moves"][number][] = [];
  const stays: Moves["stays"][number][] = [];
  for (const view of [...context.mirror.sets.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    const record = view.record?.value;
    if (record === undefined || record.master === null) continue;
    const { master } = record;
    const reason = reasonToMove(view, master, wish, context);
    if (reason === null) continue;
    const phase = phaseOf(view);
    const to = bestFor(view, record, wish, context);
    if (phase !== "held") stays.push({ set: view.name, master, why: `it is ${phase}` });
    else if (to !== null) moves.push({ set: view.name, from: master, to, why: reason });
    else if (wish.kind !== "preferred" || isDrained(view, master, context))
      stays.push({ set: view.name, master, why: "no other broker is in sync, heard and not drained" });
  }
  return { moves, stays };
}

/** The way home of a master that is not drained. null: it is home, or nobody would be better. */
export function wayHome(
  view: SetView,
  context: Context,
): { readonly from: BrokerId; readonly to: BrokerId; readonly why: string } | null {
  const record = view.record?.value;
  if (record === undefined || record.master === null || isDrained(view, record.master, context)) return null;
  const wish = { kind: "preferred" } as const;
  const why = reasonToMove(view, record.master, wish, context);
  const to = why === null ? null : bestFor(view, record, wish, context);
  return why === null || to === null ? null : { from: record.master, to, why };
}

/** null: it is where it should be. */
function reasonToMove(view: SetView, master: BrokerId, wish: MoveWish, context: Context): string | null {
  const idc = context.idcOf(view, master);
  switch (wish.kind) {
    case "away-from-idc":
      return idc === wish.idc ? `its master is in ${idc}` : null;
    case "away-from-broker":
      return view.name === wish.set && master === wish.id ? `broker ${master} is master` : null;
    case "preferred": {
      if (isDrained(view, master, context)) return `broker ${master} is drained, or its IDC ${idc}`;
      const { preferIdcs } = context.policyOf(view);
      if (preferIdcs.length === 0 || idc === preferIdcs[0]) return null;
      return `its master is in ${idc || "no IDC"}, and the policy prefers ${preferIdcs.join(", ")}`;
    }
  }
}

/** As a planned switch to an IDC chooses: in sync, heard here, not drained; home first. null: nobody, or nobody who would be better. */
function bestFor(view: SetView, record: SetRecord, wish: MoveWish, context: Context): BrokerId | null {
  const { preferIdcs } = context.policyOf(view);
  const rank = (id: BrokerId): number => {
    const at = preferIdcs.indexOf(context.idcOf(view, id));
    return at < 0 ? preferIdcs.length : at;
  };
  const [best] = idsOf(view)
    .filter(
      (id) =>
        id !== record.master &&
        record.inSync.includes(id) &&
        !record.unconfirmed.includes(id) &&
        isHeardHere(view, id, context) &&
        !isDrained(view, id, context) &&
        !(wish.kind === "away-from-idc" && context.idcOf(view, id) === wish.idc),
    )
    .toSorted((one, other) => rank(one) - rank(other) || priority(one) - priority(other) || one - other);
  function priority(id: BrokerId): number {
    return priorityOf(brokerOf(view, id, context).evidence);
  }
  if (best === undefined) return null;
  const isHome = wish.kind === "preferred" && record.master !== null && !isDrained(view, record.master, context);
  return isHome && rank(best) >= rank(record.master) ? null : best;
}
