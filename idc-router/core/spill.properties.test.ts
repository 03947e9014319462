import fc from "fast-check";
import { expect, test } from "vitest";
import { type Level, spill } from "./spill.ts";

const level: fc.Arbitrary<Level> = fc
  .record({ total: fc.integer({ min: 0, max: 50 }), part: fc.double({ min: 0, max: 1, noNaN: true }), limit: limits() })
  .map(({ total, part, limit }) => ({ total, available: Math.round(total * part), limit }));
const levels = fc.array(level, { minLength: 1, maxLength: 5 });
const factor = fc.double({ min: 1, max: 3, noNaN: true });

function limits(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constant(1),
    fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  );
}

const sumOf = (shares: readonly number[]): number => shares.reduce((all, share) => all + share, 0);

test("all of the load is given out, or none when nobody can take any", () => {
  fc.assert(
    fc.property(levels, factor, (all, overprovision) => {
      const shares = spill(all, overprovision);
      const isAnybody = all.some(({ available, total, limit }) => total > 0 && available > 0 && limit > 0);
      expect(sumOf(shares)).toBeCloseTo(isAnybody ? 1 : 0, 6);
      for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("who gets better takes no less, and those behind take no more", () => {
  fc.assert(
    fc.property(levels, factor, fc.nat(), fc.integer({ min: 1, max: 20 }), (all, overprovision, place, more) => {
      const nth = place % all.length;
      const better = all.map((one, index) =>
        index === nth ? { ...one, available: Math.min(one.total, one.available + more) } : one,
      );
      const before = spill(all, overprovision);
      const after = spill(better, overprovision);
      expect(after[nth]).toBeGreaterThanOrEqual((before[nth] ?? 0) - 1e-6);
      const behind = (shares: readonly number[]): number => sumOf(shares.slice(nth + 1));
      expect(behind(after)).toBeLessThanOrEqual(behind(before) + 1e-6);
    }),
  );
});

/** Health of the first level in per cent, and the load in per cent of both, as Envoy's page on priority levels has them. */
test.each([
  [100, 100, 100, 0],
  [72, 72, 100, 0],
  [71, 71, 99, 1],
  [50, 50, 70, 30],
  [25, 100, 35, 65],
  [25, 25, 50, 50],
  [0, 100, 0, 100],
])("with %i%% and %i%% of the sets available the load is %i : %i", (one, other, first, second) => {
  const shares = spill(
    [
      { available: one, total: 100, limit: 1 },
      { available: other, total: 100, limit: 1 },
    ],
    1.4,
  );
  expect(Math.abs((shares[0] ?? 0) * 100 - first)).toBeLessThan(1);
  expect(Math.abs((shares[1] ?? 0) * 100 - second)).toBeLessThan(1);
});

test("an IDC with half the weight takes half", () => {
  const whole = { available: 2, total: 2 };
  expect(
    spill(
      [
        { ...whole, limit: 0.5 },
        { ...whole, limit: 1 },
      ],
      1.4,
    ),
  ).toEqual([0.5, 0.5]);
});
