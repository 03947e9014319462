import { expect, test } from "vitest";
import { run } from "./run.ts";

/** SEED=<n> replays a single one. */
const seedsMax = 100;
/** The machine may have other things to do. */
const testMsMax = 300_000;
const seed = process.env["SEED"];

if (seed === undefined) {
  test(
    `whatever happens to its sources, a router shows nobody who was replaced, and never nobody (seeds 1 to ${seedsMax})`,
    () => {
      const outcomes = Array.from({ length: seedsMax }, (_, nth) => run(nth + 1));
      const sum = (of: (outcome: (typeof outcomes)[number]) => number): number =>
        outcomes.reduce((all, outcome) => all + of(outcome), 0);
      // Lives in which nothing changes would keep any promise.
      expect(sum(({ failovers }) => failovers)).toBeGreaterThan(seedsMax * 3);
      expect(sum(({ restarts }) => restarts)).toBeGreaterThan(seedsMax);
      expect(sum(({ restores }) => restores)).toBeGreaterThan(seedsMax / 10);
      expect(sum(({ tables }) => tables)).toBeGreaterThan(seedsMax * 10);
    },
    testMsMax,
  );
} else {
  test(`seed ${seed}`, () => {
    expect(run(Number(seed)).tables).toBeGreaterThan(0);
  });
}
