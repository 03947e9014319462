import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import type { SetReport, UnrecordedReport } from "../../../arbiter/io/api-sets.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { readSet } from "../arbiter/operators.ts";
import { addressesOf } from "../failover/stage.ts";
import { getText, httpAddressOf } from "../http.ts";
import { type SiteName, serverSites } from "../network/sites.ts";
import { actsAsMaster, changeSettings, createTopic, expectTopic, setStatus } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import { blocksOf, createReader, instead, type Reader } from "./page.ts";
import { type LoadReport, startReportedLoad } from "./reported-load.ts";

/**
 * What docs/operations.md says of taking over broker sets that others decide over, or nobody, followed under load on stock brokers; and the
 * way back. Nothing that was acknowledged is lost.
 */

const testMsMax = 580_000;
const settleMsMax = 200_000;
/** So few say nothing of what goes on; some hundred come each second. */
const ackedMin = 1_000;
const place = { cluster: "C1", set: "bs1", topic: "orders", queues: 4 } as const;
const name = "C1/bs1";

interface Takeover {
  readonly world: World;
  readonly brokers: readonly Server[];
  readonly nameServers: readonly Server[];
  readonly arbiters: readonly Server[];
  /** RocketMQ's own, one in idc1; none for a classic pair. */
  readonly controllers: readonly Server[];
  readonly reader: Reader;
}

const open: World[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world[Symbol.asyncDispose]();
});

/** A broker in each IDC, as they were before, and arbiters that know nothing of them. */
async function raise(kind: "stock" | "classic"): Promise<Takeover> {
  const world = await openWorld();
  open.push(world);
  const nameServers = await world.nameServers(["idc1", "idc2"]);
  const etcds = await world.etcd(serverSites);
  const arbiters = await world.arbiters(serverSites, { etcds, nameServers, cluster: "C1", admins: ["idc1"] });
  const controllers = kind === "stock" ? await world.controllers(["idc1"]) : [];
  const brokers: Server[] = [];
  for (const [nth, site] of (["idc1", "idc2"] as const).entries()) {
    const classic = nth === 0 ? { brokerId: 0, brokerRole: "ASYNC_MASTER" } : { brokerId: 1, brokerRole: "SLAVE" };
    const [broker] = await world.brokers([site], {
      ...{ set: place.set, cluster: place.cluster },
      nameServers: addressesOf(nameServers),
      controllers: addressesOf(controllers),
      settings: kind === "classic" ? classic : {},
    });
    if (broker === undefined) throw new Error(`no broker in ${site}`);
    brokers.push(broker);
    // Who asks first is the master of a new set.
    if (nth === 0) await untilMaster(world, broker);
  }
  const [master] = brokers;
  await createTopic(world.network, "clients", master?.address ?? "", { name: place.topic, queues: place.queues });
  const known = (): Promise<void> => expectTopic(world.network, "clients", addressesOf(brokers), place.topic);
  await eventually(known, { withinMs: settleMsMax, everyMs: 200 });
  const reader = await createReader(world, {
    arbiters,
    units: (unit, site) =>
      (unit === "rocketmq-controller" ? controllers : brokers).find((server) => server.site === site),
    paths: (site) => {
      const folder = join(world.network.folder, brokers.find((one) => one.site === site)?.name ?? "");
      return {
        "/var/lib/rocketmq/store/brokerIdentity": `${folder}/data/brokerIdentity`,
        "/var/lib/rocketmq/store/epochFileCheckpoint": `${folder}/data/epoch`,
        "/etc/rocketmq/": `${folder}/`,
      };
    },
  });
  return { world, brokers, nameServers, arbiters, controllers, reader };
}

async function untilMaster(world: World, { address }: Server): Promise<void> {
  await eventually(async () => expect(await actsAsMaster(world.network, "clients", address).catch(notYet)).toBe(true), {
    withinMs: settleMsMax,
    everyMs: 200,
  });
}

/** A classic broker has no epochs to tell of, and counts as what it was started as. */
function notYet(error: unknown): boolean {
  return error instanceof Error && /not in controller mode|answers 1007 with 1/.test(error.message);
}

function first<T>([one]: readonly T[]): T {
  if (one === undefined) throw new Error("there is none");
  return one;
}

async function until({ world, arbiters }: Takeover, isSo: (report: SetReport) => void): Promise<SetReport> {
  return await eventually(
    async () => {
      const report = await readSet(world, first(arbiters), name);
      isSo(report);
      return report;
    },
    { withinMs: settleMsMax, everyMs: 200 },
  );
}

const complete = ({ phase, inSync }: SetReport): void =>
  expect({ phase, inSync: inSync.length }).toEqual({ phase: "held", inSync: 2 });

/** A planned switch needs both: that the arbiter decides, and that the other one has everything. */
async function switches(takeover: Takeover, to: SiteName): Promise<void> {
  const move = `idcctl set switch ${name} --to ${to} --reason test`;
  await takeover.reader.follow("idc1", move, { switch: [0, 5] });
  await until(takeover, (report) => {
    complete(report);
    expect(report.brokers.find(({ role }) => role === "master")?.idc).toBe(to);
  });
}

