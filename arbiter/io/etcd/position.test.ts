import { beforeEach, describe, expect, test } from "vitest";
import { type Instant, systemClock } from "#lib/clock.ts";
import { createPosition, type Position } from "./position.ts";

let now = 0;
const clock = { ...systemClock, now: () => now as Instant };
let position: Position;

beforeEach(() => {
  now = 1_000;
  position = createPosition({ clock });
  position.adopt("c1", 100n);
});

describe("what the watch owes", () => {
  test("counts from the oldest own write that it has not told", () => {
    position.wrote(101n);
    now += 300;
    position.wrote(102n);
    now += 300;
    expect(position.owedMs()).toBe(600);
  });

  test("is nothing once it has told that write or a later one, also before the write's own answer", () => {
    position.wrote(101n);
    position.told(103n);
    position.wrote(102n);
    now += 300;
    expect(position.owedMs()).toBe(0);
  });

  test("is nothing after a full reading", () => {
    position.wrote(101n);
    position.adopt("c1", 101n);
    now += 300;
    expect(position.owedMs()).toBe(0);
  });

  test("counts from now on after this process stood still", () => {
    position.wrote(101n);
    now += 10_000;
    position.forgive();
    now += 100;
    expect(position.owedMs()).toBe(100);
  });
});

describe("an answer", () => {
  const answer = (clusterId: string, revision: bigint, wrote: boolean) => ({ clusterId, revision, wrote });

  test("is of this history when a write lies above what was seen before, and a refusal not below", () => {
    expect(position.accepts(answer("c1", 101n, true), 100n)).toBe(true);
    expect(position.accepts(answer("c1", 100n, false), 100n)).toBe(true);
    // Told meanwhile: 105. It was assigned after 100 all the same.
    position.told(105n);
    expect(position.accepts(answer("c1", 102n, true), 100n)).toBe(true);
    expect(position.replaced).toBeUndefined();
  });

  test.each([
    ["of another cluster", answer("c2", 500n, true)],
    ["a write at a revision seen before", answer("c1", 100n, true)],
    ["a refusal below what was seen", answer("c1", 99n, false)],
  ])("is none when it is %s, until everything is read anew", (_what, wrong) => {
    expect(position.accepts(wrong, 100n)).toBe(false);
    expect(position.replaced).toMatch(/another cluster|went back/);
    position.adopt("c2", 3n);
    expect(position.replaced).toBeUndefined();
    expect(position.accepts(answer("c2", 4n, true), 3n)).toBe(true);
  });

  test("counts when nothing was read before", () => {
    expect(createPosition({ clock }).accepts(answer("c9", 1n, true), 0n)).toBe(true);
  });
});
