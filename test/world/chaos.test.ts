import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { type FaultName, faultNames } from "../chaos/plan/names.ts";
import { readEvidence } from "../chaos/report/read.ts";
import { type Report, reportOf } from "../chaos/report/report.ts";
import { markdownOf } from "../chaos/report/text.ts";
import { runChaos } from "../chaos/run.ts";
import { inProject } from "../integration/harness/project.ts";
import { openWorld } from "./world.ts";
import { worldTest } from "./world-test.ts";

/** A short chaos run, judged from what its clients wrote down; `./run chaos` plays longer ones. */
const full = process.env["CROSSIDC_FULL"] === "1";
const minuteMs = 60_000;
const seed = 7;
/** A process that dies, one that hangs, a link that is cut. */
const usual: readonly FaultName[] = ["leader-kill", "leader-suspend", "bridge"];
/** Raising, the faults, the ways back, reading everything. */
const runMsMax = 15 * minuteMs;

async function play(faults: readonly FaultName[], limits: { forMs: number; faultsMax?: number }): Promise<Report> {
  await mkdir(inProject(".cache/test-logs"), { recursive: true });
  const folder = await mkdtemp(inProject(join(".cache/test-logs", "chaos-")));
  await using world = await openWorld();
  await runChaos(world, { faults, seed, contender: "arbiter", folder, say: console.log, ...limits });
  const report = reportOf(await readEvidence(folder));
  console.log(`${markdownOf(report)}\n${folder}`);
  return report;
}

worldTest(
  "through a killed master, a frozen one and a cut link nothing is lost, and nobody is replaced without need",
  async () => {
    const report = await play(usual, { forMs: runMsMax, faultsMax: usual.length });
    expect(report.problems).toEqual([]);
    expect(report.results).toHaveLength(usual.length);
  },
  runMsMax,
);

if (full) {
  worldTest(
    "nothing is lost through every fault of the list",
    async () => {
      const report = await play(faultNames, { forMs: 60 * minuteMs, faultsMax: faultNames.length });
      expect(report.problems).toEqual([]);
      expect(report.missing).toEqual([]);
    },
    90 * minuteMs,
  );
}
