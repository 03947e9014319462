import { type Acked, ackedOf, type Send } from "../load/history.ts";

/**
 * What a broker has acknowledged of messages that were sent to it while it was to acknowledge nothing. What was sent before, and
 * acknowledged then, had its copies in time.
 */
export function checkMute(
  sends: readonly Send[],
  { broker, fromMs, untilMs }: { readonly broker: string; readonly fromMs: number; readonly untilMs: number },
): readonly Acked[] {
  return ackedOf(sends).filter((send) => send.broker === broker && send.sentAt >= fromMs && send.answeredAt <= untilMs);
}
