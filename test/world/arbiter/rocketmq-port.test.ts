import { afterAll, beforeAll, expect } from "vitest";
import type { MasterInfo } from "../../../arbiter/core/controller-messages.ts";
import { eventually } from "../../integration/harness/eventually.ts";
import { worldRefusal } from "../rights.ts";
import { openPortIn, type PortInSite } from "../rocketmq/port.ts";
import { electMaster, setStatus } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";

/**
 * The port against stock brokers. They need a controller to serve at all: here their own, which is led to the same conclusions
 * as the port's role changes, so that it does not work against them.
 */
const cluster = "C1";
const set = "bs1";
const raiseMsMax = 480_000;
const testMsMax = 240_000;
const settleMsMax = 120_000;
const { signal } = new AbortController();
const calm = { timeoutMs: 10_000, signal };
const probing = { timeoutMs: 500, signal };
/** A role change may wait for an HA client that sits out its 5 s. */
const changing = { timeoutMs: 20_000, signal };
/** How late a timer or an answer may be on a machine with other work. */
const lateMsMax = 2_000;
/** Of a slave that asks for the master's replication address by itself it is 30 s and more. */
const rejoinMsMax = 25_000;

let world: World;
let nameServers: Server[];
let controllers: Server[];
let brokers: Server[];
let port: PortInSite;
let roles: { master: Server; masterId: number; slave: Server; slaveId: number; epoch: number };

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  [nameServers, controllers] = await Promise.all([world.nameServers(["idc1", "idc2"]), world.controllers(["idc1"])]);
  const where = { set, cluster, nameServers: addresses(nameServers), controllers: addresses(controllers) };
  brokers = await world.brokers(["idc1", "idc2"], { ...where, settings: { brokerPermission: 6 } });
  port = await openPortIn(world, "idc1", { nameservers: addresses(nameServers), canaryTopic: "crossidc-canary" });
  roles = await eventually(readRoles, { withinMs: settleMsMax, everyMs: 200 });
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

function portTest(name: string, run: () => Promise<void>): void {
  worldTest(name, run, testMsMax);
}

portTest("a probe tells master from slave, and where their logs end", async () => {
  const master = await port.probe(roles.master.address, calm);
  expect(master).toMatchObject({ kind: "answered", acting: true });
  const slave = await port.probe(roles.slave.address, calm);
  expect(slave).toMatchObject({ kind: "answered", acting: false });
});

portTest("the master counts its in-sync replicas with itself; a slave counts nobody", async () => {
  expect(await port.inSyncCount(roles.master.address, calm)).toBe(2);
  await expect(port.inSyncCount(roles.slave.address, calm)).rejects.toThrow(/no master/);
});

portTest("settings are read as they are in force", async () => {
  expect(await port.settings(roles.slave.address, calm)).toEqual({
    allAckInSyncStateSet: false,
    minInSyncReplicas: 1,
    flushDiskType: "ASYNC_FLUSH",
    brokerPermission: 6,
    spins: false,
  });
});

portTest("name servers show the master as the routed one, and know no set of another cluster", async () => {
  expect(await port.routedMaster(cluster, set, calm)).toBe(roles.master.address);
  expect(await port.routedMaster("C2", set, calm)).toBeNull();
});

portTest("a canary is accepted and read back on the master, and refused by a slave", async () => {
  expect(await port.canary(roles.slave.address, set, calm)).toMatchObject({ ok: false });
  expect(await port.canary(roles.master.address, set, calm)).toMatchObject({ ok: true });
  expect(await port.canary(roles.master.address, set, calm)).toMatchObject({ ok: true });
});

portTest("a stock controller is reached, a broker is no controller", async () => {
  expect(await port.reaches(controllers[0]?.address ?? "", calm)).toBe(true);
  expect(await port.reaches(roles.master.address, calm)).toBe(false);
});

portTest("a frozen broker is silent, a killed one refuses at once, a restarted one answers at once", async () => {
  const { slave } = roles;
  expect(await port.probe(slave.address, calm)).toMatchObject({ kind: "answered" });
  slave.stop();
  expect(await port.probe(slave.address, probing)).toMatchObject({ kind: "timedOut" });
  expect(port.tookMs).toBeLessThan(probing.timeoutMs + lateMsMax);
  slave.cont();
  await eventually(async () => expect(await port.probe(slave.address, calm)).toMatchObject({ kind: "answered" }), {
    withinMs: settleMsMax,
  });
  await slave.kill();
  expect(await port.probe(slave.address, calm)).toMatchObject({ kind: "refused" });
  console.log(`a killed broker refused after ${port.tookMs.toFixed(0)} ms`);
  expect(port.tookMs).toBeLessThan(lateMsMax);
  await slave.restart();
  expect(await port.probe(slave.address, calm)).toMatchObject({ kind: "answered" });
  await eventually(async () => expect(await port.inSyncCount(roles.master.address, calm)).toBe(2), {
    withinMs: settleMsMax,
  });
});

portTest("a broker behind a cut line is silent, and answers once the line is healed", async () => {
  const far = brokers.find(({ site }) => site === "idc2");
  if (far === undefined) throw new Error("one broker is in idc2");
  expect(await port.probe(far.address, calm)).toMatchObject({ kind: "answered" });
  await world.between("idc1", "idc2").cut();
  expect(await port.probe(far.address, probing)).toMatchObject({ kind: "timedOut" });
  expect(port.tookMs).toBeLessThan(probing.timeoutMs + lateMsMax);
  await world.between("idc1", "idc2").heal();
  await eventually(async () => expect(await port.probe(far.address, calm)).toMatchObject({ kind: "answered" }), {
    withinMs: settleMsMax,
  });
});

