import fc from "fast-check";
import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { burstMs, createRate } from "./rate.ts";

const at = (ms: number): Instant => ms as Instant;

test("without a limit everything may go", () => {
  const rate = createRate(Number.POSITIVE_INFINITY);
  rate.spend(1_000_000, at(0));
  expect(rate.allowance(at(0))).toBe(Number.POSITIVE_INFINITY);
});

test("a part of an operation is saved up until it is one", () => {
  const rate = createRate(1);
  rate.spend(rate.allowance(at(0)), at(0));
  expect([300, 499, 500].map((ms) => rate.allowance(at(ms)))).toEqual([0, 0, 1]);
});

test("a long rest saves up no more than a burst", () => {
  const rate = createRate(1_000);
  rate.spend(rate.allowance(at(0)), at(0));
  expect(rate.allowance(at(3_600_000))).toBe(burstMs + 1);
});

test("in no span of time goes more than the rate and one burst; and nothing is lost while there is something to send", () => {
  const looks = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: burstMs }), wanted: fc.integer({ min: 0, max: 5_000 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), looks, fc.boolean(), (perSecond, steps, greedy) => {
      const rate = createRate(perSecond);
      const spent: { ms: number; count: number }[] = [];
      let ms = 0;
      for (const { afterMs, wanted } of steps) {
        ms += afterMs;
        const allowed = rate.allowance(at(ms));
        expect(allowed).toBeGreaterThanOrEqual(0);
        const count = greedy ? allowed : Math.min(wanted, allowed);
        rate.spend(count, at(ms));
        spent.push({ ms, count });
      }
      const sumFrom = (first: number) => spent.slice(first).reduce((sum, { count }) => sum + count, 0);
      for (const [first, { ms: from }] of spent.entries()) {
        expect(sumFrom(first)).toBeLessThanOrEqual((perSecond * (ms - from + burstMs)) / 1_000 + 1);
      }
      if (greedy && spent.length > 0) expect(sumFrom(0)).toBeGreaterThan((perSecond * ms) / 1_000 - 1);
    }),
  );
});
