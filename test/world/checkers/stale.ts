import { type Acked, ackedOf, type Send } from "../load/history.ts";
import type { Reign } from "./reigns.ts";

export interface StaleReport {
  /** Acknowledgements by a broker after a later one had begun to acknowledge: two masters at one time. */
  readonly acks: readonly Acked[];
  /** From the later master's first acknowledgement to the last stale one, the longest of them; 0: none. */
  readonly spanMs: number;
  /** As stale, but sent before that, when nobody could know of the later master. Whether that one has them the set checker says. */
  readonly late: number;
}

/**
 * Finds two brokers of one set that acknowledge in overlapping epochs. A reign covers what its broker acknowledges from the
 * time its predecessor was last seen on record until the first acknowledgement of any later reign. A message that was sent
 * after that and acknowledged all the same, by a broker that no reign covers, is stale: its producer could have known of the
 * new master already. Whether it is lost is the set checker's question.
 * @param reigns in the order of their epochs; those of one set
 */
export function checkStale(sends: readonly Send[], reigns: readonly Reign[]): StaleReport {
  const acked = ackedOf(sends);
  const spans = reigns.map((reign, nth) => ({ broker: reign.broker, ...spanOf(nth, reigns, acked) }));
  const outside = (at: (send: Acked) => number): Acked[] =>
    acked.filter(
      (send) =>
        !spans.some(
          ({ broker, fromMs, untilMs }) => broker === send.broker && send.answeredAt > fromMs && at(send) <= untilMs,
        ),
    );
  const stale = outside(({ sentAt }) => sentAt);
  const spansMs = stale.map(({ broker, answeredAt }) => {
    const over = spans.filter((span) => span.broker === broker && span.untilMs < answeredAt);
    return answeredAt - Math.max(...over.map(({ untilMs }) => untilMs), reigns[0]?.firstSeenAt ?? answeredAt);
  });
  return {
    acks: stale,
    spanMs: spansMs.reduce((most, ms) => Math.max(most, ms), 0),
    late: outside(({ answeredAt }) => answeredAt).length - stale.length,
  };
}

/** What a reign covers: until a later one, of another broker, has acknowledged something. */
function spanOf(nth: number, reigns: readonly Reign[], acked: readonly Acked[]): { fromMs: number; untilMs: number } {
  const broker = reigns[nth]?.broker;
  const later = reigns.flatMap((reign, at) => {
    if (at <= nth || reign.broker === broker) return [];
    const fromMs = beginOf(at, reigns);
    const first = acked.find((send) => send.broker === reign.broker && send.answeredAt > fromMs);
    return first === undefined ? [] : [first.answeredAt];
  });
  return { fromMs: beginOf(nth, reigns), untilMs: Math.min(...later) };
}

/** It is seen some time after it has begun; but not before its predecessor was seen for the last time. */
function beginOf(nth: number, reigns: readonly Reign[]): number {
  return reigns[nth - 1]?.lastSeenAt ?? -Infinity;
}
