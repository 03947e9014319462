import { expect, test } from "vitest";
import { cluster, type TestRouter, twoSets } from "../core/router.fixture.ts";
import { createSlots } from "./slots.ts";
import { isKept } from "./testing/kept.ts";

function slotsOf(router: TestRouter) {
  let made = 0;
  const slots = createSlots({
    table: () => router.table,
    answers: { rules: [], orderOf: (idc) => [idc, "idc2"], clusters: [cluster] },
    // It is looked at each time that an answer is worked out.
    wallTime: () => {
      made += 1;
      return 0;
    },
    slotsMax: 100,
  });
  return { answer: (topic: string) => slots.answer(topic, "idc1"), made: () => made };
}

test("what changes elsewhere leaves an answer as it is, and it is not worked out again", () => {
  const router = twoSets();
  const slots = slotsOf(router);
  const answer = slots.answer("orders");
  const { revision } = router.table;
  router.topic("pay", "bs1");
  router.tell({ kind: "homes", homes: [{ topic: "pay", cluster, zxid: 1n }] });
  expect(router.table.revision).toBeGreaterThan(revision);
  expect(slots.answer("orders")).toBe(answer);
  expect(slots.made()).toBe(1);
});

test.each<[string, (router: TestRouter) => void]>([
  ["a set that loses its master", (router) => void router.show({ bs1: null, bs2: "idc2:1" })],
  ["queues of the topic", (router) => router.topic("orders", "bs2")],
  ["a cluster whose name servers are silent", (router) => router.silence()],
  [
    "a wish of operators",
    (router) => {
      const wish = { schema: 1, idc: "idc1", state: "drained", weight: 100, epoch: 1, reason: "a drill", at: 0 };
      router.tell({ kind: "ledgerChanged", key: "idcs/idc1", text: JSON.stringify(wish), revision: 1n });
    },
  ],
])("%s makes another answer", (_name, change) => {
  const router = twoSets();
  const slots = slotsOf(router);
  const answer = slots.answer("orders");
  change(router);
  expect(slots.answer("orders")).not.toBe(answer);
  expect(slots.made()).toBe(2);
});

test("an answer that nobody asks for any more keeps nothing of the table but what it says", async () => {
  const router = twoSets();
  const slots = slotsOf(router);
  slots.answer("orders");
  const old = [router.table, router.table.sets, router.table.topics].map((part) => new WeakRef(part));
  router.topic("pay", "bs1");
  router.show({ bs1: null, bs2: "idc2:1" });
  slots.answer("pay");
  for (const part of old) expect(await isKept(part)).toBe(false);
});
