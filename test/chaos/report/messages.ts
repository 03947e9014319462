import type { Evidence, Send, Stored } from "./read.ts";

export interface Acked extends Send {
  readonly answeredAt: number;
}

/** In the order of their answers. */
export function ackedOf(sends: readonly Send[]): Acked[] {
  return sends
    .filter((send): send is Acked => send.code === 0 && send.answeredAt !== undefined)
    .toSorted((one, other) => one.answeredAt - other.answeredAt);
}

/** What was promised and is not there. */
export function lostIn({ sends, stored }: Pick<Evidence, "sends" | "stored">): Acked[] {
  const there = new Set(stored.map(({ id }) => id));
  return ackedOf(sends).filter(({ id }) => !there.has(id));
}

/** Ids that are stored more than once. Each was sent once. */
export function duplicatedIn({ sends, stored }: Pick<Evidence, "sends" | "stored">): string[] {
  const ours = new Set(sends.map(({ id }) => id));
  const counts = new Map<string, number>();
  for (const { id } of stored) if (ours.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].flatMap(([id, count]) => (count > 1 ? [id] : []));
}

/**
 * Messages that stand in their queue after one that their producer sent only when they had been acknowledged. Those that
 * overlapped in time may stand in any order.
 */
export function reorderedIn({ sends, stored }: Pick<Evidence, "sends" | "stored">): Acked[] {
  const byId = new Map(ackedOf(sends).map((send) => [send.id, send]));
  const queues = Map.groupBy(stored, ({ queue }) => queue);
  return [...queues.values()].flatMap((queue) => reorderedInQueue(queue, byId));
}

function reorderedInQueue(queue: readonly Stored[], byId: ReadonlyMap<string, Acked>): Acked[] {
  const latest = new Map<string, number>();
  const found: Acked[] = [];
  for (const { id } of queue.toSorted((one, other) => one.offset - other.offset)) {
    const send = byId.get(id);
    if (send === undefined) continue;
    const before = latest.get(send.producer) ?? -Infinity;
    if (send.answeredAt < before) found.push(send);
    latest.set(send.producer, Math.max(before, send.at));
  }
  return found;
}

/** What was acknowledged and a consumer never got: each consumer reads every queue to its end. */
export function unconsumedIn({ about, sends, got }: Pick<Evidence, "about" | "sends" | "got">): string[] {
  const acked = ackedOf(sends);
  return about.consumers.flatMap((consumer) => {
    const ids = new Set(got.filter((one) => one.consumer === consumer).map(({ id }) => id));
    return acked.filter(({ id }) => !ids.has(id)).map(({ id }) => `${id} by ${consumer}`);
  });
}
