import { expect, test } from "vitest";
import type { QueueEntry, TopicEntry, TopicName } from "./model.ts";
import { changeTopics, foldTopic, forgetQueues } from "./topics.ts";

const topic = { cluster: "C1", topic: "orders" };
const seenQueue = (set: string) => ({ set, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 });
const queue = (set: string, goneSince: number | null = null): QueueEntry => ({ ...seenQueue(set), goneSince });
const entryOf = (...queues: QueueEntry[]): TopicEntry => ({ ...topic, queues, orderConf: "bs1:4", staticBody: null });
const seenAs = (...sets: string[]) => ({ orderConf: "bs1:4", staticBody: null, queues: sets.map(seenQueue) });
const wall = 7_000;

test("queues stand in the order of their sets' names, however they are told", () => {
  const names = (...sets: string[]) => foldTopic(undefined, { ...topic, seen: seenAs(...sets) }, wall)?.queues;
  expect(names("bs3", "bs1", "bs2")?.map(({ set }) => set)).toEqual(["bs1", "bs2", "bs3"]);
});

test("an entry is the same object while a name server says the same of it", () => {
  const before = entryOf(queue("bs1"), queue("bs2"));
  expect(foldTopic(before, { ...topic, seen: seenAs("bs2", "bs1") }, wall)).toBe(before);
});

test.each([
  { orderConf: "bs1:8" },
  { staticBody: "{}" },
  { queues: [seenQueue("bs1")] },
  { queues: ["bs1", "bs2", "bs3"].map(seenQueue) },
  { queues: [seenQueue("bs1"), { ...seenQueue("bs2"), perm: 4 }] },
  { queues: [seenQueue("bs1"), { ...seenQueue("bs2"), readQueues: 8 }] },
  { queues: [seenQueue("bs1"), { ...seenQueue("bs2"), writeQueues: 8 }] },
  { queues: [seenQueue("bs1"), { ...seenQueue("bs2"), topicSysFlag: 1 }] },
])("an entry of which a name server says something new is another one: %o", (other) => {
  const before = entryOf(queue("bs1"), queue("bs2"));
  const seen = { ...seenAs("bs1", "bs2"), ...other };
  const now = foldTopic(before, { ...topic, seen }, wall);
  expect(now).not.toBe(before);
  expect(now).toMatchObject({ orderConf: seen.orderConf, staticBody: seen.staticBody });
  expect(now?.queues.filter(({ goneSince }) => goneSince === null)).toMatchObject(seen.queues);
});

test("what is denied stays with the time of the first denial, and all else that was known with it", () => {
  const before = entryOf(queue("bs1"), queue("bs2", 3_000));
  const denied = foldTopic(before, { ...topic, seen: null }, wall);
  expect(denied).toEqual(entryOf(queue("bs1", wall), queue("bs2", 3_000)));
  expect(foldTopic(denied, { ...topic, seen: null }, wall + 1)).toBe(denied);
  expect(foldTopic(undefined, { ...topic, seen: null }, wall)).toBeUndefined();
});

test("what is gone is forgotten after its time, and the topic with the last of it", () => {
  const entry = entryOf(queue("bs1"), queue("bs2", 1_000));
  expect(forgetQueues(entry, { wall: 1_500, afterMs: 500 })).toBe(entry);
  expect(forgetQueues(entry, { wall: 1_501, afterMs: 500 })).toEqual(entryOf(queue("bs1")));
  expect(forgetQueues(entryOf(queue("bs2", 1_000)), { wall: 1_501, afterMs: 500 })).toBeUndefined();
});

test("topics are the same map while no entry has changed", () => {
  const name = "C1/orders" as TopicName;
  const entry = entryOf(queue("bs1"));
  const topics = new Map([[name, entry]]);
  expect(changeTopics(topics, new Map([[name, entry]]))).toBe(topics);
  const other = entryOf(queue("bs2"));
  expect(changeTopics(topics, new Map([[name, other]]))).toEqual(new Map([[name, other]]));
  expect(changeTopics(topics, new Map([[name, undefined]]))).toEqual(new Map());
  expect(topics.get(name)).toBe(entry);
});
