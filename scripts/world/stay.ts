/**
 * Owns the world of `./run world` and stays until it ends. Its state goes to a file, for the other verbs.
 * Started by scripts/world.ts: stay.ts STATE_FILE KINDS
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { messageOf } from "#lib/errors.ts";
import { raiseStage } from "../../test/world/failover/stage.ts";
import { serverSites } from "../../test/world/network/sites.ts";
import { lossless } from "../../test/world/rocketmq/lossless.ts";
import { openWorld } from "../../test/world/world.ts";
import type { WorldState } from "./state.ts";

const lookEveryMs = 500;

const [stateFile = "", kinds = ""] = process.argv.slice(2);
const world = await openWorld();
let phase: WorldState["phase"] = "starting";
const show = (): void => {
  const { folder } = world.network;
  const servers = world.servers.map(({ name, site, address, pid, running }) => ({ name, site, address, pid, running }));
  writeFileSync(`${stateFile}.new`, JSON.stringify({ phase, folder, servers } satisfies WorldState));
  renameSync(`${stateFile}.new`, stateFile);
};
const end = async (): Promise<void> => {
  try {
    await world[Symbol.asyncDispose]();
  } catch (error) {
    console.error(messageOf(error));
  }
  rmSync(stateFile, { force: true });
  process.exit();
};
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end());

show();
// Shows who is up so far, and what a person kills or restarts by hand. `down` tells the keeper, and we see it gone.
setInterval(() => void (existsSync(world.network.folder) ? show() : end()), lookEveryMs);
try {
  await world.between("idc1", "idc2").set({ delayMs: 1 });
  await world.around("witness").set({ delayMs: 5 });
  await Promise.all(kinds.split(",").map(startKind));
  phase = "up";
} catch (error) {
  console.error(messageOf(error));
  phase = "failed";
}
show();

async function startKind(kind: string): Promise<void> {
  switch (kind) {
    case "":
      return;
    case "etcd":
      await world.etcd(serverSites);
      return;
    case "zookeeper":
      await Promise.all([world.zooKeeper(["idc1"]), world.zooKeeper(["idc2"])]);
      return;
    case "kafka":
      await Promise.all([world.kafka(["idc1"]), world.kafka(["idc2"])]);
      return;
    case "arbiter":
      await raiseStage(world, { contender: "arbiter", settings: lossless });
      return;
    case "rocketmq": {
      const [nameServers, controllers] = await Promise.all([
        world.nameServers(serverSites),
        world.controllers(serverSites),
      ]);
      const addresses = (servers: readonly { readonly address: string }[]) => servers.map(({ address }) => address);
      await world.brokers(["idc1", "idc1", "idc2"], {
        set: "bs1",
        cluster: "C1",
        nameServers: addresses(nameServers),
        controllers: addresses(controllers),
      });
      return;
    }
    default:
      throw new Error(`there is no kind of server called ${kind}`);
  }
}
