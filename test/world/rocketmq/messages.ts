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
    const answer = await broker.ask(
      {
        code: codes.pull,
        fields: {
          consumerGroup: group,
          topic: queue.topic,
          queueId: queue.queue,
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
    switch (answer.code) {
      case pullAnswers.found:
        bodies.push(...bodiesOf(answer.body));
        break;
      case pullAnswers.again:
      case pullAnswers.moved:
        break;
      case pullAnswers.nothingThere:
        return bodies;
      default:
        throw new Error(`pull of ${queue.topic} ${queue.queue} at ${offset}: ${answer.code} ${answer.remark}`);
    }
    const next = BigInt(answer.fields["nextBeginOffset"] ?? "0");
    if (next <= offset && answer.code !== pullAnswers.moved) return bodies;
    offset = next;
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
