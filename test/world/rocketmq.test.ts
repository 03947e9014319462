import { expect } from "vitest";
import { eventually } from "../integration/harness/eventually.ts";
import { serverSites } from "./network/sites.ts";
import { createTopic, setStatus } from "./rocketmq/status.ts";
import type { Server } from "./server.ts";
import { mqadminCommand } from "./servers/rocketmq.ts";
import { memoryBytesOf, startStopwatch } from "./usage.ts";
import { openWorld, type World } from "./world.ts";
import { worldTest } from "./world-test.ts";

/** What other work on the machine takes from its processors is not counted. */
const upMsMax = 40_000;
const memoryBytesMax = 3e9;
const settleMsMax = 90_000;
const timeoutMs = 280_000;

const set = "bs1";
const topic = "orders";

worldTest(
  "three sites with etcd, ZooKeeper, NameServers and a broker set are up soon, are small, and fail over",
  async () => {
    const stopwatch = startStopwatch();
    await using world = await openWorld();
    const [, , nameServers, controllers] = await Promise.all([
      world.etcd(serverSites),
      world.zooKeeper(serverSites),
      world.nameServers(serverSites),
      world.controllers(serverSites),
    ]);
    const brokers = await world.brokers(["idc1", "idc1", "idc2"], {
      set,
      cluster: "C1",
      nameServers: addresses(nameServers),
      controllers: addresses(controllers),
    });
    const up = stopwatch.read(world.network);
    const status = (): ReturnType<typeof setStatus> => statusFromAny(world, controllers);
    const complete = await eventually(
      async () => {
        const now = await status();
        expect(now.inSync.map(({ address }) => address).toSorted()).toEqual(addresses(brokers).toSorted());
        return now;
      },
      { withinMs: settleMsMax, everyMs: 200 },
    );
    const master = brokers.find(({ address }) => address === complete.masterAddress);
    if (master === undefined) throw new Error(`${complete.masterAddress} is none of the brokers`);
    const memoryBytes = memoryBytesOf(world.network);
    const seconds = (ms: number) => (ms / 1_000).toFixed(1);
    const gigabytes = (memoryBytes / 1e9).toFixed(2);
    console.log(`up in ${seconds(up.wallMs)} s, undisturbed ${seconds(up.undisturbedMs)} s; ${gigabytes} GB`);
    expect(memoryBytes).toBeLessThan(memoryBytesMax);
    expect(up.undisturbedMs).toBeLessThan(upMsMax);

    await createTopic(world.network, "clients", master.address, { name: topic, queues: 4 });
    expect(await send(world, nameServers)).toMatch(/SEND_OK/);

    // Frozen: connections stay, so the controllers notice by silence alone, after ten seconds and more.
    master.stop();
    expect(await send(world, nameServers)).not.toMatch(/SEND_OK/);
    const afterFreeze = await eventually(
      async () => {
        const now = await status();
        expect(now.masterAddress).not.toBe(master.address);
        return now;
      },
      { withinMs: settleMsMax, everyMs: 200 },
    );
    expect(afterFreeze.masterEpoch).toBeGreaterThan(complete.masterEpoch);
    await eventually(async () => expect(await send(world, nameServers)).toMatch(/SEND_OK/), { withinMs: settleMsMax });
    master.cont();

    // Killed: its connections close, and the next one is chosen at once.
    await eventually(async () => expect((await status()).inSync.length).toBeGreaterThan(1), { withinMs: settleMsMax });
    const second = brokers.find(({ address }) => address === afterFreeze.masterAddress);
    await second?.kill();
    await eventually(async () => expect((await status()).masterAddress).not.toBe(second?.address), {
      withinMs: settleMsMax,
    });
    await eventually(async () => expect(await send(world, nameServers)).toMatch(/SEND_OK/), { withinMs: settleMsMax });
  },
  timeoutMs,
);

function addresses(servers: readonly Server[]): string[] {
  return servers.map(({ address }) => address);
}

async function statusFromAny(world: World, controllers: readonly Server[]) {
  return await Promise.any(
    addresses(controllers).map((controller) => setStatus(world.network, "clients", controller, set)),
  );
}

/** One message through RocketMQ's own Java client, in a process of its own. @returns what it printed */
async function send(world: World, nameServers: readonly Server[]): Promise<string> {
  const command = [...mqadminCommand(world.network.folder), "sendMessage", "-n", addresses(nameServers).join(";")];
  const client = world.run("clients", [...command, "-t", topic, "-p", "hello"]);
  await client.exit;
  return client.output();
}
