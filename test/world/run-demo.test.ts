import { expect } from "vitest";
import { runProcess, startProcess } from "../integration/harness/process.ts";
import { expectShortStory } from "./demo-time.ts";
import { worldTest } from "./world-test.ts";

/** On a busy machine; one minute otherwise. */
const failoverMsMax = 600_000;

const startMsMax = 60_000;

worldTest("./run demo failover kills a master and freezes another, and nothing is lost", tellsFailover, failoverMsMax);

worldTest("Ctrl-C while its servers start ends everything, and is no success", async () => {
  await using demo = startProcess("./run", ["demo", "failover"]);
  await demo.waitForLine(/setting up: \d+ of 12 servers run/, { timeoutMs: startMsMax });
  expect(await demo.kill("SIGINT")).toEqual({ code: 1, signal: null });
  expect(demo.output("stdout")).toMatch(/Stopped half way after .*; nothing is left running\.\n$/);
});

async function tellsFailover(): Promise<void> {
  const { code, stdout, stderr } = await runProcess("./run", ["demo", "failover"], { timeoutMs: failoverMsMax });
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
  expectShortStory(stdout);
  const titles = [...stdout.matchAll(/^\d+\. (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual([
    "Three sites, one broker set",
    "The master is killed",
    "The killed broker is started again",
    "The master hangs",
    "The hung broker goes on, and still believes that it is master",
    "What it came to",
  ]);
  const [, , deadMaster = "", deadBack = "", hungMaster = ""] = stdout.split(/^\d+\. .*$/m);
  for (const scene of [deadMaster, hungMaster]) {
    for (const site of ["idc1", "idc2", "witness"]) expect(scene).toMatch(new RegExp(`${site} +votes: `));
    expect(scene).toMatch(/confirmed: 2 of 3 sites say that it is down/);
    expect(scene).toMatch(/Decision C1\/bs1\/\d+: broker \d is master of epoch \d+/);
  }
  expect(deadMaster.match(/votes: dead, refused a connection/g)?.length).toBeGreaterThanOrEqual(2);
  expect(hungMaster.match(/votes: silent, /g)?.length).toBeGreaterThanOrEqual(2);

  expect(deadBack).toMatch(/Broker \d was a slave in sync after \d/);

  const rows = stdout.matchAll(/^ +kill -(?:9|STOP) +idc1 .* (\d+) -> (\d+) .* m?s +(\d+) +(\d+) +(\d+) /gm);
  const figures = [...rows].map((row) => row.slice(1).map(Number));
  expect(figures).toHaveLength(2);
  for (const [before = 0, after = 0, acked, lost, stale] of figures) {
    expect(after).toBeGreaterThan(before);
    expect(acked).toBeGreaterThanOrEqual(2_000);
    expect({ lost, stale }).toEqual({ lost: 0, stale: 0 });
  }
  expect(stdout).toMatch(/Done after .*; nothing is left running\.\n$/);
  expect(stdout).not.toContain("\x1b");
  expect(stdout).not.toContain("\r");
}
