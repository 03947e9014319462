import { expect, test } from "vitest";
import {
  type Between,
  onTrigger,
  type PhaseName,
  phaseNames,
  phaseTriggers,
  stays,
  transitionBetween,
  transitions,
} from "./transitions.ts";

const rows: readonly { readonly from: PhaseName; readonly on: string; readonly to: PhaseName; readonly why: string }[] =
  transitions;
const between = (on: string): Between =>
  on === "recovered" ? "a recovery" : ["firstElected", "elected"].includes(on) ? "an election" : "nothing decided";

function reachableFrom(start: PhaseName): Set<PhaseName> {
  const seen = new Set<PhaseName>([start]);
  for (const phase of seen) for (const row of rows) if (row.from === phase) seen.add(row.to);
  return seen;
}

test("no phase has two rows for one trigger", () => {
  const keys = rows.map(({ from, on }) => `${from} ${on}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test("the way from one phase to another, by a decision or without one, has one reason, which a site can tell that sees only both ends", () => {
  const keys = rows.map(({ from, on, to }) => `${from} ${to} ${between(on)}`);
  expect(new Set(keys).size).toBe(keys.length);
  for (const row of rows) {
    expect(transitionBetween(row.from, row.to, between(row.on))).toBe(row);
  }
  expect(transitionBetween("new", "blocked", "nothing decided")).toBeUndefined();
  expect(transitionBetween("held", "suspected", "an election")).toBeUndefined();
});

test("every trigger means something in every phase: a row moves the set, or it stays, and either has its sentence", () => {
  for (const from of phaseNames) {
    for (const on of phaseTriggers) {
      const { to, why } = onTrigger(from, on);
      expect(why, `${from} ${on}`).toMatch(/^[A-Z].{12,}[^.]$/);
      const row = rows.find((one) => one.from === from && one.on === on);
      expect({ from, on, to, why }).toEqual(row ?? { from, on, to: from, why: stays[on] });
    }
  }
});

test("every phase can be reached from the first", () => {
  expect([...reachableFrom("new")].sort()).toEqual([...phaseNames].sort());
});

test.each(phaseNames)("a set that is %s can come to be held, and none is a dead end", (phase) => {
  expect([...reachableFrom(phase)]).toContain("held");
  expect(rows.some(({ from }) => from === phase)).toBe(true);
});

test("every trigger is used", () => {
  expect([...new Set(rows.map(({ on }) => on))].sort()).toEqual([...phaseTriggers].sort());
});

test("a set can be frozen wherever it stands, and after that it stands where it stood, or is recovered", () => {
  for (const phase of phaseNames) {
    if (phase !== "frozen") expect(transitionBetween(phase, "frozen", "nothing decided")?.on).toBe("froze");
  }
  const thawed = rows.filter(({ from, on }) => from === "frozen" && on !== "recovered");
  expect(thawed.map(({ to }) => to).sort()).toEqual(phaseNames.filter((phase) => phase !== "frozen").sort());
  expect(transitionBetween("frozen", "installing", "a recovery")?.on).toBe("recovered");
});

test("a master comes only by an election or a first one, and serves only after its effects (I4)", () => {
  const without = rows.filter(({ on, to }) => to === "installing" && between(on) === "nothing decided");
  expect(new Set(without.map(({ on }) => on))).toEqual(new Set(["decisionLeft"]));
  for (const { on, to } of rows) if (between(on) !== "nothing decided") expect(to).toBe("installing");
  expect(rows.filter(({ from, to }) => from === "installing" && to === "held").map(({ on }) => on)).toEqual([
    "effectsDone",
  ]);
});

test("each row says why, as a sentence without a full stop", () => {
  for (const { why } of rows) expect(why).toMatch(/^[A-Z].{20,}[^.]$/);
});
