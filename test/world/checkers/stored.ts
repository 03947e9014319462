import type { Network } from "../network/network.ts";
import { dialRemoting } from "../rocketmq/dial.ts";
import { readQueue } from "../rocketmq/messages.ts";
import type { StoredQueue } from "./set.ts";

const dialMsMax = 3_000;
const answerMsMax = 10_000;
const maxOffsetCode = 30;

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
