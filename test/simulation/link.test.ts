import { expect, test } from "vitest";
import { run } from "./run.ts";

/** About 10 ms each on one core. SEED=<n> replays a single one. */
const seedsMax = 1_500;
const seedsPerTest = 300;
const replayed = 10;

const seed = process.env["SEED"];

if (seed === undefined) {
  for (let first = 1; first <= seedsMax; first += seedsPerTest) {
    const last = first + seedsPerTest - 1;
    test(`whatever happens to a link, it keeps its promises (seeds ${first} to ${last})`, () => {
      const stopped: (string | undefined)[] = [];
      for (let one = first; one <= last; one++) stopped.push(run(one).stopped);
      // Lives that end at once would keep any promise.
      expect(stopped.filter((code) => code === undefined).length).toBeGreaterThan(seedsPerTest / 2);
      expect(stopped).toContain("fenced");
    });
  }

  test("the same seed gives the same commands", () => {
    for (let one = 1; one <= replayed; one++) expect(run(one, { hash: true })).toEqual(run(one, { hash: true }));
  });
} else {
  test(`a link keeps its promises in the life drawn from seed ${seed}`, () => {
    run(Number(seed));
  });
}
