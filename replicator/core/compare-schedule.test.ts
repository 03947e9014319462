import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { createCompareSchedule } from "./compare-schedule.ts";

const at = (ms: number): Instant => ms as Instant;
const create = () => createCompareSchedule({ compareEveryMs: 1_000, pollEveryMs: 100 });
const compared = { sourceNodes: 3, targetNodes: 2, differences: 1, tookMs: 5 };

test("none is due before the first one, which the link begins by itself", () => {
  expect(create().isDue(at(1e12))).toBe(false);
});

test.for([
  ["recursive", 1_000],
  ["polling", 100],
] as const)("with a %s watch the next one is due %i ms after the last one's end", ([watch, everyMs]) => {
  const schedule = create();
  schedule.begun();
  schedule.ended(compared, watch, at(500));
  expect(schedule.isDue(at(500 + everyMs - 1))).toBe(false);
  expect(schedule.isDue(at(500 + everyMs))).toBe(true);
  schedule.begun();
  expect(schedule.isDue(at(500 + everyMs))).toBe(false);
});

test("one that is asked for while another runs is due at its end", () => {
  const schedule = create();
  schedule.begun();
  schedule.want();
  schedule.ended(compared, "recursive", at(500));
  expect(schedule.isDue(at(500))).toBe(true);
  schedule.begun();
  expect(schedule.isDue(at(500))).toBe(false);
});

test("the last one is told with its end", () => {
  const schedule = create();
  expect(schedule.last).toBeUndefined();
  schedule.ended(compared, "recursive", at(500));
  expect(schedule.last).toEqual({ at: 500, ...compared });
});
