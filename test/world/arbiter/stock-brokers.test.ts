import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { MasterInfo } from "../../../arbiter/core/controller-messages.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { inProject } from "../../integration/harness/project.ts";
import { cluster, type ScriptLine, set } from "../../simulation/arbiter/stock/script.ts";
import { retell, type StoryWorld } from "../../simulation/arbiter/stock/story.ts";
import { addressOf } from "../network/sites.ts";
import { ports } from "../ports.ts";
import { createSwitchboard } from "../rocketmq/dial.ts";
import { lossless } from "../rocketmq/lossless.ts";
import { sendMessage } from "../rocketmq/messages.ts";
import { openPortIn, type PortInSite } from "../rocketmq/port.ts";
import type { Server } from "../server.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";

/**
 * The story that the simulation's brokers are held against, told to stock brokers. Their controller says what the story says;
 * everything else is theirs.
 */
const storyMsMax = 900_000;
const { signal } = new AbortController();
const calm = { timeoutMs: 10_000, signal };
/** A role change may wait for an HA client that sits out its 5 s. */
const changing = { timeoutMs: 20_000, signal };
const bootMsMax = 150_000;
/** Their timers have periods of 5 s: what has not changed for so long does not change by itself. */
const stillMs = 16_000;
const lookEveryMs = 2_000;
const sendMsMax = 8_000;
/** Stored here, and perhaps nowhere else: FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT. */
const unsafeCodes = [10, 11, 12];
const site = "idc1";

worldTest(
  "stock brokers do what the simulation's brokers are held to",
  async () => {
    const story = await readFile(inProject("test/simulation/arbiter/testdata/stock-brokers.txt"), "utf8");
    await using world = await openWorld();
    expect(await retell(story, await raise(world))).toBe(story);
  },
  storyMsMax,
);

async function raise(world: World): Promise<StoryWorld> {
  const controller = `${addressOf(site)}:${ports.controller.listen}`;
  const script = await startController(world, controller);
  const nameServers = (await world.nameServers([site])).map(({ address }) => address);
  const brokers: Server[] = [];
  const switchboard = createSwitchboard(world.network, site, calm.timeoutMs);
  const port = await openPortIn(world, site, { nameservers: nameServers, canaryTopic: "crossidc-canary" });
  const brokerOf = (name: string): Server => {
    const broker = brokers[Number(name) - 1];
    if (broker === undefined) throw new Error(`broker ${name} was never started`);
    return broker;
  };
  let messages = 0;
  const look: StoryWorld["look"] = async (name) => {
    const broker = brokers[Number(name) - 1];
    if (broker?.running !== true) return undefined;
    const { address } = broker;
    return await eventually(() => lookAt(port, address), { withinMs: bootMsMax, everyMs: 500 });
  };
  return {
    async start(name) {
      const known = brokers[Number(name) - 1];
      if (known === undefined)
        brokers.push(
          ...(await world.brokers([site], {
            set,
            cluster,
            nameServers,
            controllers: [controller],
            settings: lossless,
          })),
        );
      else await known.restart();
    },
    kill: (name) => brokerOf(name).kill(),
    say: async (master, epoch) => void (await script({ master, epoch, order: false })),
    hush: async () => void (await script({ hush: true })),
    async tell(name, master, epoch) {
      const info = await script({ master, epoch, order: true });
      if (info === null) throw new Error("an order names a master");
      await port.notify(brokerOf(name).address, { id: Number(name), info }, changing);
    },
    async send(name) {
      messages += 1;
      const connection = await switchboard.to(brokerOf(name).address);
      const code = await sendMessage(connection, { topic: "story", queue: 0, body: `m${messages}` }, sendMsMax);
      return code === 0 ? "acknowledged" : unsafeCodes.includes(code) ? "stored, not safe" : "refused";
    },
    async setMinInSync(name, minInSyncReplicas) {
      await port.lowerBarrier(brokerOf(name).address, { minInSyncReplicas, brokerPermission: 6 }, calm);
    },
    async settle() {
      let last = "";
      for (let since = performance.now(); performance.now() - since < stillMs; await delay(lookEveryMs)) {
        // By themselves they would ask for each other's replication address each 30 s.
        for (const { address, running } of brokers) if (running) await port.reregister(address, calm);
        const now = JSON.stringify([await look("1"), await look("2")], (_key, value: unknown) =>
          typeof value === "bigint" ? String(value) : value,
        );
        if (now !== last) since = performance.now();
        last = now;
      }
    },
    look,
  };
}

/** @throws while it does not answer */
async function lookAt(port: PortInSite, address: string) {
  const probed = await port.probe(address, calm);
  const master = await port.isMaster(address, calm);
  if (probed.kind !== "answered" || probed.reading === null || master === null)
    throw new Error(`${address} does not say how it stands: ${JSON.stringify(probed.kind)}`);
  const { epoch, maxOffset: end } = probed.reading;
  return {
    master: probed.acting,
    byRole: master,
    epoch,
    end,
    inSync: probed.acting && master ? await port.inSyncCount(address, calm) : null,
  };
}

type Say = (line: ScriptLine) => Promise<MasterInfo | null>;

async function startController(world: World, address: string): Promise<Say> {
  const socketFile = join(world.network.folder, "scripted-controller");
  const command = [process.execPath, inProject("test/world/clients/scripted-controller.ts"), socketFile, address];
  await world.run(site, command).waitForLine(/ready/, { timeoutMs: bootMsMax });
  const socket = connect({ path: socketFile });
  await once(socket, "connect");
  const lines = createInterface({ input: socket });
  return async (next) => {
    const said = once(lines, "line");
    socket.write(`${JSON.stringify(next)}\n`);
    const [line] = (await said) as [string];
    return JSON.parse(line) as MasterInfo | null;
  };
}
