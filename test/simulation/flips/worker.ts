import { createVitest } from "vitest/node";

/**
 * Runs the tests of a core again and again in a copy of the sources, in one process: what has not changed is read and compiled once.
 * `node worker.ts`, in the copy; each message names the tests and the file that has changed, each answer says whether they pass.
 */
export interface Run {
  readonly tests: string;
  readonly changed: string;
}

export interface Ran {
  readonly passed: boolean;
  /** Modules of tests; none says nothing. */
  readonly ran: number;
}

/** A machine with other work is slow, which is no failure; who asks ends this process when it takes too long. */
const testTimeout = 200_000;
/** Who has failed most often so far is asked first, so many at a time. */
const likelyMax = 4;
const failures = new Map<string, number>();

const vitest = await createVitest("test", {
  root: process.cwd(),
  watch: false,
  project: ["unit"],
  bail: 1,
  maxWorkers: 1,
  isolate: false,
  testTimeout,
  reporters: [{}],
});
process.on("disconnect", () => process.exit());
process.on("message", (run: Run) => {
  void playAgain(run).then((ran) => process.send?.(ran));
});
process.send?.({ passed: true, ran: 0 } satisfies Ran);

async function playAgain({ tests, changed }: Run): Promise<Ran> {
  vitest.invalidateFile(changed);
  const all = (await vitest.globTestSpecifications()).filter(({ moduleId }) => moduleId.includes(tests));
  const likely = all
    .filter(({ moduleId }) => failures.has(moduleId))
    .toSorted((one, other) => (failures.get(other.moduleId) ?? 0) - (failures.get(one.moduleId) ?? 0))
    .slice(0, likelyMax);
  if (likely.length > 0 && !(await passes(likely))) return { passed: false, ran: likely.length };
  return { passed: await passes(all.filter((one) => !likely.includes(one))), ran: all.length };
}

async function passes(specifications: Parameters<typeof vitest.runTestSpecifications>[0]): Promise<boolean> {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, true);
  for (const { moduleId } of testModules.filter((one) => one.state() === "failed"))
    failures.set(moduleId, (failures.get(moduleId) ?? 0) + 1);
  return unhandledErrors.length === 0 && testModules.every((one) => one.state() !== "failed");
}
