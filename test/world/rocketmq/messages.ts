import type { Remoting } from "./remoting.ts";

const codes = { send: 10, pull: 11 } as const;
const pullAnswers = { found: 0, nothingThere: 19, again: 20, moved: 21 } as const;
const group = "world";
const messagesPerPull = 512;

/** Sends one message to this broker, whatever it is. @returns the broker's code: only 0 is a promise */
export async function sendMessage(
  broker: Remoting,
  message: { topic: string; queue: number; body: string },
  timeoutMs: number,
): Promise<number> {
  const { topic, queue, body } = message;
  const { code } = await broker.ask(
    {
      code: codes.send,
      fields: {
        producerGroup: group,
        topic,
        defaultTopic: "TBW102",
        defaultTopicQueueNums: 4,
        queueId: queue,
        sysFlag: 0,
        bornTimestamp: Date.now(),
        flag: 0,
        properties: "",
        reconsumeTimes: 0,
        unitMode: false,
        batch: false,
      },
      body: Buffer.from(body),
    },
    timeoutMs,
  );
  return code;
}

/** The bodies of all messages that this broker has in a queue. */
export async function readQueue(
  broker: Remoting,
  queue: { topic: string; queue: number },
  timeoutMs: number,
): Promise<string[]> {
  const bodies: string[] = [];
  for (let offset = 0n; ; ) {
    const pulled = await pullOnce(broker, { ...queue, offset }, timeoutMs);
    bodies.push(...pulled.bodies);
    if (pulled.next === null || (pulled.next <= offset && !pulled.moved)) return bodies;
    offset = pulled.next;
  }
}

/** What is at an offset, as many as the broker gives at once. */
export async function pullOnce(
  broker: Remoting,
  { topic, queue, offset }: { readonly topic: string; readonly queue: number; readonly offset: bigint },
  timeoutMs: number,
): Promise<{
  readonly bodies: readonly string[];
  /** Where to go on; null: there is nothing yet. */
  readonly next: bigint | null;
  /** The offset is out of the queue, and `next` is in it: maybe before it. */
  readonly moved: boolean;
}> {
  const answer = await broker.ask(
    {
      code: codes.pull,
      fields: {
        consumerGroup: group,
        topic,
        queueId: queue,
        queueOffset: String(offset),
        maxMsgNums: messagesPerPull,
        // The subscription is in the request.
        sysFlag: 4,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: "*",
        subVersion: 0,
        expressionType: "TAG",
      },
    },
    timeoutMs,
  );
  const next = BigInt(answer.fields["nextBeginOffset"] ?? "0");
  switch (answer.code) {
    case pullAnswers.found:
      return { bodies: [...bodiesOf(answer.body)], next, moved: false };
    case pullAnswers.again:
      return { bodies: [], next, moved: false };
    case pullAnswers.moved:
      return { bodies: [], next, moved: true };
    case pullAnswers.nothingThere:
      return { bodies: [], next: null, moved: false };
    default:
      throw new Error(`pull of ${topic} ${queue} at ${offset}: ${answer.code} ${answer.remark}`);
  }
}

/**
 * Stored messages, one after the other: size i32 | ... | body length i32 at 84 | body | ...
 * With IPv4 addresses. @source RocketMQ 5.3 MessageDecoder
 */
function* bodiesOf(messages: Buffer): Generator<string> {
  for (let at = 0; at < messages.length; at += messages.readInt32BE(at)) {
    const length = messages.readInt32BE(at + bodyLengthAt);
    yield messages.toString("utf8", at + bodyLengthAt + 4, at + bodyLengthAt + 4 + length);
  }
}

/** After size, magic, crc, queue, flag (i32), two offsets (i64), sysFlag, born time and host, store time and host, retries, prepared. */
const bodyLengthAt = 5 * 4 + 2 * 8 + 4 + (8 + 8) + (8 + 8) + 4 + 8;
