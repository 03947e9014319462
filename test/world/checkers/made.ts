import type { Acked, Send } from "../load/history.ts";

/** A send as tests make it up: acknowledged 5 ms after it was sent. */
export function ack(id: string, sentAt: number, other: Partial<Acked> = {}): Acked {
  return { id, producer: "p1", queue: 0, broker: "a:1", sentAt, answeredAt: sentAt + 5, code: 0, ...other };
}

/** One that was refused, or never answered. */
export function unanswered(id: string, sentAt: number, code: number | null = null): Send {
  return { ...ack(id, sentAt), answeredAt: code === null ? null : sentAt + 5, code };
}
