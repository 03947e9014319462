import fc from "fast-check";
import { expect, test } from "vitest";
import { type FaultName, faultNames } from "./names.ts";
import { type Planned, scheduleOf } from "./schedule.ts";

const seeds = fc.integer();
const choices = fc.shuffledSubarray([...faultNames], { minLength: 1 });
const counts = fc.integer({ min: 0, max: 60 });

test("the same seed gives the same faults with the same targets", () => {
  fc.assert(
    fc.property(seeds, choices, counts, (seed, faults, count) => {
      expect(scheduleOf(seed, faults, count)).toEqual(scheduleOf(seed, faults, count));
    }),
  );
});

test("a longer run begins as a shorter one does", () => {
  fc.assert(
    fc.property(seeds, choices, counts, counts, (seed, faults, count, more) => {
      expect(scheduleOf(seed, faults, count + more).slice(0, count)).toEqual(scheduleOf(seed, faults, count));
    }),
  );
});

test("each fault comes once before any comes again", () => {
  fc.assert(
    fc.property(seeds, choices, (seed, faults) => {
      const planned = scheduleOf(seed, faults, 2 * faults.length).map(({ fault }) => fault);
      expect(planned.slice(0, faults.length).toSorted()).toEqual(faults.toSorted());
      expect(planned.slice(faults.length).toSorted()).toEqual(faults.toSorted());
    }),
  );
});

test("different seeds give different runs", () => {
  const runs = Array.from({ length: 100 }, (_, seed) => JSON.stringify(scheduleOf(seed, faultNames, 21)));
  expect(new Set(runs).size).toBe(100);
});

const minorities: readonly FaultName[] = ["minor-kill", "minor-suspend"];
const majorities: readonly FaultName[] = ["major-kill", "major-suspend"];

test("a minority is one broker of three, a majority two; the fixed one is always the same", () => {
  forEachPlanned(({ fault, brokers }) => {
    if (minorities.includes(fault)) expect(brokers).toHaveLength(1);
    if (majorities.includes(fault)) expect(brokers).toHaveLength(2);
    if (fault.startsWith("fixed-")) expect(brokers.every((broker) => broker === 0)).toBe(true);
    expect(new Set(brokers).size).toBe(brokers.length);
  });
});

test("in a ring of majorities each site hears another one, and no two hear the same", () => {
  forEachPlanned(({ fault, ways }) => {
    if (fault !== "partition-majorities-ring") return;
    expect(new Set(ways.map(({ to }) => to)).size).toBe(3);
    expect(new Set(ways.map(({ from }) => from)).size).toBe(3);
    expect(ways.every(({ from, to }) => from !== to)).toBe(true);
    for (const { from, to } of ways) expect(ways).not.toContainEqual({ from: to, to: from });
  });
});

test("a bridge cuts one link, a one-way cut one way of it", () => {
  forEachPlanned(({ fault, ways: [first, second, ...more] }) => {
    if (fault === "bridge") expect(second).toEqual({ from: first?.to, to: first?.from });
    if (fault === "one-way-cut") expect([first?.from === first?.to, second]).toEqual([false, undefined]);
    if (fault !== "partition-majorities-ring") expect(more).toEqual([]);
  });
});

function forEachPlanned(look: (planned: Planned) => void): void {
  for (let seed = 0; seed < 50; seed += 1) for (const planned of scheduleOf(seed, faultNames, 42)) look(planned);
}
