import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { createTombstones } from "./tombstones.ts";

const graceMs = 1_000;
const at = (ms: number): Instant => ms as Instant;

describe("a node that is gone at the source", () => {
  test("is due when its time is over, and is told once", () => {
    const tombstones = createTombstones(graceMs);
    expect(tombstones.isDue("/a", at(0))).toBe(false);
    expect(tombstones.isDue("/a", at(500))).toBe(false);
    expect([999, 1_000, 1_001].map((ms) => tombstones.takeDue(at(ms)))).toEqual([[], ["/a"], []]);
    expect(tombstones.isDue("/a", at(1_001))).toBe(true);
  });

  test("is not deleted before it was told: the brake hears of all that are due first", () => {
    const tombstones = createTombstones(graceMs);
    tombstones.isDue("/a", at(0));
    expect(tombstones.isDue("/a", at(5_000))).toBe(false);
  });

  test("begins anew when it was back in between", () => {
    const tombstones = createTombstones(graceMs);
    tombstones.isDue("/a", at(0));
    tombstones.clear("/a");
    tombstones.isDue("/a", at(900));
    expect(tombstones.takeDue(at(1_899))).toEqual([]);
    expect(tombstones.takeDue(at(1_900))).toEqual(["/a"]);
  });

  test("counts while it waits, and no longer", () => {
    const tombstones = createTombstones(graceMs);
    for (const [ms, path] of ["/a", "/b", "/c"].entries()) tombstones.isDue(path, at(ms * 600));
    tombstones.clear("/c");
    expect(tombstones.size).toBe(2);
    tombstones.takeDue(at(1_000));
    expect([tombstones.size, tombstones.isWaiting("/a"), tombstones.isWaiting("/b")]).toEqual([1, false, true]);
  });
});

describe("what is remembered", () => {
  test("goes on in another process, whose clock has nothing in common with this one's", () => {
    const before = createTombstones(graceMs);
    before.isDue("/a", at(100));
    before.isDue("/b", at(400));
    const after = createTombstones(graceMs);
    after.resume(before.list(at(600)), at(70_000));
    expect([70_499, 70_500, 70_800].map((ms) => after.takeDue(at(ms)))).toEqual([[], ["/a"], ["/b"]]);
  });

  test("has what is due too: a restart does not begin its time anew", () => {
    const before = createTombstones(graceMs);
    before.isDue("/a", at(0));
    before.takeDue(at(1_500));
    expect(before.list(at(2_000))).toEqual([{ path: "/a", ageMs: 2_000 }]);
  });

  test("has the oldest only, where there is no room for all", () => {
    const tombstones = createTombstones(graceMs);
    for (let index = 0; index < 100; index++) tombstones.isDue(`/node-${index}`, at(index));
    const listed = tombstones.list(at(100), 500).map(({ path }) => path);
    expect(listed).toEqual(Array.from({ length: listed.length }, (_, index) => `/node-${index}`));
    expect(listed.length).toBeGreaterThan(5);
    expect(JSON.stringify(listed).length).toBeLessThan(500);
  });
});

describe("the list is saved", () => {
  test("when it has changed, one writing at a time, and not more often than every 2 s", () => {
    const tombstones = createTombstones(graceMs);
    expect(tombstones.wantsSaving(at(0))).toBe(false);
    tombstones.isDue("/a", at(0));
    expect(tombstones.wantsSaving(at(0))).toBe(true);
    tombstones.saving(at(0));
    tombstones.clear("/a");
    expect(tombstones.wantsSaving(at(9_000))).toBe(false);
    tombstones.saved(true);
    expect([tombstones.isUnsaved, tombstones.wantsSaving(at(1_999)), tombstones.wantsSaving(at(2_000))]).toEqual([
      true,
      false,
      true,
    ]);
    tombstones.saving(at(2_000));
    tombstones.saved(true);
    expect(tombstones.isUnsaved).toBe(false);
  });

  test("again, when it was not written", () => {
    const tombstones = createTombstones(graceMs);
    tombstones.isDue("/a", at(0));
    tombstones.saving(at(0));
    tombstones.saved(false);
    expect([tombstones.isUnsaved, tombstones.wantsSaving(at(2_000))]).toEqual([true, true]);
  });
});

test("whatever happens, restarts with lost updates included, no node is due before it was gone for its time", () => {
  const paths = ["/a", "/b", "/c"] as const;
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom("gone", "back"), path: fc.constantFrom(...paths) }),
    fc.record({ kind: fc.constant("later"), ms: fc.nat({ max: 700 }) }),
    fc.record({ kind: fc.constantFrom("save", "restart") }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0;
      let tombstones = createTombstones(graceMs);
      /** As found after a crash; what came back is taken out before any of them can be due, as a compare does. */
      let stored: ReturnType<typeof tombstones.list> = [];
      let storedAt = 0;
      const goneSince = new Map<string, number>();
      const look = (): void => {
        for (const path of paths) if (!goneSince.has(path)) tombstones.clear(path);
        for (const path of goneSince.keys()) tombstones.isDue(path, at(now));
        for (const path of tombstones.takeDue(at(now))) {
          expect(now - (goneSince.get(path) ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(graceMs);
        }
      };
      for (const one of steps) {
        if (one.kind === "later" && "ms" in one) now += one.ms;
        if (one.kind === "gone" && "path" in one && !goneSince.has(one.path)) goneSince.set(one.path, now);
        if (one.kind === "back" && "path" in one) {
          goneSince.delete(one.path);
          // The removal is saved before the node can go again: see the crash table.
          stored = stored.filter(({ path }) => path !== one.path);
        }
        if (one.kind === "save") [stored, storedAt] = [tombstones.list(at(now)), now];
        if (one.kind === "restart") {
          const sinceSaved = now - storedAt;
          tombstones = createTombstones(graceMs);
          const found = stored.map(({ path, ageMs }) => ({ path, ageMs: ageMs + sinceSaved }));
          tombstones.resume(found, at(now));
        }
        look();
      }
    }),
  );
});
