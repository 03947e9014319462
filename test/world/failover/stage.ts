import { sitesInTurn } from "../../../arbiter/core/leader.ts";
import { setName } from "../../../arbiter/core/model.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { type SiteName, serverSites } from "../network/sites.ts";
import { createTopic, expectTopic, leadingController, type SetStatus, setStatus } from "../rocketmq/status.ts";
import type { Server, ServerOptions } from "../server.ts";
import type { ArbiterSetting } from "../servers/arbiter.ts";
import type { World } from "../world.ts";

/** Who decides: crossidc's arbiters, or RocketMQ's own controllers. */
export type Contender = "arbiter" | "stock";

export type Settings = Readonly<Record<string, string | number | boolean>>;

/** One broker set over two IDCs, and who decides over it in three sites: where failovers are played. */
export interface Stage {
  readonly world: World;
  readonly contender: Contender;
  /** Without members where RocketMQ's controllers decide: they keep their record themselves. */
  readonly etcds: readonly Server[];
  readonly nameServers: readonly Server[];
  /** Arbiters or controllers, in the order of serverSites. */
  readonly deciders: readonly Server[];
  readonly brokers: readonly Server[];
  /** Where the master is to be before each fault. */
  readonly home: SiteName;
  readonly cluster: string;
  readonly set: string;
  readonly topic: string;
  readonly queues: number;
}

/** The first of them is home. */
const usualPlaces = ["idc1", "idc1", "idc2"] as const satisfies readonly SiteName[];
const cluster = "C1";
const set = "bs1";
const topic = "orders";
const queues = 4;
const settleMsMax = 240_000;
const moveMsMax = 60_000;
/** A pull takes 32 messages otherwise; here every message is read back many times. */
const manyAtOnce = { maxTransferCountOnMessageInMemory: 512, maxTransferBytesOnMessageInMemory: 1 << 20 };

/** Everything up, the set complete, and the topic known to all its replicas. */
export async function raiseStage(
  world: World,
  options: {
    readonly contender: Contender;
    readonly settings: Settings;
    readonly places?: readonly [SiteName, ...SiteName[]];
    readonly arbiters?: Omit<ArbiterSetting, "etcds" | "nameServers" | "cluster">;
    /** Of the processes themselves. */
    readonly arbiterServers?: ServerOptions;
    readonly brokerServers?: (place: number) => ServerOptions;
  },
): Promise<Stage> {
  const { contender, settings, places = usualPlaces, arbiters = {}, arbiterServers, brokerServers } = options;
  const [home] = places;
  await world.between("idc1", "idc2").set({ delayMs: 1 });
  await world.around("witness").set({ delayMs: 3 });
  const [etcds, nameServers] = await Promise.all([
    contender === "arbiter" ? world.etcd(serverSites) : [],
    world.nameServers(serverSites),
  ]);
  const deciders =
    contender === "arbiter"
      ? await world.arbiters(serverSites, { ...arbiters, etcds, nameServers, cluster }, arbiterServers)
      : await world.controllers(serverSites);
  const brokerSet = {
    set,
    cluster,
    nameServers: addressesOf(nameServers),
    controllers: addressesOf(deciders),
    settings: { ...manyAtOnce, ...settings },
  };
  const brokers = await world.brokers(places, brokerSet, brokerServers);
  const stage: Stage = { world, contender, etcds, nameServers, deciders, brokers, home, cluster, set, topic, queues };
  const { masterAddress } = await untilComplete(stage);
  await createTopic(world.network, "clients", masterAddress, { name: topic, queues });
  const known = (): Promise<void> => expectTopic(world.network, "clients", addressesOf(brokers), topic);
  await eventually(known, { withinMs: settleMsMax, everyMs: 200 });
  return stage;
}

