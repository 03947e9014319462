import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { type Application, connectApplication } from "../integration/harness/application.ts";
import { eventually } from "../integration/harness/eventually.ts";
import { inProject } from "../integration/harness/project.ts";
import { perfect } from "./network/quality.ts";
import { type SiteName, serverSites } from "./network/sites.ts";
import { worldRefusal } from "./rights.ts";
import type { Server } from "./server.ts";
import { openWorld, type World } from "./world.ts";
import { worldTest } from "./world-test.ts";

const startMsMax = 150_000;
/** Usually an answer takes a few ms: none in this time means that none comes. */
const silenceMs = 500;
/** Longest wait for servers to find together again after a fault. */
const settleMsMax = 60_000;

let world: World;
let zooKeepers: Server[];
let etcds: Server[];

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  [zooKeepers, etcds] = await Promise.all([world.zooKeeper(serverSites), world.etcd(serverSites)]);
}, startMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

function at<Of extends { readonly site: SiteName }>(site: SiteName, servers: readonly Of[]): Of {
  const found = servers.find((server) => server.site === site);
  if (found === undefined) throw new Error(`no server at ${site}`);
  return found;
}

/** An application in a site, with a client that is not ours. */
async function applicationAt(site: SiteName, server: Server): Promise<Application> {
  return await connectApplication((await world.door(site, server.address)).address, { sessionTimeoutMs: 60_000 });
}

async function etcdctl(site: SiteName, member: Server, ...args: readonly string[]) {
  const command = [inProject(".cache/etcd/usr/bin/etcdctl"), "--endpoints", member.address, "--command-timeout", "3s"];
  const process = world.run(site, [...command, ...args]);
  const { code } = await process.exit;
  return { code, stdout: process.output("stdout") };
}

/** What the promise gives, or "silence" when it gives nothing for a while. */
async function heard(answer: Promise<string>): Promise<string> {
  return await Promise.race([answer, delay(silenceMs, "silence")]);
}

worldTest("a write to an ensemble waits for the distance of its quorum", async () => {
  await using application = await applicationAt("idc1", at("idc1", zooKeepers));
  await application.create("/distance");
  await world.everywhere.set({ delayMs: 15 });
  const startedAt = performance.now();
  await application.set("/distance", "far");
  const tookMs = performance.now() - startedAt;
  await world.everywhere.set(perfect);
  // To another member and back, at least; from a follower also to the leader and back.
  expect(tookMs).toBeGreaterThanOrEqual(30);
});

worldTest("over a line that loses one packet in twenty an application's writes all arrive, in order", async () => {
  await using application = await applicationAt("clients", at("idc2", zooKeepers));
  await application.create("/lossy");
  await world.between("clients", "idc2").set({ lossRatio: 0.05, delayMs: 2 });
  for (let write = 1; write <= 100; write += 1) await application.set("/lossy", String(write));
  await world.everywhere.set(perfect);
  expect(await application.text("/lossy")).toBe("100");
  expect((await application.stat("/lossy"))?.version).toBe(100);
});

worldTest("over a line that is cut one way requests arrive and answers do not", async () => {
  const server = at("idc2", zooKeepers);
  await using far = await applicationAt("idc1", server);
  await using near = await applicationAt("idc2", server);
  await world.from("idc2").to("idc1").cut();
  const answer = far.create("/one-way").then(() => "answered");
  await eventually(async () => expect(await near.stat("/one-way")).not.toBeNull(), { withinMs: 10_000 });
  expect(await heard(answer)).toBe("silence");
  await world.from("idc2").to("idc1").heal();
  expect(await answer).toBe("answered");
});

worldTest("two sites cut for some seconds go on where they were", async () => {
  const startedAt = performance.now();
  await world.between("idc1", "idc2").cutFor(2_000);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(2_000);
  for (const { heard, sent } of await world.reach()) expect(heard).toBe(sent);
});

worldTest("a site that is cut off has no quorum, and the other two have", async () => {
  await world.around("idc1").cut();
  const [lonely, other] = [at("idc1", etcds), at("idc2", etcds)];
  // Not answered is not undone: a follower's proposal may reach the leader after the cut. So it is about a key of its own.
  expect((await etcdctl("idc1", lonely, "put", "lonely", "idc1")).code).not.toBe(0);
  await eventually(async () => expect((await etcdctl("clients", other, "put", "who", "others")).code).toBe(0), {
    withinMs: settleMsMax,
  });
  await world.around("idc1").heal();
  await eventually(async () => expect((await etcdctl("idc1", lonely, "get", "who")).stdout).toBe("who\nothers\n"), {
    withinMs: settleMsMax,
  });
});

worldTest("a frozen server is silent and keeps its connections; a killed one drops them", async () => {
  const [server] = await world.zooKeeper(["witness"]);
  if (server === undefined) throw new Error("one server was asked for");
  await using application = await applicationAt("clients", server);
  await application.create("/frozen");
  server.stop();
  const answer = application.stat("/frozen").then(() => "answered");
  expect(await heard(answer)).toBe("silence");
  server.cont();
  expect(await answer).toBe("answered");

  await server.kill();
  await expect(world.network.dial("clients", server.address)).rejects.toThrow("ECONNREFUSED");
  await server.restart();
  await using again = await applicationAt("clients", server);
  expect(await again.stat("/frozen")).not.toBeNull();
});

worldTest("a server whose disk is full refuses, and has lost nothing when there is room again", async () => {
  const [server] = await world.zooKeeper(["witness"], { diskBytes: 4_000_000 });
  if (server === undefined) throw new Error("one server was asked for");
  {
    await using application = await applicationAt("clients", server);
    await application.create("/kept", "before");
    await server.fillDisk();
    await expect(application.create("/refused", "x".repeat(500_000))).rejects.toThrow(/create \/refused/);
  }
  await server.freeDisk();
  await server.restart();
  await using application = await applicationAt("clients", server);
  expect(await application.tree("/kept")).toEqual({ "/kept": "before" });
});

worldTest("a server's wall clock can be wrong, and right again", async () => {
  const [server] = await world.zooKeeper(["witness"], { ownClock: true });
  if (server === undefined) throw new Error("one server was asked for");
  await using application = await applicationAt("clients", server);
  await application.create("/clock");
  const aheadMs = async () => {
    await application.set("/clock", "now");
    const stat = await application.stat("/clock");
    return Number(stat?.mtimeMs) - Date.now();
  };
  expect(Math.abs(await aheadMs())).toBeLessThan(2_000);
  for (const wanted of [3_600_000, -60_000, 0]) {
    await server.setClock(wanted);
    await eventually(async () => expect(Math.abs((await aheadMs()) - wanted)).toBeLessThan(2_000), {
      withinMs: 10_000,
      everyMs: 200,
    });
  }
});
