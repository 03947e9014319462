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
  /** null: the tests could not be run to their end, which says nothing of the sources. */
  readonly passed: boolean | null;
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
  const first = likely.length === 0 ? true : await passes(likely);
  if (first !== true) return { passed: first, ran: likely.length };
  return { passed: await passes(all.filter((one) => !likely.includes(one))), ran: all.length };
}

async function passes(specifications: Parameters<typeof vitest.runTestSpecifications>[0]): Promise<boolean | null> {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, true);
  const failed = testModules.filter((one) => one.state() === "failed");
  for (const { moduleId } of failed) failures.set(moduleId, (failures.get(moduleId) ?? 0) + 1);
  if (failed.length > 0) return false;
  return unhandledErrors.length === 0 ? true : null;
}
