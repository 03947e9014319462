/**
 * What `./run check` and `./run test` do: the gates of package.json (lint, types, unused code), then the tests, cheap
 * ones first. All of them run, whatever fails. The last line is "N passed, N failed", gates included, and nothing else.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { type Outcome, summarize } from "./test-summary.ts";

/** After the others and one file at a time: its tests time things, on a machine that is then theirs. */
const worldTests = "vitest run --project world";
/** Of Debian's util-linux, which every installation has. */
const setpriv = "setpriv";
const testLogs = ".cache/test-logs";
const testLogAgeMsMax = 24 * 3_600_000;

process.chdir(resolve(import.meta.dirname, ".."));

const [verb, ...flags] = process.argv.slice(2);
const outcomes: Outcome[] = [];
const results = await mkdtemp(join(tmpdir(), "crossidc-results-"));
try {
  for (const gate of ["lint", "types", "unused"]) {
    outcomes.push({ kind: "gate", name: gate, code: await runCommand(gate, await scriptOf(gate), []) });
  }
  await forgetOldLogs();
  outcomes.push(await runTests("unit and simulation", await scriptOf("test")));
  if (verb === "test") {
    outcomes.push(await runTests("integration", await scriptOf("test:integration")));
    outcomes.push(await runTests("world", worldTests));
  }
} catch (error) {
  console.error(error);
  outcomes.push({ kind: "gate", name: `checks (${messageOf(error)})`, code: exitCodes.error });
} finally {
  await rm(results, { recursive: true, force: true });
}

const { passed, failed, notes } = summarize(outcomes, { skippedFail: process.env["CI"] !== undefined });
for (const note of notes) console.log(`  ${note}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? exitCodes.ok : exitCodes.error;

async function runTests(name: string, command: string): Promise<Outcome> {
  const file = join(results, `${name.replaceAll(" ", "-")}.json`);
  const code = await runCommand(name, command, ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`]);
  const text = await readFile(file, "utf8").catch(() => undefined);
  return { kind: "tests", name, code, report: text === undefined ? undefined : JSON.parse(text) };
}

async function scriptOf(name: string): Promise<string> {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8")) as { scripts: Record<string, string> };
  const command = scripts[name];
  if (command === undefined) throw new Error(`package.json has no script ${name}`);
  return command;
}

/** Runs a command with this Node, and without npm. Its output goes where ours goes; it dies when we do. */
async function runCommand(name: string, command: string, args: readonly string[]): Promise<number | null> {
  console.log(`== ${name}: ${command}`);
  const child = spawn(setpriv, ["--pdeathsig", "KILL", "--", "sh", "-c", `exec ${command} "$@"`, name, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PATH: `${resolve("node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      ...(flags.includes("--full") ? { CROSSIDC_FULL: "1" } : {}),
    },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

/** Logs of processes that tests started; a day is enough to look into a failure. */
async function forgetOldLogs(): Promise<void> {
  for (const name of await readdir(testLogs).catch(() => [])) {
    const file = join(testLogs, name);
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs > testLogAgeMsMax) await rm(file, { recursive: true, force: true });
  }
}
