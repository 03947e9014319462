import { z } from "zod";

/** One command of a check, after its end. */
export type Outcome =
  | { readonly kind: "gate"; readonly name: string; readonly code: number | null }
  | {
      readonly kind: "tests";
      readonly name: string;
      readonly code: number | null;
      /** What vitest's JSON reporter wrote; undefined when it wrote nothing. */
      readonly report: unknown;
    };

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** A line for each failure and each skipped test. */
  readonly notes: readonly string[];
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/**
 * Adds up gates (one check each) and tests. A run that ends badly counts as failed also when none of its tests did, and
 * so does one in which no test ran: a crash must not look like success.
 * @param options.skippedFail a skipped test counts as failed: in CI nothing may be left out unseen
 */
export function summarize(outcomes: readonly Outcome[], options: { skippedFail: boolean }): Summary {
  let passed = 0;
  let skipped = 0;
  const failures: string[] = [];
  const leftOut: string[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === "gate") {
      if (outcome.code === 0) passed += 1;
      else failures.push(`${outcome.name}: ended with ${describeCode(outcome.code)}`);
      continue;
    }
    const run = countTests(outcome);
    passed += run.passed;
    skipped += run.skipped.length;
    failures.push(...run.failures);
    (options.skippedFail ? failures : leftOut).push(...run.skipped.map((test) => `${test} (skipped)`));
  }
  return { passed, failed: failures.length, skipped, notes: [...failures, ...leftOut] };
}

function countTests(outcome: Extract<Outcome, { kind: "tests" }>) {
  const { name, code } = outcome;
  const failures: string[] = [];
  const skipped: string[] = [];
  let passed = 0;
  const report = reportSchema.safeParse(outcome.report);
  if (!report.success) {
    return { passed, skipped, failures: [`${name}: vitest ended with ${describeCode(code)} and without a report`] };
  }
  for (const file of report.data.testResults) {
    const before = failures.length;
    for (const test of file.assertionResults) {
      const title = `${name}: ${file.name} > ${test.fullName}`;
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed") failures.push(title);
      else skipped.push(title);
    }
    // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
    if (file.status === "failed" && failures.length === before) failures.push(`${name}: ${file.name}`);
  }
  if (passed + failures.length === 0) failures.push(`${name}: no test ran`);
  if (code !== 0 && failures.length === 0) {
    failures.push(`${name}: vitest ended with ${describeCode(code)} although no test failed`);
  }
  return { passed, skipped, failures };
}

function describeCode(code: number | null): string {
  return code === null ? "a signal" : `code ${code}`;
}
