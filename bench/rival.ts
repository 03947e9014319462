/**
 * How RocketMQ's own controller fails over when a site, a link or a broker is lost: what the arbiter has to beat, under the same
 * faults, seen by the same senders. A world of three sites with three controllers, and two broker sets in the same places (two
 * replicas in idc1 with the master, one in idc2): one with default settings, one that is set to lose nothing.
 * Usage: ./run bench rival [--runs N] [--faults kill,freeze,site,link]
 */
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { messageOf } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import { eventually } from "../test/integration/harness/eventually.ts";
import { type SiteName, serverSites } from "../test/world/network/sites.ts";
import { readQueue } from "../test/world/rocketmq/messages.ts";
import { createRemoting } from "../test/world/rocketmq/remoting.ts";
import {
  createTopic,
  electMaster,
  leadingController,
  type SetStatus,
  setStatus,
} from "../test/world/rocketmq/status.ts";
import type { Server } from "../test/world/server.ts";
import { openWorld, type World } from "../test/world/world.ts";
import { type Sender, startSender } from "./rival/sender.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "5" }, faults: { type: "string", default: "kill,freeze,site,link" } },
});

/** Long enough for every fault to have been answered: the slowest election seen takes 15 s. */
const faultMs = 30_000;
const quietMs = 4_000;
const settleMsMax = 240_000;
const pollMs = 100;
const answerMsMax = 4_000;
/** A slave learns of a new topic within about ten seconds. */
const topicMs = 12_000;
const queues = 4;
const cluster = "C1";

type Fault = "kill" | "freeze" | "site" | "link";
type SetName = "defaults" | "lossless";

const settings: Record<SetName, Readonly<Record<string, string | number | boolean>>> = {
  defaults: {},
  lossless: { allAckInSyncStateSet: true, minInSyncReplicas: 2 },
};
const setNames = ["defaults", "lossless"] as const satisfies readonly SetName[];

/** What one fault did to one broker set. Times in ms from the fault; undefined: not while it was watched. */
interface Outcome {
  readonly fault: Fault;
  readonly set: SetName;
  readonly electedMs: number | undefined;
  readonly firstOkMs: number | undefined;
  readonly oldLastOkMs: number | undefined;
  readonly acked: number;
  readonly lost: number;
}

interface Stage {
  readonly world: World;
  readonly controllers: readonly Server[];
  readonly brokers: Readonly<Record<SetName, readonly Server[]>>;
}

const outcomes: Outcome[] = [];
for (const fault of values.faults.split(",") as Fault[]) {
  for (let done = 0; done < Number(values.runs); ) {
    await using world = await openWorld();
    try {
      const stage = await raise(world);
      for (; done < Number(values.runs); done += 1) {
        const of = await playOnce(stage, fault);
        outcomes.push(...of);
        for (const outcome of of) console.error(line(outcome).join("  "));
      }
    } catch (error) {
      console.error(`${fault}: a new world, as this one does not settle: ${messageOf(error).split("\n")[0]}`);
    }
  }
}
report();

async function raise(world: World): Promise<Stage> {
  await world.between("idc1", "idc2").set({ delayMs: 1 });
  await world.around("witness").set({ delayMs: 3 });
  const [nameServers, controllers] = await Promise.all([
    world.nameServers(serverSites),
    world.controllers(serverSites),
  ]);
  const places = { cluster, nameServers: addresses(nameServers), controllers: addresses(controllers) };
  const start = (set: SetName) => world.brokers(["idc1", "idc1", "idc2"], { set, ...places, settings: settings[set] });
  const stage: Stage = {
    world,
    controllers,
    brokers: { defaults: await start("defaults"), lossless: await start("lossless") },
  };
  await complete(stage);
  for (const set of setNames) {
    const { masterAddress } = await statusOf(stage, set);
    await createTopic(world.network, "clients", masterAddress, { name: topicOf(set), queues });
  }
  await delay(topicMs);
  return stage;
}

/** One fault, from a set that is complete and led from idc1 to the same. */
async function playOnce(stage: Stage, fault: Fault): Promise<Outcome[]> {
  const { world, brokers } = stage;
  await leadFromIdc1(stage);
  const before = { defaults: await statusOf(stage, "defaults"), lossless: await statusOf(stage, "lossless") };
  const senders = setNames.flatMap((set) =>
    brokers[set].flatMap(({ address }) =>
      (["idc1", "idc2"] as const).map((site) => ({
        set,
        ...startSender(world.network, { site, broker: address, topic: topicOf(set), queues }),
      })),
    ),
  );
  await delay(quietMs);
  const masters = setNames.map((set) => serverAt(brokers[set], before[set].masterAddress));
  const restore = await strike(stage, fault, masters);
  const startedAt = performance.now();
  const elected = await watchElections(stage, before, startedAt);
  await restore();
  await delay(quietMs);
  await Promise.all(senders.map((sender) => sender.stop()));
  await complete(stage);

  return await Promise.all(
    setNames.map(async (set): Promise<Outcome> => {
      const ofSet = senders.filter((sender) => sender.set === set);
      const old = before[set].masterAddress;
      const kept = await storedIds(stage, set);
      const acked = ofSet.flatMap((sender) => sender.acked);
      return {
        fault,
        set,
        electedMs: elected[set],
        firstOkMs: minimum(
          okTimes(
            ofSet.filter(({ broker, site }) => broker !== old && site === "idc2"),
            startedAt,
          ),
        ),
        oldLastOkMs: maximum(
          okTimes(
            ofSet.filter(({ broker }) => broker === old),
            startedAt,
          ),
        ),
        acked: acked.length,
        lost: acked.filter(({ id }) => !kept.has(id)).length,
      };
    }),
  );
}

