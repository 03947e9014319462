import { type Acked, ackedOf, type Send } from "../load/history.ts";

/** One queue of the topic, read to its end: the ids in the order in which they are stored. */
export interface StoredQueue {
  readonly queue: number;
  readonly ids: readonly string[];
}

export interface SetReport {
  readonly acked: number;
  /** Too few acknowledged messages prove nothing. */
  readonly enough: boolean;
  /** Acknowledged, and in no queue. */
  readonly lost: readonly Acked[];
  /** Stored more than once, acknowledged or not: each was sent once. */
  readonly duplicated: readonly string[];
  /** Stored after one that was sent to the same queue only when this one had been acknowledged. */
  readonly reordered: readonly Acked[];
}

/** Messages that a run must have acknowledged to say anything. */
export const ackedMinUsual = 5_000;

/** Holds what was promised against what is there. Messages of others are nobody's business. */
export function checkSet(
  sends: readonly Send[],
  stored: readonly StoredQueue[],
  { ackedMin = ackedMinUsual }: { ackedMin?: number } = {},
): SetReport {
  const acked = ackedOf(sends);
  const ours = new Set(sends.map(({ id }) => id));
  const seen = new Set<string>();
  const duplicated = new Set<string>();
  for (const id of stored.flatMap(({ ids }) => ids.filter((one) => ours.has(one)))) {
    if (seen.has(id)) duplicated.add(id);
    seen.add(id);
  }
  return {
    acked: acked.length,
    enough: acked.length >= ackedMin,
    lost: acked.filter(({ id }) => !seen.has(id)),
    duplicated: [...duplicated],
    reordered: reorderedIn(acked, stored),
  };
}

/** A producer's messages that overlapped in time may stand in any order; others stand as they were sent. */
function reorderedIn(acked: readonly Acked[], stored: readonly StoredQueue[]): Acked[] {
  const byId = new Map(acked.map((send) => [send.id, send]));
  return stored.flatMap(({ queue, ids }) => {
    const latestSentAt = new Map<string, number>();
    return ids.flatMap((id) => {
      const send = byId.get(id);
      if (send === undefined || send.queue !== queue) return [];
      const latest = latestSentAt.get(send.producer) ?? -Infinity;
      latestSentAt.set(send.producer, Math.max(latest, send.sentAt));
      return send.answeredAt < latest ? [send] : [];
    });
  });
}
