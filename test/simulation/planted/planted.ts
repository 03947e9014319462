import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Subject } from "../seeds.ts";

/** Bugs that are planted into a copy of the sources, for the simulation to catch: `*.patch` beside this file. */
export interface Planted {
  readonly name: string;
  readonly file: string;
  /** The patch's first line: what it breaks. */
  readonly breaks: string;
  readonly subject: Subject;
  /** A file of the core's own tests that has to catch it, where it takes more chance than a few thousand lives have. */
  readonly tests: string | undefined;
}

export interface Caught {
  /** null: the core's own tests caught it. */
  readonly seed: number | null;
  readonly violation: string;
}

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");
const copied = [
  "arbiter",
  "config",
  "idc-router",
  "lib",
  "replicator",
  "test/fixtures",
  "test/simulation",
  "package.json",
  "vitest.config.ts",
];

export async function plantedBugs(): Promise<readonly Planted[]> {
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith(".patch")).toSorted();
  return await Promise.all(
    names.map(async (name) => {
      const file = join(import.meta.dirname, name);
      const text = await readFile(file, "utf8");
      const [breaks = ""] = text.split("\n");
      return {
        name: name.replace(/\.patch$/, ""),
        file,
        breaks,
        subject: subjectOf(text),
        tests: /^Caught by (\S+)$/m.exec(text)?.[1],
      };
    }),
  );
}

/** Whose sources it patches. */
function subjectOf(patch: string): Subject {
  if (patch.includes("+++ b/replicator/")) return "link";
  return patch.includes("+++ b/idc-router/") ? "router" : "arbiter";
}

/** A copy of the sources, outside of them; removed when it is disposed of. */
export async function scratchCopy(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "crossidc-planted-"));
  for (const each of copied) await cp(join(root, each), join(path, each), { recursive: true });
  await symlink(join(root, "node_modules"), join(path, "node_modules"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** @throws with git's words when the patch does not fit the sources any more */
export async function plant({ file }: Planted, path: string, options: { onlyTry: boolean }): Promise<void> {
  const flags = options.onlyTry ? ["--check"] : [];
  const env = outsideOfAnyRepository(path);
  await run("git", ["apply", "--whitespace=nowarn", ...flags, file], { cwd: path, env });
}

/** @returns null: nothing noticed it within so many seeds */
export async function hunt(bug: Planted, options: { seedsMax: number; signal: AbortSignal }): Promise<Caught | null> {
  await using copy = await scratchCopy();
  await plant(bug, copy.path, { onlyTry: false });
  if (bug.tests !== undefined) return await failing(bug.tests, copy.path, options.signal);
  const script = join(copy.path, "test/simulation/planted/hunt.ts");
  const { stdout } = await run(process.execPath, [script, bug.subject, String(options.seedsMax)], {
    signal: options.signal,
  });
  return JSON.parse(stdout) as Caught | null;
}

async function failing(tests: string, cwd: string, signal: AbortSignal): Promise<Caught | null> {
  const vitest = join(cwd, "node_modules/vitest/vitest.mjs");
  try {
    await run(process.execPath, [vitest, "run", "--project", "unit", "--reporter", "dot", tests], { cwd, signal });
    return null;
  } catch (error) {
    const { stdout = "" } = error as { stdout?: string };
    // Any other end is no failed test: then this is one.
    if (!/Tests .*\d+ failed/.test(stdout)) throw error;
    return { seed: null, violation: /AssertionError: .*/.exec(stdout)?.[0] ?? "a test fails" };
  }
}

/** The copy may lie below a repository of somebody else: then git would apply nothing, and say nothing. */
function outsideOfAnyRepository(path: string): NodeJS.ProcessEnv {
  return { ...process.env, GIT_CEILING_DIRECTORIES: resolve(path, "..") };
}
