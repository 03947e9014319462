import { expect, test } from "vitest";
import type { Acked, Producer } from "../load/history.ts";
import { ackTimesOf, checkGap, longestBetween } from "./gap.ts";
import { ack, unanswered } from "./made.ts";

const producers: Producer[] = [
  { name: "p1", site: "idc1", pinned: undefined },
  { name: "p2", site: "idc2", pinned: undefined },
  { name: "probe", site: "idc1", pinned: "b:1" },
];
const watch = { faultAt: 1_000, endAt: 5_000, old: "a:1" };

/** One every 10 ms. */
function acks(producer: string, broker: string, fromMs: number, untilMs: number): Acked[] {
  return Array.from({ length: (untilMs - fromMs) / 10 }, (_, nth) => {
    const sentAt = fromMs + nth * 10;
    return ack(`${producer} ${sentAt}`, sentAt, { producer, broker });
  });
}

test("the gap is from the last acknowledgement before to the first one after, and its begin is told from the fault on", () => {
  const sends = [...acks("p1", "a:1", 0, 1_000), ...acks("p1", "b:1", 3_000, 5_000)];
  expect(checkGap({ producers, sends }, watch).all).toEqual({ ms: 3_005 - 995, fromMs: -5 });
});

test("each site has its own gap: who cannot reach the new master is not hidden behind who can", () => {
  const sends = [...acks("p1", "a:1", 0, 1_000), ...acks("p2", "a:1", 0, 1_000), ...acks("p2", "b:1", 1_200, 5_000)];
  const { all, bySite } = checkGap({ producers, sends }, watch);
  expect(all.ms).toBe(210);
  expect(bySite).toEqual({ idc1: { ms: 4_005, fromMs: -5 }, idc2: { ms: 210, fromMs: -5 } });
});

test("what pinned producers get through counts for the set, and for no site", () => {
  const sends = [...acks("p1", "a:1", 0, 1_000), ...acks("probe", "b:1", 1_100, 5_000)];
  const { all, bySite } = checkGap({ producers, sends }, watch);
  expect(all.ms).toBe(110);
  expect(bySite["idc1"]?.ms).toBe(4_005);
});

test("a gap that never ends lasts to the end of the watch", () => {
  expect(checkGap({ producers, sends: acks("p1", "a:1", 0, 2_000) }, watch).all).toEqual({ ms: 3_005, fromMs: 995 });
  expect(checkGap({ producers, sends: [] }, watch).all).toEqual({ ms: 4_000, fromMs: 0 });
});

test("the first write accepted elsewhere is one that was sent after the fault, by another broker", () => {
  const sends = [
    ...acks("p1", "a:1", 0, 1_500),
    ack("before", 990, { broker: "b:1", answeredAt: 1_100 }),
    unanswered("refused", 1_600, 1),
    ack("first", 1_700, { broker: "b:1" }),
    ack("second", 1_710, { broker: "b:1" }),
  ];
  expect(checkGap({ producers, sends }, watch).movedMs).toBe(705);
  expect(checkGap({ producers, sends: acks("p1", "a:1", 0, 5_000) }, watch).movedMs).toBeNull();
});

test("the old master's last acknowledgement is the last one before another broker's first", () => {
  const sends = [
    ...acks("p1", "a:1", 0, 1_000),
    ack("first elsewhere", 1_700, { broker: "b:1" }),
    ack("stale", 1_800, { broker: "a:1" }),
  ];
  expect(checkGap({ producers, sends }, watch).lastMs).toBe(-5);
  expect(checkGap({ producers, sends: acks("p1", "b:1", 0, 1_000) }, watch).lastMs).toBeNull();
});

test("between acknowledgements the longest time is the first of the longest, and neither refusals nor silence end it", () => {
  const sends = [
    ack("4", 300),
    ack("1", 0),
    unanswered("2", 100),
    unanswered("3", 100, 1),
    ack("5", 600),
    ack("6", 700),
  ];
  expect(longestBetween(ackTimesOf(sends))).toEqual({ ms: 300, from: 5 });
});

test("fewer than two moments have no time between them", () => {
  expect(longestBetween([])).toMatchObject({ ms: 0 });
  expect(longestBetween([7])).toEqual({ ms: 0, from: 7 });
});
