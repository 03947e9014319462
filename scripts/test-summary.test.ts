import { expect, test } from "vitest";
import { type Outcome, summarize } from "./test-summary.ts";

function tests(statuses: Record<string, string>, rest: { code?: number | null; fileStatus?: string } = {}): Outcome {
  const { code = 0, fileStatus = "passed" } = rest;
  const assertionResults = Object.entries(statuses).map(([fullName, status]) => ({ fullName, status }));
  return {
    kind: "tests",
    name: "unit",
    code,
    report: { testResults: [{ name: "a.test.ts", status: fileStatus, assertionResults }] },
  };
}

const lenient = { skippedFail: false };
const strict = { skippedFail: true };

test("gates count one each, beside the tests of all runs", () => {
  const outcomes: Outcome[] = [
    { kind: "gate", name: "lint", code: 0 },
    { kind: "gate", name: "types", code: 2 },
    tests({ one: "passed", two: "passed" }),
    tests({ three: "passed", four: "failed" }, { code: 1, fileStatus: "failed" }),
  ];
  expect(summarize(outcomes, strict)).toEqual({
    passed: 4,
    failed: 2,
    skipped: 0,
    notes: ["types: ended with code 2", "unit: a.test.ts > four"],
  });
});

test("a run that crashed before its report is a failure", () => {
  const crashed: Outcome = { kind: "tests", name: "unit", code: null, report: undefined };
  expect(summarize([crashed], lenient)).toMatchObject({
    passed: 0,
    failed: 1,
    notes: ["unit: vitest ended with a signal and without a report"],
  });
});

test("a run that ends badly is a failure although its tests passed", () => {
  expect(summarize([tests({ one: "passed" }, { code: 1 })], lenient)).toMatchObject({ passed: 1, failed: 1 });
});

test("a run without any test is a failure", () => {
  expect(summarize([tests({})], lenient)).toMatchObject({ failed: 1, notes: ["unit: no test ran"] });
  expect(summarize([tests({ one: "skipped" })], lenient)).toMatchObject({ passed: 0, failed: 1, skipped: 1 });
});

test("a file that cannot be loaded is a failure", () => {
  const unloadable = tests({}, { code: 1, fileStatus: "failed" });
  expect(summarize([unloadable, tests({ one: "passed" })], lenient)).toMatchObject({
    passed: 1,
    failed: 1,
    notes: ["unit: a.test.ts"],
  });
});

test("a skipped test is named, and fails where nothing may be left out", () => {
  const outcome = tests({ one: "passed", two: "pending", three: "todo" });
  expect(summarize([outcome], lenient)).toEqual({
    passed: 1,
    failed: 0,
    skipped: 2,
    notes: ["unit: a.test.ts > two (skipped)", "unit: a.test.ts > three (skipped)"],
  });
  expect(summarize([outcome], strict)).toMatchObject({ passed: 1, failed: 2 });
});
