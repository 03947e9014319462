import { describe, expect, test } from "vitest";
import { hunt, plant, plantedBugs, scratchCopy } from "./planted.ts";

/** CROSSIDC_FULL=1: every planted bug is hunted. Otherwise those that few seeds show. */
const isFull = process.env["CROSSIDC_FULL"] === "1";
const seedsMax = 2_000;
const huntMsMax = 600_000;
const bugsMin = 30;
const usual = [
  "brake-off-by-one",
  "effect-before-commit",
  "epoch-reused",
  "fence-is-not-checked",
  "one-site-confirms",
  "table-goes-back",
];

const bugs = await plantedBugs();

test("there are enough of them, and each says what it breaks", () => {
  expect(bugs.length).toBeGreaterThanOrEqual(bugsMin);
  for (const { name, breaks } of bugs) expect(breaks, name).toMatch(/^[A-Z].{20,}[^.]$/);
  expect(bugs.map(({ name }) => name)).toEqual(expect.arrayContaining(usual));
});

test(
  "each fits the sources as they are",
  async () => {
    await using copy = await scratchCopy();
    for (const bug of bugs) await plant(bug, copy.path, { onlyTry: true });
  },
  huntMsMax,
);

describe(`the simulation catches, within ${seedsMax} seeds, or where the patch says so the core's own tests:`, () => {
  for (const bug of bugs.filter(({ name }) => isFull || usual.includes(name))) {
    test(
      `${bug.name}: ${bug.breaks}`,
      async ({ signal }) => {
        const caught = await hunt(bug, { seedsMax, signal });
        expect(caught, "nothing noticed it").not.toBeNull();
        const by = caught?.seed === null ? bug.tests : `seed ${caught?.seed}`;
        console.log(`${bug.name}: ${by}: ${caught?.violation}`);
      },
      huntMsMax,
    );
  }
});
