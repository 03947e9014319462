import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { SetReport, UnrecordedReport } from "../../../arbiter/io/api-sets.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { readSet } from "../arbiter/operators.ts";
import { raiseStage, type Stage, untilComplete } from "../failover/stage.ts";
import { getText, httpAddressOf } from "../http.ts";
import { addressOf, type SiteName, serverSites } from "../network/sites.ts";
import { ports } from "../ports.ts";
import { worldRefusal } from "../rights.ts";
import type { Server } from "../server.ts";
import { etcdRecipes } from "../servers/etcd.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import { blocksOf, createReader, instead, type Reader } from "./page.ts";
import { type LoadReport, startReportedLoad } from "./reported-load.ts";

/**
 * What docs/operations.md says of a lost or restored etcd, followed under load on real etcds and real brokers. No epoch goes back or is given
 * twice, there is no second master, and nothing that was acknowledged is lost but what a lost site alone had. The tests follow one another.
 */

const raiseMsMax = 480_000;
const testMsMax = 420_000;
const settleMsMax = 120_000;
/** So few say nothing of what goes on; some hundred come each second. */
const ackedMin = 1_000;
/** The master goes on through all of it: what clients see is a machine with other work. */
const gapMsMax = 5_000;
const set = "C1/bs1";

let world: World;
let stage: Stage;
let reader: Reader;
const etcds = new Map<SiteName, Server>();

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  stage = await raiseStage(world, {
    ...{ contender: "arbiter", settings: {}, places: ["idc1", "idc2"] },
    arbiters: { admins: ["idc2"] },
  });
  for (const etcd of stage.etcds) etcds.set(etcd.site, etcd);
  const policy = join(world.network.folder, "policy.yaml");
  await writeFile(policy, JSON.stringify({ policies: [{ match: "*", cooldownMs: 0 }] }));
  reader = await createReader(world, {
    arbiters: stage.deciders,
    units: (unit, site) => (unit === "etcd" ? etcds.get(site) : stage.deciders.find((one) => one.site === site)),
    paths: (site) => ({
      "/var/lib/etcd": dataOf(site),
      "/var/backups/ledger.db": join(world.network.folder, "ledger.db"),
      "policy.yaml": policy,
    }),
  });
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

function dataOf(site: SiteName): string {
  return join(world.network.folder, etcds.get(site)?.name ?? "", "data");
}

function arbiterAt(site: SiteName): Server {
  const found = stage.deciders.find((one) => one.site === site);
  if (found === undefined) throw new Error(`${site} has no arbiter`);
  return found;
}

/** The set as this site's arbiter shows it, when it is so. */
async function until(site: SiteName, isSo: (report: SetReport) => void): Promise<SetReport> {
  return await eventually(
    async () => {
      const report = await readSet(world, arbiterAt(site), set);
      isSo(report);
      return report;
    },
    { withinMs: settleMsMax, everyMs: 200 },
  );
}

/** Both brokers are heard by this site's arbiter, and not on record. */
async function untilHeard(site: SiteName): Promise<void> {
  await eventually(
    async () => {
      const text = await getText(world.network, site, httpAddressOf(arbiterAt(site)), "/v1/sets");
      const { unrecorded } = JSON.parse(text) as { unrecorded: UnrecordedReport[] };
      expect(unrecorded.map(({ name, brokers }) => [name, brokers.length])).toEqual([[set, 2]]);
    },
    { withinMs: settleMsMax, everyMs: 500 },
  );
}

const complete = (report: SetReport): void =>
  expect({ phase: report.phase, inSync: report.inSync.length, of: report.replicas }).toMatchObject({
    phase: "held",
    inSync: 2,
  });

function prove(of: string, seen: LoadReport, expected: Partial<LoadReport>): void {
  console.log(`${of}: ${JSON.stringify(seen)}`);
  expect(seen).toMatchObject({ lost: 0, duplicated: 0, atOnce: 0, ...expected });
  expect(seen.acting).toHaveLength(1);
  expect(seen.acked).toBeGreaterThan(ackedMin);
  expect(seen.gapMs).toBeLessThan(gapMsMax);
}

worldTest(
  "restored from a snapshot: the master that acts stays, though the ledger names another; every broker is in sync again",
  async () => {
    const { save } = await blocksOf("When etcd is lost or restored", ["save"]);
    const { end, restore, recover } = await blocksOf("Etcd is restored from a snapshot", ["end", "restore", "recover"]);
    await untilComplete(stage);
    await reader.follow("idc1", save);
    const before = await until("idc1", complete);
    const to = before.brokers.find(({ role }) => role !== "master")?.id;
    await reader.follow("idc1", `idcctl set switch ${set} --to ${to} --reason 'a test'`);
    const after = await until("idc1", complete);
    const load = startReportedLoad(stage);
    for (const site of serverSites) await reader.follow(site, end);
    for (const site of serverSites) await reader.follow(site, ownOf(restore, site));
    await until("idc1", ({ frozen }) => expect(frozen?.code).toBe("ledger-behind"));
    const printed = await reader.follow("idc1", recover);
    expect(printed).toContain("ledger-behind");
    const recovered = await until("idc2", complete);
    prove("snapshot", await load.report(), { ackedBy: [after.master?.address ?? ""] });
    expect(recovered.master).toEqual(after.master);
    expect(recovered.epoch).toBeGreaterThan(after.epoch);
    expect(recovered.epoch).toBeGreaterThan(1_700_000_000);
  },
  testMsMax,
);

