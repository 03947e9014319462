import { expect, test } from "vitest";
import { ack, unanswered } from "./made.ts";
import type { Reign } from "./reigns.ts";
import { checkStale } from "./stale.ts";

const [a, b] = ["a:1", "b:1"];

/** Each reign is seen every 100 ms from its begin to the next one's. */
function reigns(...begins: readonly (readonly [broker: string, fromMs: number])[]): Reign[] {
  return begins.map(([broker, fromMs], nth) => ({
    epoch: nth + 1,
    broker,
    firstSeenAt: fromMs + 50,
    lastSeenAt: (begins[nth + 1]?.[1] ?? fromMs + 10_000) - 50,
  }));
}

function acks(broker: string, fromMs: number, untilMs: number) {
  return Array.from({ length: (untilMs - fromMs) / 10 }, (_, nth) =>
    ack(`${broker} ${fromMs + nth * 10}`, fromMs + nth * 10, { broker }),
  );
}

test("one master after the other, to and fro, is as it should be", () => {
  const history = [...acks(a, 0, 1_000), ...acks(b, 1_200, 2_000), ...acks(a, 2_200, 3_000)];
  expect(checkStale(history, reigns([a, 0], [b, 1_100], [a, 2_100]))).toEqual({ acks: [], spanMs: 0, late: 0 });
});

test("what the old master acknowledges after the new one's first acknowledgement is stale, with its span", () => {
  const history = [...acks(a, 0, 1_000), ...acks(b, 1_200, 2_000), ...acks(a, 1_500, 1_520)];
  const { acks: stale, spanMs } = checkStale(history, reigns([a, 0], [b, 1_100]));
  expect(stale.map(({ id }) => id)).toEqual(["a:1 1500", "a:1 1510"]);
  expect(spanMs).toBe(1_515 - 1_205);
});

test("an old master that comes back after the new one was elected is stale even long after", () => {
  const history = [...acks(a, 0, 1_000), ...acks(b, 1_200, 2_000), ...acks(a, 9_000, 9_010)];
  expect(checkStale(history, reigns([a, 0], [b, 1_100])).acks).toHaveLength(1);
});

test("what was sent before the new master's first acknowledgement is late, not stale: nobody could know of it", () => {
  const history = [...acks(a, 0, 1_300), ...acks(b, 1_300, 2_000)];
  expect(checkStale(history, reigns([a, 0], [b, 1_100]))).toEqual({ acks: [], spanMs: 0, late: 0 });
  const late = ack("late", 1_290, { answeredAt: 1_900 });
  expect(checkStale([...history, late], reigns([a, 0], [b, 1_100]))).toEqual({ acks: [], spanMs: 0, late: 1 });
  const stale = ack("stale", 1_310, { answeredAt: 1_900 });
  expect(checkStale([...history, late, stale], reigns([a, 0], [b, 1_100]))).toMatchObject({ acks: [stale], late: 1 });
});

test("refusals and silence of an old master are what is wanted", () => {
  const history = [
    ...acks(a, 0, 1_000),
    ...acks(b, 1_200, 2_000),
    unanswered("code 12", 1_500, 12),
    unanswered("-", 1_600),
  ];
  expect(checkStale(history, reigns([a, 0], [b, 1_100])).acks).toEqual([]);
});

test("the second master of three is stale as soon as the third acknowledges, and the first as soon as the second does", () => {
  const history = [...acks(a, 0, 1_000), ...acks(b, 1_200, 2_000), ...acks("c:1", 2_200, 3_000)];
  const three = reigns([a, 0], [b, 1_100], ["c:1", 2_100]);
  expect(checkStale([...history, ...acks(b, 2_500, 2_510)], three).acks).toHaveLength(1);
  expect(checkStale([...history, ...acks(a, 1_500, 1_510)], three).acks).toHaveLength(1);
});

test("a broker that acknowledges without ever having been named master is stale from the first", () => {
  expect(checkStale([...acks(a, 0, 1_000), ...acks(b, 500, 520)], reigns([a, 0])).acks).toHaveLength(2);
});

test("a master that is named anew under the next epoch goes on", () => {
  expect(checkStale(acks(a, 0, 3_000), reigns([a, 0], [a, 1_000])).acks).toEqual([]);
});

test("a new master may acknowledge before its election was seen", () => {
  const [first, second] = reigns([a, 0], [b, 1_100]);
  if (first === undefined || second === undefined) throw new Error("there are two");
  const seenLate = [first, { ...second, firstSeenAt: 1_900 }];
  const history = [...acks(a, 0, 1_000), ...acks(b, 1_120, 2_000)];
  expect(checkStale(history, seenLate).acks).toEqual([]);
});