function prove(of: string, seen: LoadReport, expected: Partial<LoadReport>): void {
  console.log(`${of}: ${JSON.stringify(seen)}`);
  expect(seen).toMatchObject({ lost: 0, duplicated: 0, ...expected });
  expect(seen.acting).toHaveLength(1);
  expect(seen.acked).toBeGreaterThan(ackedMin);
}

worldTest(
  "a set of RocketMQ's own controllers comes under the arbiters while it runs, and goes back with a short stop",
  async () => {
    const takeover = await raise("stock");
    const { world, brokers, controllers, reader } = takeover;
    const { stopControllers, tell, adopt, stopBroker, forget, startBroker } = await blocksOf(
      "Take over a set of RocketMQ's own controllers",
      ["stopControllers", "tell", "adopt", "stopBroker", "forget", "startBroker"],
    );
    const before = await eventually(
      async () => {
        const status = await setStatus(world.network, "clients", first(controllers).address, place.set);
        expect(status.inSync).toHaveLength(2);
        return status;
      },
      { withinMs: settleMsMax, everyMs: 500 },
    );
    const there = startReportedLoad({ ...takeover, ...place });
    await reader.follow("idc1", stopControllers);
    await reader.follow("idc1", tell);
    await eventually(
      async () => {
        const text = await getText(world.network, "idc1", httpAddressOf(first(takeover.arbiters)), "/v1/sets");
        const { unrecorded } = JSON.parse(text) as { unrecorded: UnrecordedReport[] };
        expect(unrecorded.map((one) => [one.name, one.brokers.length])).toEqual([[name, 2]]);
      },
      { withinMs: settleMsMax, everyMs: 1_000 },
    );
    await reader.follow("idc1", adopt);
    const taken = await until(takeover, complete);
    prove("from stock controllers", await there.report(), { ackedBy: [before.masterAddress], atOnce: 0 });
    expect(taken.master?.address).toBe(before.masterAddress);
    expect(taken.epoch).toBeGreaterThan(before.masterEpoch);
    await switches(takeover, "idc2");
    await switches(takeover, "idc1");

    const back = startReportedLoad({ ...takeover, ...place });
    const [master, slave] = brokers;
    if (master === undefined || slave === undefined) throw new Error("there are two brokers");
    const stock = instead(stopBroker, {
      "10.1.0.5:9879;10.2.0.5:9879;10.3.0.5:9879": first(controllers).address,
    });
    await reader.follow(slave.site, stock);
    await reader.follow(master.site, stock);
    await reader.follow("idc1", forget);
    await rm(first(controllers).dataDir, { recursive: true, force: true });
    await first(controllers).restart();
    await reader.follow(master.site, startBroker);
    await untilMaster(world, master);
    await reader.follow(slave.site, startBroker);
    const after = await eventually(
      async () => {
        const status = await setStatus(world.network, "clients", first(controllers).address, place.set);
        expect(status.inSync).toHaveLength(2);
        return status;
      },
      { withinMs: settleMsMax, everyMs: 500 },
    );
    expect(after.masterAddress).toBe(master.address);
    prove("back to stock controllers", await back.report(), { ackedBy: [master.address] });
  },
  testMsMax,
);

worldTest(
  "a classic pair without controllers comes under the arbiters with one short stop, and goes back the same way",
  async () => {
    const takeover = await raise("classic");
    const { brokers, reader } = takeover;
    const { toController, startBroker, show, toClassic, forget } = await blocksOf(
      "Take over a classic master and its slave",
      ["toController", "startBroker", "show", "toClassic", "forget"],
    );
    const [master, slave] = brokers;
    if (master === undefined || slave === undefined) throw new Error("there are two brokers");
    const there = startReportedLoad({ ...takeover, ...place });
    await delay(5_000);
    await reader.follow(slave.site, toController);
    await delay(3_000);
    await reader.follow(master.site, toController);
    await reader.follow(master.site, startBroker);
    await until(takeover, ({ master: found }) => expect(found?.address).toBe(master.address));
    await reader.follow("idc1", show);
    await reader.follow(slave.site, startBroker);
    await until(takeover, complete);
    prove("from a classic pair", await there.report(), { ackedBy: [master.address] });
    // The other one has everything, also what was written before.
    await switches(takeover, "idc2");
    await switches(takeover, "idc1");

    const back = startReportedLoad({ ...takeover, ...place });
    await delay(3_000);
    await reader.follow(slave.site, toClassic);
    await reader.follow(master.site, toClassic);
    await reader.follow("idc1", forget);
    await reader.follow(master.site, startBroker);
    await reader.follow(slave.site, startBroker);
    for (const { dataDir } of [master, slave])
      expect(await readFile(join(dataDir, "..", "broker.conf"), "utf8")).not.toContain("enableControllerMode=true");
    await delay(10_000);
    // A stock slave answers pulls with this alone.
    await changeSettings(takeover.world.network, "clients", slave.address, { slaveReadEnable: true });
    for (const { name: of, address } of [master, slave]) {
      const seen = await back.report(address);
      console.log(`back to a classic pair, read from ${of}: ${JSON.stringify(seen)}`);
      expect(seen).toMatchObject({ lost: 0, ackedBy: [master.address] });
    }
  },
  testMsMax,
);