/** Makes the fault. @returns what ends it */
async function strike(stage: Stage, fault: Fault, masters: readonly Server[]): Promise<() => Promise<void>> {
  const { world } = stage;
  switch (fault) {
    case "kill":
      await Promise.all(masters.map((master) => master.kill()));
      return async () => void (await Promise.all(masters.map((master) => master.restart())));
    case "freeze":
      for (const master of masters) master.stop();
      return async () => {
        for (const master of masters) master.cont();
      };
    case "site":
      await world.around("idc1").cut();
      return () => world.around("idc1").heal();
    case "link": {
      const line = world.between("idc1", await leadersSite(stage));
      await line.cut();
      return () => line.heal();
    }
  }
}

/** When the controllers first named another master, for each set. Watches until the fault is over. */
async function watchElections(
  stage: Stage,
  before: Readonly<Record<SetName, SetStatus>>,
  startedAt: number,
): Promise<Partial<Record<SetName, number>>> {
  const elected: Partial<Record<SetName, number>> = {};
  while (performance.now() - startedAt < faultMs) {
    for (const set of setNames) {
      if (elected[set] !== undefined) continue;
      const now = await statusOf(stage, set).catch(() => undefined);
      if (now !== undefined && now.masterEpoch > before[set].masterEpoch) elected[set] = performance.now() - startedAt;
    }
    await delay(pollMs);
  }
  return elected;
}

/** The master of both sets in idc1, the leading controller elsewhere: as far from it as the two can be. */
async function leadFromIdc1(stage: Stage): Promise<void> {
  const { world, controllers, brokers } = stage;
  while ((await leadersSite(stage)) === "idc1") {
    const leader = controllers.find(({ site }) => site === "idc1");
    await leader?.restart();
    await delay(quietMs);
  }
  for (const set of setNames) {
    const { masterAddress, inSync } = await statusOf(stage, set);
    const inIdc1 = brokers[set].filter(({ site }) => site === "idc1").map(({ address }) => address);
    const wanted = inSync.find(({ address }) => inIdc1.includes(address));
    if (inIdc1.includes(masterAddress) || wanted === undefined) continue;
    const [controller] = addresses(controllers);
    await electMaster(world.network, "clients", controller ?? "", { cluster, set, id: wanted.id });
  }
  await complete(stage);
}

/** Waits until every replica of both sets is in sync. */
async function complete(stage: Stage): Promise<void> {
  await eventually(
    async () => {
      for (const set of setNames) {
        const { inSync } = await statusOf(stage, set);
        if (inSync.length < stage.brokers[set].length) throw new Error(`${set}: ${inSync.length} replicas are in sync`);
      }
    },
    { withinMs: settleMsMax, everyMs: 500 },
  );
}

/** As a controller of those that answer sees it; the newest epoch if they differ. */
async function statusOf({ world, controllers }: Stage, set: SetName): Promise<SetStatus> {
  const asked = await Promise.allSettled(
    addresses(controllers).map((controller) => setStatus(world.network, "clients", controller, set)),
  );
  const answers = asked.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const [newest] = answers.sort((one, other) => other.masterEpoch - one.masterEpoch);
  if (newest === undefined) throw new Error(`no controller knows a master of ${set}`);
  return newest;
}

async function leadersSite({ world, controllers }: Stage): Promise<SiteName> {
  const leader = await eventually(
    () =>
      Promise.any(addresses(controllers).map((controller) => leadingController(world.network, "clients", controller))),
    { withinMs: settleMsMax, everyMs: 500 },
  );
  return serverAt(controllers, leader).site;
}

async function storedIds({ world, ...stage }: Stage, set: SetName): Promise<Set<string>> {
  const { masterAddress } = await statusOf({ world, ...stage }, set);
  await using broker = createRemoting(await world.network.dial("clients", masterAddress));
  const ids = new Set<string>();
  for (let queue = 0; queue < queues; queue += 1) {
    for (const body of await readQueue(broker, { topic: topicOf(set), queue }, answerMsMax)) ids.add(body.trim());
  }
  return ids;
}

function okTimes(senders: readonly Sender[], startedAt: number): number[] {
  return senders.flatMap(({ acked }) => acked.map(({ atMs }) => atMs - startedAt)).filter((ms) => ms > 0);
}

function serverAt(servers: readonly Server[], address: string): Server {
  const found = servers.find((server) => server.address === address);
  if (found === undefined) throw new Error(`no server of ours is at ${address}`);
  return found;
}

function addresses(servers: readonly Server[]): string[] {
  return servers.map(({ address }) => address);
}

function topicOf(set: SetName): string {
  return `orders-${set}`;
}

function minimum(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((least, number) => Math.min(least, number));
}

function maximum(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((most, number) => Math.max(most, number));
}

function line({ fault, set, electedMs, firstOkMs, oldLastOkMs, acked, lost }: Outcome): string[] {
  return [fault, set, ...[electedMs, firstOkMs, oldLastOkMs].map(seconds), String(acked), String(lost)];
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "-" : (ms / 1_000).toFixed(1);
}

function report(): void {
  const load = loadavg().map((value) => value.toFixed(0));
  console.log(`${cpus().length} cores, load ${load.join(" ")}, Node ${process.version}; seconds from the fault\n`);
  const header = ["fault", "set", "elected", "first OK", "old master's last OK", "acked", "lost"];
  console.log(formatTable(header, outcomes.map(line)));
}
