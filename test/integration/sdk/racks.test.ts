import { setTimeout as delay } from "node:timers/promises";
import { Kafka, logLevel, PartitionAssigners } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nearestAllocator } from "#lib/telemetry.ts";
import type { ConsumerLink } from "../../../sdk/driver.ts";
import { createKafkaDriver } from "../../../sdk/kafka/driver.ts";
import { eventually } from "../harness/eventually.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";

/** Our partition assigner in kafkajs, on a real Kafka of three brokers, each in a rack of its own. */

const racks = ["idc1", "idc2", "idc3"];
const partitions = 12;
const settleMsMax = 40_000;

let kafka: KafkaCluster;
let address: readonly string[];
beforeAll(async () => {
  kafka = await startKafka(racks);
  address = kafka.addresses;
}, 120_000);
afterAll(() => kafka?.[Symbol.asyncDispose]());

interface Member extends AsyncDisposable {
  readonly idc: string;
  /** By partition, what it got since the last reset. */
  readonly got: Map<number, number>;
  /** What the group agreed on, each time that it did. */
  readonly allocators: string[];
}

async function join(group: string, idc: string): Promise<Member> {
  const got = new Map<number, number>();
  const allocators: string[] = [];
  const link: ConsumerLink = await createKafkaDriver({}).openConsumer({
    place: { kind: "kafka", cluster: "K1", idc, bootstrap: address },
    topic: "orders",
    group,
    idc,
    onAllocator: (allocator) => void allocators.push(allocator),
    deliver: async ({ position }) => {
      const partition = Number(position.split(":")[0]);
      got.set(partition, (got.get(partition) ?? 0) + 1);
    },
  });
  return { idc, got, allocators, [Symbol.asyncDispose]: () => link.close() };
}

test("members read what their own IDC leads, all of it is read, and only what one leaves behind moves", async () => {
  const client = new Kafka({ brokers: [...address], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "orders", numPartitions: partitions }], waitForLeaders: true });
  const { topics } = await admin.fetchTopicMetadata({ topics: ["orders"] });
  const { brokers } = await admin.describeCluster();
  // A new cluster makes the topic of its groups now. Until it is loaded a link would fail, and nobody opens it anew here.
  await eventually(() => admin.fetchOffsets({ groupId: "g", topics: ["orders"] }), { withinMs: settleMsMax });
  await admin.disconnect();
  const rackOf = new Map(brokers.map(({ nodeId, port }) => [nodeId, racks[address.indexOf(`127.0.0.1:${port}`)]]));
  const leaders = new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, rackOf.get(leader)]));
  expect(leaders.size).toBe(partitions);

  const producer = client.producer();
  await producer.connect();
  const stop = new AbortController();
  const sending = (async () => {
    while (!stop.signal.aborted) {
      const messages = Array.from({ length: partitions }, (_, partition) => ({ partition, value: "x" }));
      await producer.send({ topic: "orders", messages });
      await delay(50);
    }
  })();

  await using members = new AsyncDisposableStack();
  const here = members.use(await join("g", "idc1"));
  const here2 = members.use(await join("g", "idc1"));
  const there = members.use(await join("g", "idc2"));
  const all = [here, here2, there];

  /** Who reads what now: by member, sorted. */
  async function reading(): Promise<number[][]> {
    for (const { got } of all) got.clear();
    await delay(1_500);
    return all.map(({ got }) => [...got.keys()].toSorted((one, other) => one - other));
  }
  const ledBy = (rack: string): number[] => [...leaders].filter(([, each]) => each === rack).map(([each]) => each);

  const first = await eventually(
    async () => {
      const now = await reading();
      // Until all of them have joined, those that have read everything.
      expect(now.map(({ length }) => length > 0)).toEqual([true, true, true]);
      expect(now.flat().toSorted((one, other) => one - other)).toEqual([...leaders.keys()].toSorted((a, b) => a - b));
      return now;
    },
    { withinMs: settleMsMax },
  );
  const [one = [], two = [], three = []] = first;
  const near = [...one, ...two].filter((partition) => leaders.get(partition) === "idc1");
  expect(near.toSorted((a, b) => a - b)).toEqual(ledBy("idc1").toSorted((a, b) => a - b));
  expect(three).toEqual(expect.arrayContaining(ledBy("idc2")));
  // idc3 has no member: its partitions make up for what the others have less.
  const sizes = first.map(({ length }) => length);
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);

  await here2[Symbol.asyncDispose]();
  const second = await eventually(
    async () => {
      const now = await reading();
      expect(now.flat().toSorted((a, b) => a - b)).toEqual([...leaders.keys()].toSorted((a, b) => a - b));
      return now;
    },
    { withinMs: settleMsMax },
  );
  expect(second[0]).toEqual(expect.arrayContaining(one));
  expect(second[2]).toEqual(expect.arrayContaining(three));
  console.log(`by member: ${JSON.stringify(first)}, and after the second of idc1 has left: ${JSON.stringify(second)}`);
  expect(here.allocators.at(-1)).toBe(nearestAllocator);

  // A member that knows nothing of it: Kafka takes what all of them know, and that is told.
  const stranger = client.consumer({ groupId: "g", partitionAssigners: [PartitionAssigners.roundRobin] });
  await stranger.connect();
  await stranger.subscribe({ topics: ["orders"] });
  await stranger.run({ eachMessage: async () => {} });
  await eventually(() => expect(here.allocators.at(-1)).toBe("RoundRobinAssigner"), { withinMs: settleMsMax });
  await stranger.disconnect();
  await eventually(() => expect(here.allocators.at(-1)).toBe(nearestAllocator), { withinMs: settleMsMax });
  stop.abort();
  await sending;
  await producer.disconnect();
});
