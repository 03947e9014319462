import { brokerOf, notify } from "./brokers.ts";
import type { Context } from "./context.ts";
import type { BrokerId, SetRecord } from "./model.ts";
import { recordUnfenced } from "./refusals.ts";
import type { SetView } from "./set-view.ts";

/** A positive word that the old master does not act as one, or nothing: of a member that obeys no epoch no time says it. */
export function awaitFence(view: SetView, old: BrokerId, record: SetRecord, context: Context): void {
  const broker = brokerOf(view, old, context);
  // What it said before this decision is no answer to it.
  const said = broker.notifyEnded?.epoch === record.epoch ? broker.notifyEnded.detail : null;
  if (broker.notified >= record.epoch) {
    view.effects.demoted = `broker ${old} is fenced: ${said ?? "as this site knows"}`;
    return;
  }
  if (notify(view, old, context)) view.effects.demoteSentAt ??= context.moment.now;
  if (said !== null) recordUnfenced(view, `broker ${old} is not fenced: ${said}`, context);
}
