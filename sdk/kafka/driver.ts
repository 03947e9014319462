import kafkajs, {
  type Admin,
  type ConsumerCrashEvent,
  type EachMessagePayload,
  type IHeaders,
  type Kafka,
  type KafkaConfig,
} from "kafkajs";
import type { ConsumerLink, ConsumerLinkOptions, Driver, IncomingMessage, ProducerLink } from "../driver.ts";
import { messageOf, SdkError } from "../errors.ts";
import { untilAborted } from "../io/abort.ts";
import { createNearestAssigner } from "./assigner.ts";

/** How brokers are reached: what no router knows. */
export type KafkaAccess = Pick<KafkaConfig, "ssl" | "sasl" | "clientId">;

const connectTimeoutMs = 3_000;
const requestTimeoutMs = 10_000;
/** Of kafkajs: our own attempts come around these, and know of moves. */
const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 };
const closeMsMax = 5_000;
/** A member that is silent for so long is out of its group. */
const sessionTimeoutMs = 10_000;
const heartbeatEveryMs = 1_000;
const fetchWaitMsMax = 500;
/** Leaders change, and partitions are added. */
const metadataAgeMsMax = 10_000;
/** Partitions at the same time, before the consumer's own gate. */
const partitionsMax = 64;

/** Another attempt would be refused as well. */
const refusals = new Set([
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
  "TOPIC_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
]);

export function createKafkaDriver(access: KafkaAccess): Driver {
  const kafkaOf = (brokers: readonly string[]): Kafka =>
    new kafkajs.Kafka({
      ...access,
      brokers: [...brokers],
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      retry,
      logLevel: kafkajs.logLevel.NOTHING,
    });

  return {
    async openProducer({ place, topic }): Promise<ProducerLink> {
      const producer = kafkaOf(place.bootstrap).producer({
        allowAutoTopicCreation: false,
        metadataMaxAge: metadataAgeMsMax,
        retry,
      });
      await producer.connect();
      return {
        async send(messages, { timeoutMs }) {
          const records = messages.map(({ key = null, value, headers = {} }) => ({
            key,
            value,
            headers: { ...headers },
          }));
          try {
            await producer.send({ topic, messages: records, acks: -1, timeout: Math.min(timeoutMs, requestTimeoutMs) });
          } catch (error) {
            throw isRefusal(error) ? refused(topic, error) : error;
          }
        },
        close: () => inTime(producer.disconnect()),
      };
    },
    openConsumer: (options) => openConsumer(kafkaOf(options.place.bootstrap), options),
  };
}

async function openConsumer(kafka: Kafka, options: ConsumerLinkOptions): Promise<ConsumerLink> {
  const { topic, group, idc } = options;
  const assigner = createNearestAssigner(idc);
  const consumer = kafka.consumer({
    groupId: group,
    // The second one for groups with members that do not know ours.
    partitionAssigners: [assigner.create, kafkajs.PartitionAssigners.roundRobin],
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatEveryMs,
    maxWaitTimeInMs: fetchWaitMsMax,
    metadataMaxAge: metadataAgeMsMax,
    allowAutoTopicCreation: false,
    rackId: idc,
    // It ends instead, and is opened anew by whoever knows where the topic is now.
    retry: { ...retry, restartOnFailure: async () => false },
  });
  const admin = kafka.admin({ retry });
  const failed = Promise.withResolvers<unknown>();
  consumer.on("consumer.group_join", ({ payload }) => {
    assigner.assigned(payload.memberAssignment);
    options.onAllocator?.(payload.groupProtocol);
  });
  consumer.on("consumer.crash", ({ payload }: ConsumerCrashEvent) => failed.resolve(payload.error));
  const close = async (): Promise<void> => {
    await inTime(Promise.allSettled([consumer.disconnect(), admin.disconnect()]));
  };
  try {
    await Promise.all([consumer.connect(), admin.connect()]);
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      partitionsConsumedConcurrently: partitionsMax,
      autoCommitInterval: heartbeatEveryMs,
      eachMessage: (payload) => deliver(payload, options),
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { failed: failed.promise, lag: () => lagOf(admin, { topic, group }), close };
}

/** The group keeps its member for as long as the message takes. */
async function deliver(
  payload: EachMessagePayload,
  { place, topic, deliver: give }: ConsumerLinkOptions,
): Promise<void> {
  const { partition, message, heartbeat } = payload;
  const incoming: IncomingMessage = {
    topic,
    cluster: place.cluster,
    key: message.key,
    value: message.value ?? Buffer.alloc(0),
    headers: textHeaders(message.headers ?? {}),
    position: `${partition}:${message.offset}`,
  };
  // A heartbeat that fails tells of a rebalance, which ends the batch after this message.
  const beating = setInterval(() => heartbeat().catch(() => {}), heartbeatEveryMs);
  try {
    await give(incoming);
  } finally {
    clearInterval(beating);
  }
}

function textHeaders(headers: IHeaders): Record<string, string> {
  const texts = Object.entries(headers).map(([name, value]): [string, string] => {
    const [first = ""] = Array.isArray(value) ? value : [value];
    return [name, first.toString()];
  });
  return Object.fromEntries(texts);
}

/** Of all partitions together. */
async function lagOf(admin: Admin, { topic, group }: { topic: string; group: string }): Promise<bigint> {
  const [ends, read] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
  ]);
  const offsets = new Map(
    read.flatMap(({ partitions }) => partitions.map(({ partition, offset }) => [partition, offset])),
  );
  return ends.reduce((sum, { partition, high, low }) => {
    const at = BigInt(offsets.get(partition) ?? -1);
    const from = at < BigInt(low) ? BigInt(low) : at;
    return sum + (BigInt(high) > from ? BigInt(high) - from : 0n);
  }, 0n);
}

/** kafkajs wraps the brokers' word in errors of its own. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { type } = error as { readonly type?: unknown };
  return (typeof type === "string" && refusals.has(type)) || isRefusal(error.cause);
}

function refused(topic: string, cause: unknown): SdkError {
  const hint = "Another attempt would be refused as well: change the message, or the topic's settings and rights";
  return new SdkError("SDK_SEND_REFUSED", `The brokers of ${topic} refuse it: ${messageOf(cause)}`, { hint, cause });
}

/** kafkajs waits for brokers that may never answer. */
async function inTime(closing: Promise<unknown>): Promise<void> {
  await untilAborted(closing, AbortSignal.timeout(closeMsMax)).catch(() => {});
}
