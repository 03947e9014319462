import { mkdtemp } from "node:fs/promises";
import { expect } from "vitest";
import { allowHiding, hideFromArbiters, userOfBroker, usersOfArbiters } from "../chaos/hidden.ts";
import { type FaultName, faultNames } from "../chaos/plan/names.ts";
import { readEvidence } from "../chaos/report/read.ts";
import { type Report, reportOf } from "../chaos/report/report.ts";
import { lastLines, markdownOf } from "../chaos/report/text.ts";
import { runChaos } from "../chaos/run.ts";
import { eventually } from "../integration/harness/eventually.ts";
import { inProject } from "../integration/harness/project.ts";
import { addressOf, type SiteName } from "./network/sites.ts";
import { ports } from "./ports.ts";
import { openWorld, type World } from "./world.ts";
import { worldTest } from "./world-test.ts";

/** Chaos runs, judged from what their clients wrote down; `./run chaos` plays them for people. */
const full = process.env["CROSSIDC_FULL"] === "1";
const minuteMs = 60_000;
const seed = 7;
/** In every run of the tests, shorter than usual: three minutes of it. */
const few: readonly FaultName[] = [
  "leader-kill",
  "leader-suspend",
  "minor-suspend",
  "fixed-partition",
  "bridge",
  "etcd-minority",
];
const shortMs = 15_000;
/** Ten producers send one each 40 ms at most, for two minutes at least. */
const ackedMin = 10_000;
const listenMsMax = 10_000;

/** Whether a user's connection to a port comes about. */
async function reaches(world: World, from: SiteName, user: number, address: string): Promise<boolean> {
  const [host, port] = address.split(":");
  const dial = ["timeout", "2", "bash", "-c", `exec 3<>/dev/tcp/${host}/${port}`];
  const process = world.run(from, ["setpriv", `--reuid=${user}`, "--clear-groups", "--", ...dial]);
  return (await process.exit).code === 0;
}

worldTest("a broker that is hidden from the arbiters is reached by everybody else", async () => {
  await using world = await openWorld();
  const { listen } = ports.broker;
  const address = `${addressOf("idc1")}:${listen}`;
  const broker = await world.start({
    name: "listener",
    site: "idc1",
    address,
    command: () => [
      process.execPath,
      "-e",
      `require("net").createServer((one) => one.end()).listen(${listen}, "${addressOf("idc1")}")`,
    ],
    ready: async ({ dial }) =>
      eventually(async () => void (await dial()).destroy(), { withinMs: listenMsMax, everyMs: 50 }),
  });
  const arbiter = usersOfArbiters.user;
  const client = userOfBroker(0).user;
  expect(await allowHiding(world)).toBeUndefined();
  expect(await reaches(world, "idc1", arbiter, address)).toBe(true);

  const end = await hideFromArbiters({ world, brokers: [broker] }, [broker]);
  for (const site of ["idc1", "idc2"] as const) {
    expect(await reaches(world, site, arbiter, address)).toBe(false);
    expect(await reaches(world, site, client, address)).toBe(true);
  }
  await end();
  expect(await reaches(world, "idc2", arbiter, address)).toBe(true);
});

async function play(faults: readonly FaultName[], faultMs?: number): Promise<Report> {
  const folder = await mkdtemp(inProject(".cache/test-logs/chaos-"));
  await using world = await openWorld();
  const forMs = faults.length * 5 * minuteMs;
  await runChaos(world, {
    faults,
    seed,
    contender: "arbiter",
    settings: "lossless",
    rpo: "zero",
    folder,
    say: console.log,
    forMs,
    faultsMax: faults.length,
    ...(faultMs !== undefined && { faultMs }),
  });
  const report = reportOf(await readEvidence(folder));
  console.log(`${markdownOf(report)}\n${folder}`);
  return report;
}

function chaosTest(rule: string, faults: readonly FaultName[], faultMs?: number): void {
  worldTest(
    rule,
    async () => {
      const report = await play(faults, faultMs);
      expect(report.problems).toEqual([]);
      expect(report.missing).toEqual([]);
      expect(report.results).toHaveLength(faults.length);
      expect(report.enqueueSuccessCount).toBeGreaterThan(ackedMin);
      const [, ...lines] = lastLines(report).split("\n");
      expect(lines).toEqual(["lost 0", "duplicated 0", "reordered 0", "needless switches 0"]);
    },
    (10 + faults.length * 5) * minuteMs,
  );
}

chaosTest(
  "through a killed master, hung brokers, cuts and an etcd without a majority nothing is lost, and nobody is replaced in vain",
  few,
  full ? undefined : shortMs,
);
if (full) chaosTest("nothing is lost through any fault of the list", faultNames);
