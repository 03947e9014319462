import { setTimeout as delay } from "node:timers/promises";
import rocketmq, { type MessageView, type ProducerOptions, type SimpleConsumer } from "rocketmq-client-nodejs";
import type { ConsumerLink, ConsumerLinkOptions, Driver, ProducerLink } from "../driver.ts";
import { messageOf, SdkError } from "../errors.ts";
import { untilAborted } from "../io/abort.ts";
import { type Client, openSession, type Session } from "./session.ts";

/** How proxies are reached: what no router knows. */
export type RocketmqAccess = Partial<Pick<ProducerOptions, "sslEnabled" | "sessionCredentials" | "namespace">>;

const openMsMax = 10_000;
const closeMsMax = 5_000;
const requestTimeoutMs = 3_000;
/** Proxies refuse to wait for less than five seconds. */
const receiveWaitMs = 5_000;
const receivedMax = 16;
const receiversMax = 4;
/** A message that nobody acknowledges comes again after so long; while it is dealt with it is claimed anew in time. */
const invisibleMs = 30_000;
const claimEveryMs = 10_000;
const againMs = 500;
/** Receiving that fails so often in a row ends the link: it is opened anew. */
const failuresMax = 5;
/** So many receivers' waits that brought nothing: the queues are asked in turn. */
const emptyMin = 16;
/** The library's own log would be a file in the home folder. */
const logger = { info() {}, warn() {}, error() {} };

/** Another attempt would be refused as well. */
const refusals = new Set([
  "PayloadTooLargeException",
  "RequestHeaderFieldsTooLargeException",
  "ForbiddenException",
  "UnauthorizedException",
]);
/** The same, of the library's own checks: larger than the proxy has said, or of a kind that the topic does not take. */
const refusalTexts = ["Message body size exceeds", "Current message type not match"];

/** By gRPC, through a proxy of the cluster: the nearest one that answers. */
export function createRocketmqDriver(access: RocketmqAccess): Driver {
  const shared = { namespace: "", ...access, requestTimeout: requestTimeoutMs, logger };
  return {
    async openProducer({ place, topic }): Promise<ProducerLink> {
      const { client, end } = await openFirst(
        place.bootstrap,
        (endpoints) => new rocketmq.Producer({ ...shared, endpoints, topics: [topic], maxAttempts: 1 }),
      );
      return {
        async send(messages) {
          const sending = messages.map(({ key, value, headers = {} }) =>
            client.send({
              topic,
              body: Buffer.from(value),
              keys: key === undefined ? [] : [key.toString()],
              properties: new Map(Object.entries(headers)),
            }),
          );
          const failed = (await Promise.allSettled(sending)).find(({ status }) => status === "rejected");
          if (failed?.status === "rejected") throw refusalOf(topic, failed.reason) ?? failed.reason;
        },
        close: end,
      };
    },
    async openConsumer(options): Promise<ConsumerLink> {
      const { place, topic, group } = options;
      const session = await openFirst(
        place.bootstrap,
        (endpoints) =>
          new rocketmq.SimpleConsumer({
            ...shared,
            endpoints,
            consumerGroup: group,
            subscriptions: new Map([[topic, "*"]]),
            awaitDuration: receiveWaitMs,
            maxRetryAttempts: 1,
          }),
      );
      return readFrom(session, options);
    },
  };
}

/** One after the other, since the library takes a list for one name. @throws when none can be used */
async function openFirst<T extends Client>(
  proxies: readonly string[],
  create: (endpoints: string) => T,
): Promise<Session<T>> {
  const reasons: string[] = [];
  for (const proxy of proxies) {
    try {
      return await openSession(create(proxy), { openMsMax, closeMsMax });
    } catch (error) {
      reasons.push(`${proxy}: ${messageOf(error)}`);
    }
  }
  throw new Error(`no proxy can be used: ${reasons.join("; ")}`);
}

function readFrom(
  { client, end }: Session<SimpleConsumer>,
  { place, topic, deliver }: ConsumerLinkOptions,
): ConsumerLink {
  const failed = Promise.withResolvers<unknown>();
  const stopped = new AbortController();
  const dealing = new Set<Promise<void>>();
  let empty = 0;
  let lastAt = performance.now();

  async function receive(): Promise<void> {
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        const messages = await client.receive(receivedMax, invisibleMs);
        failures = 0;
        empty = messages.length === 0 ? empty + 1 : 0;
        if (messages.length > 0) lastAt = performance.now();
        await Promise.all(messages.map(keep));
      } catch (error) {
        failures += 1;
        if (failures >= failuresMax) failed.resolve(error);
        await delay(againMs, undefined, { signal: stopped.signal }).catch(() => {});
      }
    }
  }

  function keep(message: MessageView): Promise<void> {
    const work = deal(message).finally(() => dealing.delete(work));
    dealing.add(work);
    return work;
  }

  /** Never rejects: a message that is not acknowledged comes again. */
  async function deal(message: MessageView): Promise<void> {
    const claiming = setInterval(
      () => client.changeInvisibleDuration(message, invisibleMs).catch(() => {}),
      claimEveryMs,
    );
    try {
      const { keys, properties, body, messageId } = message;
      await deliver({
        topic,
        cluster: place.cluster,
        key: keys[0] === undefined ? null : Buffer.from(keys[0]),
        value: body,
        headers: Object.fromEntries(properties),
        position: messageId,
      });
      clearInterval(claiming);
      await client.ack(message);
    } catch {
      // It was not dealt with, or its acknowledgement is lost.
    } finally {
      clearInterval(claiming);
    }
  }

  const receiving = Promise.all(Array.from({ length: receiversMax }, receive));
  return {
    failed: failed.promise,
    /** Proxies do not say. Empty is what has given nothing for longer than a message of somebody else may be away. */
    async lag() {
      const isQuiet = performance.now() - lastAt > 2 * invisibleMs && empty >= emptyMin;
      return dealing.size === 0 && isQuiet ? 0n : null;
    },
    async close() {
      stopped.abort();
      await inTime(Promise.allSettled([...dealing]));
      await end();
      receiving.catch(() => {});
    },
  };
}

function refusalOf(topic: string, cause: unknown): SdkError | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (!refusals.has(cause.name) && !refusalTexts.some((text) => cause.message.startsWith(text))) return undefined;
  const hint = "Another attempt would be refused as well: change the message, or the topic's settings and rights";
  return new SdkError("SDK_SEND_REFUSED", `The brokers of ${topic} refuse it: ${messageOf(cause)}`, { hint, cause });
}

async function inTime(closing: Promise<unknown>): Promise<void> {
  await untilAborted(closing, AbortSignal.timeout(closeMsMax)).catch(() => {});
}
