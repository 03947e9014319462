import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import type { Network } from "../network/network.ts";
import { dialRemoting } from "../rocketmq/dial.ts";
import { readQueue } from "../rocketmq/messages.ts";
import type { StoredQueue } from "./set.ts";

const dialMsMax = 3_000;
const answerMsMax = 10_000;
const maxOffsetCode = 30;
/** A stock broker acknowledges a message some moments before it can be read: its queues are written by a thread of their own. */
const readableMsMax = 10_000;
const lookEveryMs = 500;
/** A stock broker may stand still, and now and then leaves a pull without an answer: like a stock consumer, we ask again. */
const askAgainMsMax = 60_000;

/**
 * As readStored, again while `isShort` says that something acknowledged is missing: for readableMsMax, then it counts as lost.
 * @throws when nothing can be read for askAgainMsMax
 */
export async function readSettled(
  network: Network,
  from: Parameters<typeof readStored>[1],
  isShort: (stored: readonly StoredQueue[]) => boolean,
): Promise<StoredQueue[]> {
  const startedAt = performance.now();
  let readAt: number | undefined;
  for (;;) {
    try {
      const stored = await readStored(network, from);
      const now = performance.now();
      readAt ??= now;
      if (!isShort(stored) || now - readAt > readableMsMax) return stored;
    } catch (error) {
      if (performance.now() - startedAt > askAgainMsMax) throw error;
      console.log(`${from.broker} is asked for its messages again: ${messageOf(error)}`);
    }
    await delay(lookEveryMs);
  }
}

/** Every queue of a topic, as this broker has it, from the first message to the last. @throws when it cannot be read */
export async function readStored(
  network: Network,
  from: { readonly broker: string; readonly topic: string; readonly queues: number },
): Promise<StoredQueue[]> {
  await using broker = await dialRemoting(network, "clients", from.broker, dialMsMax);
  const stored: StoredQueue[] = [];
  for (let queue = 0; queue < from.queues; queue += 1) {
    const bodies = await readQueue(broker, { topic: from.topic, queue }, answerMsMax);
    const fields = { topic: from.topic, queueId: queue };
    const { fields: end } = await broker.ask({ code: maxOffsetCode, fields }, answerMsMax);
    if (end["offset"] !== String(bodies.length)) {
      throw new Error(
        `${from.broker}: read ${bodies.length} messages of queue ${queue}, which ends at ${end["offset"]}`,
      );
    }
    stored.push({ queue, ids: bodies.map((body) => body.trim()) });
  }
  return stored;
}
