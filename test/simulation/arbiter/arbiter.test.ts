import { expect, test } from "vitest";
import { run } from "./run.ts";

/** SEED=<n> replays a single one. */
const seedsMax = 200;
const seedsPerTest = 50;
const calmSeedsMax = 50;
const replayed = 3;
/** The machine may have other things to do. */
const testMsMax = 300_000;

const seed = process.env["SEED"];

if (seed === undefined) {
  for (let first = 1; first <= seedsMax; first += seedsPerTest) {
    const last = first + seedsPerTest - 1;
    test(
      `whatever happens to a broker set, one master, and nothing acknowledged is lost (seeds ${first} to ${last})`,
      () => {
        let acked = 0;
        let failovers = 0;
        let switches = 0;
        let returns = 0;
        for (let one = first; one <= last; one++) {
          const outcome = run(one);
          returns += outcome.returns;
          acked += outcome.acked;
          failovers += outcome.failovers;
          switches += outcome.switches;
        }
        // Lives without messages or decisions would keep any promise.
        expect(acked).toBeGreaterThan(seedsPerTest * 300);
        expect(failovers).toBeGreaterThan(seedsPerTest / 2);
        expect(switches).toBeGreaterThan(seedsPerTest);
        expect(returns).toBeGreaterThan(seedsPerTest / 8);
      },
      testMsMax,
    );
  }

  test(
    `with RocketMQ's default settings a switch loses nothing, whatever happens to arbiters (seeds 1 to ${calmSeedsMax})`,
    () => {
      let switches = 0;
      for (let one = 1; one <= calmSeedsMax; one++) switches += run(one, { calm: true }).switches;
      expect(switches).toBeGreaterThan(calmSeedsMax * 3);
    },
    testMsMax,
  );

  test("the same seed gives the same life", () => {
    for (let one = 1; one <= replayed; one++) expect(run(one).hash).toBe(run(one).hash);
  });
} else {
  test(`seed ${seed}`, () => {
    expect(run(Number(seed), { trace: true }).acked).toBeGreaterThan(0);
  });
}