portTest("a set is switched by two role changes, each of them done when it is answered", async () => {
  roles = await eventually(readRoles, { withinMs: settleMsMax, everyMs: 200 });
  const { master: old, masterId: oldId, slave: next, slaveId: nextId, epoch } = roles;
  const { inSyncEpoch } = await status();
  const info: MasterInfo = {
    master: nextId,
    address: next.address,
    epoch: epoch + 1,
    inSync: [nextId],
    inSyncEpoch: inSyncEpoch + 1,
  };

  const demoted = await port.notify(old.address, { id: oldId, info }, changing);
  expect(demoted).toMatchObject({ answered: true });
  console.log(`demoted in ${port.tookMs.toFixed(0)} ms`);
  expect(await port.probe(old.address, calm)).toMatchObject({ acting: false });
  expect(await port.canary(old.address, set, calm)).toMatchObject({ ok: false });

  const promoted = await port.notify(next.address, { id: nextId, info }, changing);
  expect(promoted).toMatchObject({ answered: true });
  console.log(`promoted in ${port.tookMs.toFixed(0)} ms`);
  expect(await port.probe(next.address, calm)).toMatchObject({ acting: true });
  expect(await port.canary(next.address, set, calm)).toMatchObject({ ok: true });

  // The controller comes to the same: the next master, the same epochs.
  await electMaster(world.network, "clients", controllers[0]?.address ?? "", { cluster, set, id: nextId });
  expect((await status()).masterEpoch).toBe(epoch + 1);
  await eventually(async () => expect(await port.routedMaster(cluster, set, calm)).toBe(next.address), {
    withinMs: settleMsMax,
  });

  // An epoch that is not above its own: code 0, and nothing happens.
  const ignored = { ...info, master: oldId, address: old.address };
  expect(await port.notify(next.address, { id: nextId, info: ignored }, changing)).toMatchObject({ answered: false });
  expect(await port.probe(next.address, calm)).toMatchObject({ acting: true });

  // By itself the slave would look for its master's replication address up to 30 s later.
  const startedAt = performance.now();
  await port.reregister(old.address, calm);
  await eventually(async () => expect(await port.inSyncCount(next.address, calm)).toBe(2), { withinMs: rejoinMsMax });
  console.log(`in sync ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after the re-registration`);
  expect(await port.settings(old.address, calm)).toMatchObject({ brokerPermission: 6 });
  roles = await eventually(readRoles, { withinMs: settleMsMax, everyMs: 200 });
});

portTest("a broker that is given its own permission again registers within the request", async () => {
  // They forget everything, and brokers register by themselves only each 30 s.
  for (const nameServer of nameServers) await nameServer.restart();
  const before = await port.routedMaster(cluster, set, calm);
  await port.reregister(roles.master.address, calm);
  console.log(`re-registered in ${port.tookMs.toFixed(0)} ms`);
  const after = await port.routedMaster(cluster, set, calm);
  expect({ before, after }).toEqual({ before: null, after: roles.master.address });
});

portTest("a broker with authentication answers to signed requests only", async () => {
  const user = { accessKey: "arbiter", secretKey: "12345678" };
  const [locked] = await world.brokers(["idc2"], {
    set: "bs2",
    cluster,
    nameServers: addresses(nameServers),
    controllers: [],
    settings: {
      authenticationEnabled: true,
      authenticationProvider: "org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider",
      authenticationMetadataProvider:
        "org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider",
      initAuthenticationUser: JSON.stringify({ username: user.accessKey, password: user.secretKey }),
      innerClientAuthenticationCredentials: JSON.stringify(user),
    },
  });
  if (locked === undefined) throw new Error("one broker was asked for");
  const among = { nameservers: addresses(nameServers), canaryTopic: "crossidc-canary" };
  const known = await openPortIn(world, "idc2", { ...among, credentials: user });
  expect(await known.settings(locked.address, calm)).not.toBeNull();
  await known.reregister(locked.address, calm);
  expect(await known.canary(locked.address, "bs2", calm)).toMatchObject({ ok: true });
  const wrong = await openPortIn(world, "clients", { ...among, credentials: { ...user, secretKey: "1234567" } });
  expect(await wrong.settings(locked.address, calm)).toBeNull();
  expect(await port.settings(locked.address, calm)).toBeNull();
});

function addresses(servers: readonly Server[]): string[] {
  return servers.map(({ address }) => address);
}

async function status() {
  return await setStatus(world.network, "clients", controllers[0]?.address ?? "", set);
}

async function readRoles() {
  const { masterAddress, masterEpoch, inSync } = await status();
  const master = brokers.find(({ address }) => address === masterAddress);
  const slave = brokers.find(({ address }) => address !== masterAddress);
  const idOf = (server: Server | undefined) => inSync.find(({ address }) => address === server?.address)?.id;
  const [masterId, slaveId] = [idOf(master), idOf(slave)];
  if (master === undefined || slave === undefined || masterId === undefined || slaveId === undefined) {
    throw new Error(`not both are in sync: ${JSON.stringify(inSync)}`);
  }
  return { master, masterId, slave, slaveId, epoch: masterEpoch };
}
