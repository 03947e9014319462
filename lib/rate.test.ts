import { expect, test } from "vitest";
import type { Clock, Instant } from "./clock.ts";
import { createRateLimit } from "./rate.ts";

test("a client may burst, then as often as it is refilled; others are not held up by it", () => {
  let now = 0;
  const clock: Clock = { now: () => now as Instant, wallTime: () => now, sleep: async () => {}, after: () => () => {} };
  const limit = createRateLimit({ perSecond: 10, clock });
  const taken = (client: string, tries: number): number =>
    Array.from({ length: tries }, () => limit.take(client)).filter(Boolean).length;
  expect(taken("a", 100)).toBe(20);
  expect(taken("b", 5)).toBe(5);
  now += 500;
  expect(taken("a", 100)).toBe(5);
  now += 60_000;
  expect(taken("a", 100)).toBe(20);
});
