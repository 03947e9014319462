import { proofsDue, sendProofs } from "./asks.ts";
import type { Context } from "./context.ts";
import type { Inner } from "./inner.ts";

/** One proof at a time; what waits meanwhile goes with the next. */
export function prove(state: Inner, context: Context): void {
  if (state.proving || !context.hasQuorum()) return;
  const due = proofsDue(context.mirror.sets.values(), context);
  if (due.length === 0) return;
  state.proving = true;
  sendProofs(due, context, (then) => {
    state.proving = false;
    prove(state, then);
  });
}
