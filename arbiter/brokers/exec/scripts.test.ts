import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ExecCluster } from "#config/arbiter-exec.ts";
import { inProject } from "../../../test/integration/harness/project.ts";
import { createScripts, createScriptTurns, scriptsAtOnceMax, tasksPerScript } from "./scripts.ts";

/** Many scripts, and few places for them. */

/** Node's own threads, its name look-ups, and hooks, which run one at a time each. */
const otherTasks = 100;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-turns-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A script that says when it begins and when it ends. */
function clusterOf(name: string): ExecCluster {
  const log = join(folder, "log");
  const argv = ["/bin/sh", "-c", `echo begin >> ${log}; sleep 0.05; echo end >> ${log}`];
  return {
    ...{ name, kind: "exec", probeEveryMs: 1_000, changeTimeoutMs: 5_000, outputBytesMax: 1_000, sets: [] },
    scripts: { probe: argv, offsets: argv, fence: argv, promote: argv },
  };
}

const input = { cluster: "R1", set: "s", member: { id: 1, address: "a:1" }, members: [] };
const options = { timeoutMs: 20_000, signal: new AbortController().signal };

async function mostAtOnce(): Promise<number> {
  let now = 0;
  let most = 0;
  for (const line of (await readFile(join(folder, "log"), "utf8")).trim().split("\n")) {
    now += line === "begin" ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

test("clusters share their places: no more scripts run than there are, the others wait, and all of them run", async () => {
  const turns = createScriptTurns({ reads: 2, changes: 1 });
  const clusters = ["R1", "R2"].map((name) => createScripts(clusterOf(name), turns));
  const runs = clusters.flatMap((scripts) => [1, 2, 3].map(() => scripts.run("probe", input, options)));
  expect((await Promise.all(runs)).map(({ kind }) => kind)).toEqual(Array.from(runs, () => "yes"));
  expect(await mostAtOnce()).toBe(2);
});

test("whoever asks for much does not hold up what is to be changed", async () => {
  const turns = createScriptTurns({ reads: 1, changes: 1 });
  const scripts = createScripts(clusterOf("R1"), turns);
  const ended: string[] = [];
  const reads = Array.from({ length: 6 }, () => scripts.run("probe", input, options).then(() => ended.push("probe")));
  const change = scripts.run("fence", input, options).then(() => ended.push("fence"));
  await Promise.all([...reads, change]);
  expect(ended.indexOf("fence")).toBeLessThan(4);
});

test("a turn that does not come in its time is told as such, with the number of places", async () => {
  const turns = createScriptTurns({ reads: 1, changes: 1 });
  const scripts = createScripts(clusterOf("R1"), turns);
  const first = scripts.run("probe", input, options);
  await expect(scripts.run("probe", input, { ...options, timeoutMs: 10 })).rejects.toThrow("1 others were running");
  await first;
});

test("the unit lets as many processes be as scripts may run", async () => {
  const unit = await readFile(inProject("deploy/systemd/crossidc-arbiter.service"), "utf8");
  const tasks = Number(/^TasksMax=(\d+)$/m.exec(unit)?.[1]);
  const { reads, changes } = scriptsAtOnceMax;
  expect(tasks).toBeGreaterThanOrEqual(otherTasks + (reads + changes) * tasksPerScript);
});
