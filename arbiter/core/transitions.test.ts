import { expect, test } from "vitest";
import { type PhaseName, phaseNames, phaseTriggers, transitionBetween, transitions } from "./transitions.ts";

const rows: readonly { readonly from: PhaseName; readonly on: string; readonly to: PhaseName; readonly why: string }[] =
  transitions;

function reachableFrom(start: PhaseName): Set<PhaseName> {
  const seen = new Set<PhaseName>([start]);
  for (const phase of seen) for (const row of rows) if (row.from === phase) seen.add(row.to);
  return seen;
}

test("no phase has two rows for one trigger", () => {
  const keys = rows.map(({ from, on }) => `${from} ${on}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test("the way from one phase to another has one reason, which a site can tell that sees only both ends", () => {
  const keys = rows.map(({ from, to }) => `${from} ${to}`);
  expect(new Set(keys).size).toBe(keys.length);
  for (const row of rows) expect(transitionBetween(row.from, row.to)).toBe(row);
  expect(transitionBetween("new", "blocked")).toBeUndefined();
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

test("a set can be frozen wherever it stands, and only a thaw ends that, whatever settings are left to restore", () => {
  for (const phase of phaseNames) {
    if (phase !== "frozen") expect(transitionBetween(phase, "frozen")?.on).toBe("froze");
  }
  expect(rows.filter(({ from }) => from === "frozen").map(({ on }) => on)).toEqual(["thawed", "barrierLeft"]);
});

test("a master comes only by an election or a first one, and serves only after its effects (I4)", () => {
  const elections = rows.filter(({ to }) => to === "installing").map(({ on }) => on);
  expect(new Set(elections)).toEqual(new Set(["firstElected", "elected"]));
  expect(rows.filter(({ from, to }) => from === "installing" && to === "held").map(({ on }) => on)).toEqual([
    "effectsDone",
  ]);
});

test("each row says why, as a sentence without a full stop", () => {
  for (const { why } of rows) expect(why).toMatch(/^[A-Z].{20,}[^.]$/);
});
