import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { allowedDeletes, type BrakeConfig, createBrake } from "./brake.ts";

const at = (ms: number) => ms as Instant;
const config: BrakeConfig = { maxDeletes: 3, maxDeleteRatio: 0.5, windowMs: 1_000 };
const alone = () => false;

test.each([
  [1_000, 3],
  [8, 3],
  [6, 3],
  [5, 2],
  [3, 1],
  [2, 1],
  [1, 1],
  [0, 1],
])("of %i nodes %i may go: never more than maxDeletes or the ratio, but always one", (nodes, allowed) => {
  expect(allowedDeletes(config, nodes)).toBe(allowed);
});

describe("deletes that come one by one", () => {
  test("pass up to the limit and are held from the next on", () => {
    const brake = createBrake(config);
    const admitted = ["/a", "/b", "/c", "/d", "/e"].map((path, gone) =>
      brake.admit(path, 100 - Math.min(gone, 3), undefined, at(0)),
    );
    expect(admitted).toEqual([true, true, true, false, false]);
    expect([...brake.held]).toEqual(["/d", "/e"]);
    expect(brake.engagement()).toEqual({ reason: "tooManyDeletes", since: 0 });
  });

  test("count against the tree that they were taken from, not against what is left of it", () => {
    const brake = createBrake({ ...config, maxDeletes: 100 });
    const admitted = [10, 9, 8, 7, 6, 5].map((left) => brake.admit(`/${left}`, left, undefined, at(0)));
    expect(admitted).toEqual([true, true, true, true, true, false]);
  });

  test("are forgotten when the window has passed, not before", () => {
    const brake = createBrake(config);
    for (const path of ["/a", "/b", "/c"]) brake.admit(path, 100, undefined, at(0));
    const late = createBrake(config);
    for (const path of ["/a", "/b", "/c"]) late.admit(path, 100, undefined, at(0));
    expect(brake.admit("/d", 97, undefined, at(999))).toBe(false);
    expect(late.admit("/d", 97, undefined, at(1_000))).toBe(true);
  });

  test("never pass more often in any window than allowed, whatever their times", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 40 }), (gaps) => {
        const brake = createBrake(config);
        const passed: number[] = [];
        let now = 0;
        for (const [index, gap] of gaps.entries()) {
          now += gap;
          if (brake.admit(`/${index}`, 1_000, undefined, at(now))) passed.push(now);
        }
        for (const start of passed)
          expect(passed.filter((one) => one >= start && one < start + config.windowMs).length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

describe("deletes that a compare found", () => {
  test("pass if there are no more than allowed", () => {
    const brake = createBrake(config);
    brake.announce(3, 6, at(0));
    expect(brake.engagement()).toBeUndefined();
  });

  test("are held from the first on if there are too many", () => {
    const brake = createBrake(config);
    brake.announce(4, 100, at(5));
    expect(brake.engagement()).toEqual({ reason: "tooManyDeletes", since: 5 });
    expect(brake.admit("/a", 100, undefined, at(5))).toBe(false);
  });

  test("count together with those that went before in the window", () => {
    const brake = createBrake(config);
    brake.admit("/a", 100, undefined, at(0));
    brake.announce(2, 99, at(1));
    expect(brake.engagement()).toBeUndefined();
    brake.announce(3, 99, at(2));
    expect(brake.engagement()).toBeDefined();
  });

  test("do not engage it when there are none", () => {
    const brake = createBrake(config);
    for (const path of ["/a", "/b"]) brake.admit(path, 100, undefined, at(0));
    // Nothing else is left: by what is there now one would have been too many.
    brake.announce(0, 0, at(1));
    expect(brake.engagement()).toBeUndefined();
  });
});

describe("an empty source root", () => {
  test("engages with the first delete below it, however few there are", () => {
    const brake = createBrake(config);
    expect(brake.admit("/a", 100, "sourceRootEmpty", at(3))).toBe(false);
    expect(brake.engagement()).toEqual({ reason: "sourceRootEmpty", since: 3 });
  });

  test("does not engage again with a delete that was accepted", () => {
    const brake = createBrake(config);
    brake.admit("/a", 100, "sourceRootEmpty", at(3));
    brake.accept(alone);
    expect(brake.admit("/a", 100, "sourceRootEmpty", at(4))).toBe(true);
    expect(brake.engagement()).toBeUndefined();
  });
});

test("the first reason stands until it lets go", () => {
  const brake = createBrake(config);
  brake.engage("sourceRootMissing", at(1));
  brake.engage("tooManyDeletes", at(2));
  expect(brake.engagement()).toEqual({ reason: "sourceRootMissing", since: 1 });
});

describe("accepting", () => {
  const engaged = () => {
    const brake = createBrake({ ...config, maxDeletes: 1 });
    for (const path of ["/a", "/b/x", "/b/y"]) brake.admit(path, 100, undefined, at(0));
    return brake;
  };

  test("lets exactly the held deletes pass, each once, and counts none of them", () => {
    const brake = engaged();
    expect(brake.accept(alone)).toEqual(["/b/x", "/b/y"]);
    expect(brake.engagement()).toBeUndefined();
    expect(brake.admit("/b/x", 99, undefined, at(1))).toBe(true);
    expect(brake.admit("/b/y", 98, undefined, at(1))).toBe(true);
    expect(brake.admit("/b/x", 97, undefined, at(1))).toBe(false);
    expect(brake.admit("/c", 97, undefined, at(1))).toBe(false);
  });

  test("takes the parents along that only wait for the held ones", () => {
    const brake = engaged();
    const waits = (path: string) => path === "/b";
    expect(brake.acceptable(waits)).toEqual(["/b/x", "/b/y", "/b"]);
    brake.accept(waits);
    expect(brake.admit("/b", 97, undefined, at(1))).toBe(true);
  });

  test("does not stretch to a path that was wanted again in between", () => {
    const brake = engaged();
    brake.accept(alone);
    brake.forget("/b/x");
    expect(brake.admit("/b/x", 99, undefined, at(1))).toBe(false);
  });
});

test("it lets go by itself only when nothing is held any more", () => {
  const brake = createBrake(config);
  brake.announce(10, 10, at(0));
  brake.admit("/a", 10, undefined, at(0));
  expect(brake.releaseIfEmpty()).toBe(false);
  brake.forget("/a");
  expect(brake.releaseIfEmpty()).toBe(true);
  expect(brake.releaseIfEmpty()).toBe(false);
  expect(brake.engagement()).toBeUndefined();
});

describe("a brake that goes on where another process was", () => {
  const resumed = (brake: ReturnType<typeof createBrake>, now: Instant) => {
    const next = createBrake(config);
    // Its own clock starts anywhere.
    next.resume(brake.memory(now), at(now + 5_000_000));
    return next;
  };

  test("is engaged for the same reason for as long, and holds what comes", () => {
    const brake = createBrake(config);
    brake.engage("sourceRootEmpty", at(10));
    const next = resumed(brake, at(30));
    expect(next.engagement()).toEqual({ reason: "sourceRootEmpty", since: 5_000_010 });
    expect(next.admit("/a", 100, undefined, at(5_000_040))).toBe(false);
  });

  test("has forgotten what was accepted", () => {
    const brake = createBrake(config);
    for (const path of ["/a", "/b", "/c", "/d"]) brake.admit(path, 100, undefined, at(0));
    brake.accept(alone);
    const memory = brake.memory(at(0));
    brake.resume(memory, at(1));
    expect(brake.engagement()).toBeUndefined();
    expect(brake.admit("/d", 100, undefined, at(1))).toBe(false);
  });

  test("takes no more than maxDeletes from a memory, whatever it says", () => {
    const brake = createBrake(config);
    brake.resume({ engaged: undefined, deletes: [{ count: Number.MAX_SAFE_INTEGER, ageMs: 0 }] }, at(0));
    expect(brake.memory(at(0)).deletes).toEqual([{ count: 3, ageMs: 0 }]);
  });

  test("lets no more pass in any window than one that was never restarted, and forgets within 1/12 of it", () => {
    const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 700 }), restart: fc.boolean() }));
    fc.assert(
      fc.property(steps, (drawn) => {
        let brake = createBrake(config);
        let now = at(0);
        const passed: number[] = [];
        for (const [step, { afterMs, restart }] of drawn.entries()) {
          now = at(now + afterMs);
          if (restart) {
            const { engaged, deletes } = brake.memory(now);
            expect(deletes.length).toBeLessThanOrEqual(12);
            brake = createBrake(config);
            brake.resume({ engaged, deletes }, now);
          }
          // A path of its own, as an accepted one passes whatever has passed before.
          if (brake.admit(`/${step}`, 1_000, undefined, now)) passed.push(now);
          else brake.accept(alone);
          expect(passed.filter((one) => now - one < config.windowMs).length).toBeLessThanOrEqual(config.maxDeletes);
        }
        const forgotten = at(now + config.windowMs);
        expect(brake.memory(forgotten).deletes).toEqual([]);
      }),
    );
  });
});
