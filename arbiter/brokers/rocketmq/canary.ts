import { randomUUID } from "node:crypto";
import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { resultCodes } from "#lib/remoting/codes.ts";
import { type CallOptions, type Connections, timeLeft } from "#lib/remoting/connections.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import { decodePullMessageResponse, encodePullMessageRequest } from "#lib/remoting/records/pull-message.ts";
import { decodeSendMessageResponse, encodeSendMessageRequest } from "#lib/remoting/records/send-message.ts";
import { decodeCreateTopicResponse, encodeCreateTopicRequest } from "#lib/remoting/records/update-and-create-topic.ts";

/** Every broker has this group from its start, so reading needs no group of our own. */
const group = "TOOLS_CONSUMER";
const queueId = 0;
const readAndWrite = 6;
/** A message can be read a moment after it was accepted. */
const rereadMs = 10;

/**
 * Sends one message to this broker, whatever its role, and reads it back from it. Only the code of a promise counts: with
 * allAckInSyncStateSet a master whose replicas do not follow stores the message and answers otherwise.
 */
export async function sendCanary(
  deps: { connections: Connections; clock: Clock; log: Logger; topic: string },
  address: string,
  set: string,
  options: CallOptions,
): Promise<{ ok: boolean; detail: string }> {
  const { connections, clock, log, topic } = deps;
  const left = timeLeft(clock, options);

  async function pull(queueOffset: bigint) {
    const request = encodePullMessageRequest({ consumerGroup: group, topic, queueId, queueOffset, messagesMax: 1 });
    return decodePullMessageResponse(await connections.ask(address, request, left()));
  }

  async function createTopicIfMissing(): Promise<void> {
    try {
      await pull(0n);
    } catch (error) {
      if (!(error instanceof RemotingError) || error.resultCode !== resultCodes.TOPIC_NOT_EXIST) throw error;
      const request = encodeCreateTopicRequest({ topic, readQueues: 1, writeQueues: 1, perm: readAndWrite });
      decodeCreateTopicResponse(await connections.ask(address, request, left()));
      log.info({ address, set, topic }, "canary topic created");
    }
  }

  try {
    await createTopicIfMissing();
    const body = Buffer.from(`${set} ${randomUUID()}`);
    const bornTimestamp = BigInt(clock.wallTime());
    const send = { producerGroup: group, topic, queueId, bornTimestamp, properties: new Map(), body };
    const sent = decodeSendMessageResponse(await connections.ask(address, encodeSendMessageRequest(send), left()));
    if (sent.kind !== "ok") return { ok: false, detail: `stored, and not safe: ${sent.kind}` };
    for (;;) {
      const { messages } = await pull(sent.queueOffset);
      const read = messages.some((message) => body.equals(message.body));
      if (read) return { ok: true, detail: `accepted and read back at offset ${sent.queueOffset} of ${topic}` };
      if (left().timeoutMs <= rereadMs) {
        return { ok: false, detail: `accepted, and not readable at offset ${sent.queueOffset} of ${topic}` };
      }
      await clock.sleep(rereadMs, options);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    return { ok: false, detail: messageOf(error) };
  }
}