/** The set complete, its master at home, and who leads the stock controllers elsewhere: as far from it as the two can be. */
export async function leadFromHome(stage: Stage): Promise<SetStatus> {
  const { contender, brokers, home } = stage;
  if (contender === "stock") await leadElsewhere(stage);
  for (;;) {
    const status = await untilComplete(stage);
    const master = serverAt(brokers, status.masterAddress);
    if (master.site === home) return status;
    // The others are in sync: both are at home, or one of them is, and the policy prefers it.
    await master.kill();
    await eventually(
      async () => {
        const { masterEpoch } = await statusOf(stage);
        if (masterEpoch === status.masterEpoch) throw new Error(`${master.name} was killed, and is still the master`);
      },
      { withinMs: moveMsMax, everyMs: 200 },
    );
    await master.restart();
  }
}

/** One that is back before the others have missed it leads again. */
async function leadElsewhere(stage: Stage): Promise<void> {
  const leader = await leaderOf(stage);
  if (leader.site !== stage.home) return;
  await leader.kill();
  await eventually(
    async () => {
      const { name } = await leaderOf(stage);
      if (name === leader.name) throw new Error(`${name} was killed, and the others say that it leads`);
    },
    { withinMs: moveMsMax, everyMs: 200 },
  );
  await leader.restart();
}

/** Waits until every replica is in sync, on record. */
export async function untilComplete(stage: Stage, everyMs = 200): Promise<SetStatus> {
  return await eventually(
    async () => {
      const status = await statusOf(stage);
      const { length } = status.inSync;
      if (length < stage.brokers.length) throw new Error(`${length} of ${stage.brokers.length} replicas are in sync`);
      return status;
    },
    { withinMs: settleMsMax, everyMs },
  );
}

/** Waits until fewer than so many replicas are in sync, the master included. */
export async function untilFewer(stage: Stage, replicas: number): Promise<void> {
  await eventually(
    async () => {
      const { length } = (await statusOf(stage)).inSync;
      if (length >= replicas) throw new Error(`${length} replicas are in sync`);
    },
    { withinMs: settleMsMax, everyMs: 200 },
  );
}

/** As those deciders see it that answer; the newest epoch if they differ. */
async function statusOf({ world, deciders }: Stage): Promise<SetStatus> {
  const asked = await Promise.allSettled(
    deciders.map(({ address }) => setStatus(world.network, "clients", address, set)),
  );
  const answers = asked.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const [newest] = answers.toSorted((one, other) => other.masterEpoch - one.masterEpoch);
  if (newest === undefined) throw new Error(`nobody knows a master of ${set}`);
  return newest;
}

/** Of the arbiters the first voting site's that runs leads; stock controllers elect one. */
export async function leaderOf({ world, contender, deciders }: Stage): Promise<Server> {
  const running = deciders.filter((decider) => decider.running);
  const [first] = running;
  if (first === undefined) throw new Error("nobody runs who could decide");
  if (contender === "arbiter") return first;
  const address = await eventually(
    () => Promise.any(running.map((decider) => leadingController(world.network, "clients", decider.address))),
    { withinMs: settleMsMax, everyMs: 500 },
  );
  return serverAt(deciders, address);
}

/** Who would replace the master, and runs: of arbiters the one whose turn the set's failover is. */
export async function driverOf(stage: Stage): Promise<Server> {
  const { cluster, contender, deciders, brokers } = stage;
  if (contender !== "arbiter") return await leaderOf(stage);
  const voters = deciders.filter(({ running }) => running).map(({ site }) => site);
  const [first] = sitesInTurn(setName(cluster, stage.set), voters, new Set<string>(brokers.map(({ site }) => site)));
  const driver = deciders.find(({ site }) => site === first);
  if (driver === undefined) throw new Error("nobody runs who could decide");
  return driver;
}

export function serverAt(servers: readonly Server[], address: string): Server {
  const found = servers.find((server) => server.address === address);
  if (found === undefined) throw new Error(`no server of ours is at ${address}`);
  return found;
}

export function addressesOf(servers: readonly Server[]): string[] {
  return servers.map(({ address }) => address);
}
