import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { createProblems, type Problem } from "./problems.ts";

const at = (ms: number) => ms as Instant;
const problem = (path: string, kind: Problem["kind"], detail = "", side: Problem["side"] = "target") => ({
  kind,
  path,
  side,
  detail,
});

test("a path has one problem, the latest; it is new only if its kind is", () => {
  const problems = createProblems(10);
  expect(problems.set(problem("/a", "conflict", "x and y"), at(1))).toBe(true);
  expect(problems.set(problem("/a", "conflict", "x and z"), at(2))).toBe(false);
  expect(problems.list()).toEqual([{ ...problem("/a", "conflict", "x and z"), since: 1 }]);
  expect(problems.set(problem("/a", "oversize"), at(3))).toBe(true);
  expect(problems.list()).toEqual([{ ...problem("/a", "oversize"), since: 3 }]);
  expect(problems.counts.get("conflict")).toBe(0);
  expect(problems.counts.get("oversize")).toBe(1);
});

test("source and target paths of one name are different", () => {
  const problems = createProblems(10);
  problems.set(problem("/a", "unmapped", "", "source"), at(1));
  problems.set(problem("/a", "conflict"), at(1));
  problems.clear("source", "/a");
  problems.clear("source", "/nowhere");
  expect(problems.paths("source")).toEqual([]);
  expect(problems.paths("target")).toEqual(["/a"]);
});

test("more than are listed are still counted", () => {
  const problems = createProblems(2);
  for (const path of ["/a", "/b", "/c"]) problems.set(problem(path, "refused"), at(1));
  expect(problems.list().map(({ path }) => path)).toEqual(["/a", "/b"]);
  expect(problems.counts.get("refused")).toBe(3);
  expect(problems.size).toBe(3);
});
