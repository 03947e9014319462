import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { canariesAwaitedMax, createCanary } from "./canary.ts";
import { phaseNames } from "./transitions.ts";

const at = (ms: number): Instant => ms as Instant;

describe("a canary", () => {
  test("takes from before it was set until it arrived", () => {
    const canary = createCanary();
    const number = canary.next("following", at(1_000)) ?? 0;
    expect(canary.arrived(number, at(1_012))).toEqual([12]);
    expect(canary.arrived(number, at(1_020))).toEqual([]);
  });

  test("that arrives stands for those before it, each with its own time, and not for those after it", () => {
    const canary = createCanary();
    canary.next("following", at(0));
    const second = canary.next("following", at(100)) ?? 0;
    const third = canary.next("following", at(200)) ?? 0;
    expect(canary.arrived(second, at(250))).toEqual([250, 150]);
    expect(canary.arrived(third, at(300))).toEqual([100]);
  });

  test("that was not set measures nothing", () => {
    const canary = createCanary();
    canary.forget(canary.next("following", at(0)) ?? 0);
    const second = canary.next("following", at(5_000)) ?? 0;
    expect(canary.arrived(second, at(5_010))).toEqual([10]);
  });

  test("is set only while the link follows", () => {
    const canary = createCanary();
    const setting = phaseNames.filter((phase) => canary.next(phase, at(0)) !== undefined);
    expect(setting).toEqual(["following"]);
  });

  test("is not set while too many are on their way", () => {
    const canary = createCanary();
    for (let count = 0; count < canariesAwaitedMax; count++) expect(canary.next("following", at(count))).toBeDefined();
    expect(canary.next("following", at(999))).toBeUndefined();
    expect(canary.arrived(canariesAwaitedMax, at(1_000))[0]).toBe(1_000);
    expect(canary.next("following", at(1_001))).toBe(canariesAwaitedMax + 1);
  });
});

describe("the age of the last that arrived", () => {
  test("begins when the first is due, and grows also while a session is lost", () => {
    const canary = createCanary();
    expect(canary.ageMs("comparing", at(0))).toBeUndefined();
    canary.next("following", at(1_000));
    expect(canary.ageMs("following", at(1_500))).toBe(500);
    canary.arrived(1, at(2_000));
    expect(canary.ageMs("following", at(2_100))).toBe(100);
    for (const phase of ["connecting", "claiming", "arming", "comparing"] as const) {
      expect(canary.ageMs(phase, at(9_000))).toBe(7_000);
    }
  });

  test.for(["standby", "paused", "stopped"] as const)(
    "is not told while the link is %s, and begins anew after it",
    (phase) => {
      const canary = createCanary();
      canary.next("following", at(0));
      expect(canary.ageMs(phase, at(9_000))).toBeUndefined();
      expect(canary.ageMs("following", at(10_000))).toBe(0);
      // What was on its way then is no measure: it did not try.
      expect(canary.arrived(1, at(10_001))).toEqual([]);
    },
  );
});
