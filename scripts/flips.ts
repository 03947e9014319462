import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { exitCodes } from "#lib/errors.ts";
import { runProgram } from "#lib/program.ts";
import { readVersion } from "#lib/version.ts";
import { type Core, cores } from "../test/simulation/flips/cores.ts";
import { type Flip, flipsOf } from "../test/simulation/flips/flip.ts";
import { type CaughtBy, createPlayer } from "../test/simulation/flips/play.ts";
import { readSurvivors } from "../test/simulation/flips/survivors.ts";
import { withSyntax } from "../test/simulation/flips/syntax.ts";
import { scratchCopy } from "../test/simulation/planted/planted.ts";

/**
 * `./run flips`: each comparison and each condition of the files that decide is turned the other way, one at a time, in a copy of the
 * sources; then the tests of that core, and some seeds of the simulation, have to fail. What was found out is kept, so that a run that
 * was broken off goes on where it was.
 */
const root = resolve(import.meta.dirname, "..");
const verdictsFile = join(root, ".cache/flips/verdicts.jsonl");
const progressEveryMs = 10_000;
/** What of all flips must be noticed, survivors with a reason or not. */
const caughtMin = 0.9;

interface Verdict {
  readonly key: string;
  /** Of the file that it was flipped in, as it was. */
  readonly hash: string;
  readonly by: CaughtBy;
}

await runProgram(
  {
    program: "run flips",
    version: readVersion(),
    summary:
      "Flips every comparison of the files that decide, one at a time, and looks whether a test or the simulation notices.",
    options: {
      only: {
        type: "string",
        placeholder: "TEXT",
        help: "Flips of which the name has this in it: a file, an expression.",
      },
      workers: { type: "string", placeholder: "N", default: "1", help: "How many copies are tried at a time." },
      list: { type: "boolean", help: "Print the flips, and try none." },
      afresh: { type: "boolean", help: "Forget what earlier runs have found out." },
    },
    examples: [
      { command: "./run flips --only arbiter/core/elect.ts", help: "those of one file" },
      { command: "./run flips --list", help: "what would be tried" },
    ],
    exits: ["ok", "error", "usage"],
  },
  async ({ only, workers, list, afresh }) => {
    const workerCount = Number(workers);
    if (!Number.isSafeInteger(workerCount) || workerCount < 1) {
      console.error(`run flips: --workers ${workers} is no whole number above 0`);
      return exitCodes.usage;
    }
    const flips = allFlips();
    const chosen = flips.filter(({ flip }) => flip.key.includes(only ?? ""));
    if (list === true) {
      for (const { flip } of chosen) console.log(flip.key);
      console.log(`${chosen.length} flips`);
      return exitCodes.ok;
    }
    if (afresh === true) await rm(verdictsFile, { force: true });
    const verdicts = await tryAll(chosen, workerCount);
    return judge(chosen, verdicts, await readSurvivors());
  },
);

interface Task {
  readonly core: Core;
  readonly flip: Flip;
  readonly hash: string;
}

function allFlips(): readonly Task[] {
  return withSyntax(join(root, "tsconfig.json"), (treeOf) =>
    cores.flatMap((core) =>
      core.files.flatMap((file) => {
        const tree = treeOf(join(root, file));
        const hash = createHash("sha256").update(tree.text).digest("hex").slice(0, 16);
        return flipsOf(tree, file).map((flip) => ({ core, flip, hash }));
      }),
    ),
  );
}

async function tryAll(tasks: readonly Task[], workers: number): Promise<ReadonlyMap<string, CaughtBy>> {
  const known = await readVerdicts();
  // Tests only grow: who was caught once is not tried again while its file is the same.
  const caught = new Map(
    tasks.flatMap(({ flip: { key }, hash }) => {
      const verdict = known.get(key);
      return verdict?.hash === hash && verdict.by !== "nobody" ? [[key, verdict.by] as const] : [];
    }),
  );
  const left = tasks.filter(({ flip }) => !caught.has(flip.key));
  console.log(`${tasks.length} flips, ${caught.size} known to be caught, ${left.length} to try`);
  await mkdir(dirname(verdictsFile), { recursive: true });
  const verdicts = new Map<string, CaughtBy>(caught);
  let toldAt = performance.now();
  const queue = [...left];
  const work = async (): Promise<void> => {
    if (queue.length === 0) return;
    await using copy = await scratchCopy();
    await using player = createPlayer(copy.path);
    const sound = new Set<Core>();
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const { core, flip, hash } = task;
      if (!sound.has(core) && !(await player.isSound(core)))
        throw new Error(`the tests of ${core.tests} fail although nothing is flipped: see ./run check`);
      sound.add(core);
      const by = await player.play(flip, core);
      verdicts.set(flip.key, by);
      const verdict: Verdict = { key: flip.key, hash, by };
      await appendFile(verdictsFile, `${JSON.stringify(verdict)}\n`);
      if (by === "nobody") console.log(`${flip.file}:${flip.line} is noticed by nobody: ${flip.key}`);
      if (performance.now() - toldAt < progressEveryMs) continue;
      toldAt = performance.now();
      console.log(`${left.length - queue.length} of ${left.length} tried, now in ${flip.file}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return verdicts;
}

async function readVerdicts(): Promise<ReadonlyMap<string, Verdict>> {
  const text = await readFile(verdictsFile, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line.endsWith("}"));
  return new Map(lines.map((line) => JSON.parse(line) as Verdict).map((verdict) => [verdict.key, verdict]));
}

/** Says what is not as the list of survivors has it. */
function judge(
  tasks: readonly Task[],
  verdicts: ReadonlyMap<string, CaughtBy>,
  listed: ReadonlyMap<string, string>,
): number {
  const survivors = tasks.filter(({ flip }) => verdicts.get(flip.key) === "nobody");
  const unexplained = survivors.filter(({ flip }) => !listed.has(flip.key));
  const keys = new Set(tasks.map(({ flip }) => flip.key));
  const outdated = [...listed.keys()].filter((key) => keys.has(key) && verdicts.get(key) !== "nobody");
  for (const { flip } of unexplained)
    console.log(`not on the list of survivors: ${flip.file}:${flip.line} ${flip.key}`);
  for (const key of outdated) console.log(`on the list of survivors, but noticed: ${key}`);
  for (const core of cores) {
    const own = tasks.filter((task) => task.core === core);
    if (own.length === 0) continue;
    const counts = Map.groupBy(own, ({ flip }) => verdicts.get(flip.key));
    const of = (by: CaughtBy): number => counts.get(by)?.length ?? 0;
    console.log(
      `${core.tests}: ${own.length} flips, ${of("tests")} caught by tests, ${of("simulation")} by the simulation, ${of("nobody")} by nobody`,
    );
  }
  const caught = tasks.length - survivors.length;
  const share = tasks.length === 0 ? 1 : caught / tasks.length;
  console.log(`${caught} of ${tasks.length} caught, ${(100 * share).toFixed(1)}%`);
  return unexplained.length === 0 && share >= caughtMin ? exitCodes.ok : exitCodes.error;
}
