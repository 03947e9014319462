import type { Context } from "./context.ts";
import type { DecisionRecord } from "./decision.ts";
import type { SetView } from "./set-view.ts";

/** Sets whose members obey scripts, not epochs: whom nobody has fenced may act as master for ever. */

type Deciding = Pick<Context, "options">;

export function isScripted({ cluster }: Pick<SetView, "cluster">, { options }: Deciding): boolean {
  return options.scripted?.includes(cluster) ?? false;
}

/** Must this decision's old master be fenced before anybody is promoted? Not where an operator has forced the new one. */
export function needsFence(view: SetView, { input, verdict }: DecisionRecord, context: Deciding): boolean {
  return isScripted(view, context) && !input.forced && input.master !== null && input.master !== verdict.winner;
}

/**
 * The record's decision waits for a fence, as the ledger says. Until it is there nothing else is decided: the next decision would
 * fence its own old master, and not the one before.
 */
export function isFenceAwaited(view: SetView, context: Deciding): boolean {
  const open = view.record?.value.decision ?? null;
  if (open === null || !isScripted(view, context)) return false;
  // A record that is not read yet may wait for one.
  if (view.decision === null) return true;
  const { value } = view.decision;
  return value.effects.demoted === undefined && needsFence(view, value, context);
}
