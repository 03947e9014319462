import fc from "fast-check";
import { expect, test } from "vitest";
import { forgive, observe, type SetHealth, wellAtFirst } from "./health.ts";

const timing = { outAfterMs: 1_000, backAfterMs: 30_000, backAfterChecks: 5 };

function play(
  steps: readonly { readonly ms: number; readonly ok: boolean }[],
  seen: (now: number, health: SetHealth) => void,
): void {
  let health: SetHealth = wellAtFirst;
  let now = 0;
  for (const { ms, ok } of steps) {
    now += ms;
    health = observe(health, { failing: ok ? null : "no answer", at: now, passed: ok }, { now }, timing);
    seen(now, health);
  }
}

const steps = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 4_000 }), ok: fc.boolean() }), { maxLength: 200 });

test("a set that is out stays out for the hold-down at least: it never bounces", () => {
  fc.assert(
    fc.property(steps, (all) => {
      let outAt: number | undefined;
      let lastFailure = -Infinity;
      let nth = 0;
      play(all, (now, health) => {
        if (all[nth]?.ok === false) lastFailure = now;
        nth += 1;
        if (health.kind === "out") outAt ??= now;
        else if (outAt !== undefined) {
          expect(now - outAt).toBeGreaterThanOrEqual(timing.backAfterMs);
          expect(now - lastFailure).toBeGreaterThanOrEqual(timing.backAfterMs);
          outAt = undefined;
        }
      });
    }),
  );
});

test("a set that fails without a break is out after outAfterMs, and one that was well in between is not", () => {
  const failing = (ms: number) => ({ ms, ok: false });
  const kinds: string[] = [];
  play([failing(0), failing(500), failing(499), failing(1)], (_now, { kind }) => kinds.push(kind));
  expect(kinds).toEqual(["in", "in", "in", "out"]);
  const broken: string[] = [];
  play([failing(0), failing(900), { ms: 10, ok: true }, failing(10), failing(900)], (_now, { kind }) =>
    broken.push(kind),
  );
  expect(broken).not.toContain("out");
});

test("it comes back only after enough checks, however long it was well", () => {
  let health: SetHealth = { kind: "out", wellSince: null, wellChecks: 0, reason: "x" };
  const well = (now: number, passed: boolean): void => {
    health = observe(health, { failing: null, at: now, passed }, { now }, timing);
  };
  well(0, true);
  for (let now = 1_000; now <= 60_000; now += 1_000) well(now, false);
  expect(health.kind).toBe("out");
  for (let nth = 0; nth < timing.backAfterChecks; nth += 1) well(60_001 + nth, true);
  expect(health.kind).toBe("in");
});

test("one that is out and fails on says why, and is the same object while that is the same", () => {
  const fails = (health: SetHealth, failing: string): SetHealth =>
    observe(health, { failing, at: 0, passed: false }, { now: 0 }, timing);
  const out: SetHealth = { kind: "out", wellSince: null, wellChecks: 0, reason: "no answer" };
  expect(fails(out, "no answer")).toBe(out);
  expect(fails(out, "it has no master")).toEqual({ ...out, reason: "it has no master" });
  expect(fails({ ...out, wellSince: 5, wellChecks: 2 }, "no answer")).toEqual(out);
});

test("it comes back when the hold-down is over, to the millisecond, and is the same object while nothing changes", () => {
  const { backAfterMs, backAfterChecks } = timing;
  const well = (health: SetHealth, now: number): SetHealth =>
    observe(health, { failing: null, at: now, passed: false }, { now }, timing);
  const resting: SetHealth = { kind: "out", wellSince: 100, wellChecks: backAfterChecks, reason: "x" };
  expect(well(resting, 100 + backAfterMs - 1)).toBe(resting);
  expect(well(resting, 100 + backAfterMs)).toBe(wellAtFirst);
  expect(well(wellAtFirst, 0)).toBe(wellAtFirst);
  expect(well({ kind: "in", failingSince: 7 }, 10)).toBe(wellAtFirst);
});

test("one that fails is the same object until it is out", () => {
  const failing: SetHealth = { kind: "in", failingSince: 7 };
  const seen = { failing: "x", at: 500, passed: false };
  expect(observe(failing, seen, { now: 600 }, timing)).toBe(failing);
  expect(observe(wellAtFirst, seen, { now: 600 }, timing)).toEqual({ kind: "in", failingSince: 500 });
});

test("a process that stood still counts failures anew", () => {
  const failing: SetHealth = { kind: "in", failingSince: 0 };
  const forgiven = forgive(failing, 5_000);
  expect(observe(forgiven, { failing: "no answer", at: 0, passed: false }, { now: 5_900 }, timing).kind).toBe("in");
  expect(observe(forgiven, { failing: "no answer", at: 0, passed: false }, { now: 6_000 }, timing).kind).toBe("out");
  expect(forgive(wellAtFirst, 5_000)).toBe(wellAtFirst);
  const out: SetHealth = { kind: "out", wellSince: 5, wellChecks: 1, reason: "x" };
  expect(forgive(out, 5_000)).toBe(out);
});
