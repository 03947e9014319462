import { expect } from "vitest";
import { connectApplication } from "../integration/harness/application.ts";
import { eventually } from "../integration/harness/eventually.ts";
import { addressOf } from "./network/sites.ts";
import { daemonRecipe } from "./servers/daemon.ts";
import { openWorld } from "./world.ts";
import { worldTest } from "./world-test.ts";

const timeoutMs = 150_000;
/** Longest way of a change: a session has to come back after a cut. */
const carriedMsMax = 40_000;

worldTest(
  "a replicator carries over what was written while its sites were cut, and what its crash left",
  async () => {
    await using world = await openWorld();
    await world.between("idc1", "idc2").set({ delayMs: 5 });
    const [[source], [target]] = await Promise.all([world.zooKeeper(["idc1"]), world.zooKeeper(["idc2"])]);
    if (source === undefined || target === undefined) throw new Error("one server was asked for in each IDC");
    const address = `${addressOf("idc2")}:7401`;
    const link = {
      name: "zms",
      kind: "zookeeper",
      source: { servers: [source.address] },
      target: { servers: [target.address] },
      rules: [{ match: "/zms/**", to: "/zms/**" }],
    };
    const config = JSON.stringify({ site: "idc2", http: { listen: address }, links: [link] });
    await using writer = await connectApplication((await world.door("idc1", source.address)).address);
    await using reader = await connectApplication((await world.door("idc2", target.address)).address);
    await writer.mkdirp("/zms/topic/orders", "1");
    const replicator = await world.start(
      daemonRecipe({ launcher: "crossidc-replicator", site: "idc2", address, config }),
    );
    const carried = async (data: string) =>
      await eventually(async () => expect(await reader.text("/zms/topic/orders")).toBe(data), {
        withinMs: carriedMsMax,
        everyMs: 100,
      });
    await carried("1");

    const cut = world.between("idc1", "idc2").cutFor(12_000);
    await writer.set("/zms/topic/orders", "2");
    await cut;
    await carried("2");

    await replicator.kill();
    await writer.set("/zms/topic/orders", "3");
    await replicator.restart();
    await carried("3");
  },
  timeoutMs,
);