/** As it is written there: with its own name and address. */
function ownOf(block: string, site: SiteName): string {
  const own = { idc1: "10.1.0.5", idc2: "10.2.0.5", witness: "10.3.0.5" }[site as "idc1"];
  return instead(block, {
    "--name etcd-idc1": `--name etcd-${site}`,
    "--initial-advertise-peer-urls http://10.1.0.5": `--initial-advertise-peer-urls http://${own}`,
  });
}

worldTest(
  "wiped: brokers are taken in as they are, above every epoch that they had, and the master goes on",
  async () => {
    const { end } = await blocksOf("Etcd is restored from a snapshot", ["end"]);
    const { adopt } = await blocksOf("Etcd is wiped", ["adopt"]);
    const before = await until("idc1", complete);
    const load = startReportedLoad(stage);
    for (const site of serverSites) await reader.follow(site, instead(end, { ".old": ".lost" }));
    for (const site of serverSites) await reader.follow(site, "systemctl start etcd\nsystemctl start crossidc-arbiter");
    await untilHeard("idc1");
    const printed = await reader.follow("idc1", adopt);
    expect(printed).toContain("heard, and not on record");
    const after = await until("idc2", complete);
    prove("wiped", await load.report(), { ackedBy: [before.master?.address ?? ""] });
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.brokers.map(({ id, address }) => ({ id, address }))).toEqual(
      before.brokers.map(({ id, address }) => ({ id, address })),
    );
  },
  testMsMax,
);

worldTest(
  "two of three sites are lost for good: the third goes on by an operator's word, and they are built anew",
  async () => {
    const heading = "Two of three sites are lost for good";
    const { alone, force, rejoin, clean } = await blocksOf(heading, ["alone", "force", "rejoin", "clean"]);
    const before = await until("idc2", complete);
    const survivor = before.brokers.find(({ idc }) => idc === "idc2");
    const lost = before.brokers.find(({ idc }) => idc === "idc1");
    const dead = [...stage.etcds, ...stage.deciders, ...stage.brokers].filter(({ site }) => site !== "idc2");
    await Promise.all(dead.map((server) => server.kill()));
    await Promise.all(dead.map(({ dataDir }) => rm(dataDir, { recursive: true, force: true })));
    await reader.follow("idc2", instead(alone, { ".old": ".alone" }), { "recover --all": [6] });
    await reader.follow(
      "idc2",
      instead(force, { "--master 2": `--master ${survivor?.id}`, "broker 1": `broker ${lost?.id}` }),
    );
    const forced = await until("idc2", ({ master, phase }) =>
      expect({ id: master?.id, phase }).toEqual({ id: survivor?.id, phase: "held" }),
    );
    expect(forced.epoch).toBeGreaterThan(before.epoch);
    const alive: SiteName[] = ["idc2"];
    for (const site of ["idc1", "witness"] as const) {
      alive.push(site);
      await reader.follow("idc2", instead(rejoin, { "etcd-idc1": `etcd-${site}`, "10.1.0.5": addressOf(site) }));
      etcds.set(site, await world.start(rebuilt(site, alive)));
      await arbiterAt(site).restart();
    }
    const [gone] = stage.brokers.filter(({ site }) => site === "idc1");
    await gone?.restart();
    await reader.follow("idc2", instead(clean, { "-b 1": `-b ${lost?.id}` }));
    const after = await until("witness", complete);
    expect(after.brokers.map(({ id }) => id)).not.toContain(lost?.id);
    // Three sites decide again: a master that dies is replaced.
    const load = startReportedLoad(stage);
    await until("idc1", complete);
    const master = stage.brokers.find(({ address }) => address === after.master?.address);
    await master?.kill();
    const next = await until("idc1", ({ epoch }) => expect(epoch).toBeGreaterThan(after.epoch));
    expect(next.master?.id).not.toBe(after.master?.id);
    await master?.restart();
    await until("idc2", complete);
    const seen = await load.report();
    console.log(`rebuilt: ${JSON.stringify(seen)}`);
    expect(seen).toMatchObject({ atOnce: 0 });
    expect(seen.acting).toEqual([next.master?.address]);
  },
  testMsMax,
);

/** A member on a new machine: it joins those that are there. */
function rebuilt(site: SiteName, members: readonly SiteName[]) {
  const placed = members.map((one) => ({
    ...{ name: `etcd-${one}`, site: one, host: addressOf(one) },
    ports: { client: ports.etcd.client, peer: ports.etcd.peer },
  }));
  const recipe = etcdRecipes(placed).at(members.indexOf(site));
  if (recipe === undefined) throw new Error(`${site} is none of ${members.join(", ")}`);
  return {
    ...recipe,
    name: `etcd-${site}-anew`,
    command: (folder: string) => recipe.command(folder).map((word) => (word === "new" ? "existing" : word)),
  };
}
