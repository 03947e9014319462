import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RouteReport, StatusReport } from "../../../idc-router/io/api.ts";
import { type Application, connectApplication } from "../harness/application.ts";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { startZooKeeper, type ZooKeeperServer } from "../harness/zookeeper.ts";

/** The router as its launcher starts it, with a real etcd and a real ZooKeeper that change, hang and go. */

const startMsMax = 60_000;
const settleMsMax = 20_000;
/** From the write's answer to the answer of a client that waits. */
const obeyMsMax = 500;
const prefix = "/crossidc/test/";

let etcd: EtcdCluster;
let zooKeeper: ZooKeeperServer;
let application: Application;
let folder: string;
let router: RunningProcess;
let base: string;
let config: string;

beforeAll(async () => {
  [etcd, zooKeeper] = await Promise.all([startEtcd({ size: 1 }), startZooKeeper({ version: "3.8" })]);
  application = await connectApplication(zooKeeper.address);
  await application.mkdirp("/zms/topic/orders", "clusterName=K1\n");
}, 120_000);

afterAll(async () => {
  await application?.[Symbol.asyncDispose]();
  await zooKeeper?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crossidc-router-"));
  const [port] = await freePorts(1);
  base = `http://127.0.0.1:${port}`;
  config = join(folder, "idc-router.yaml");
  await writeFile(
    config,
    JSON.stringify({
      environment: "test",
      site: "idc1",
      idcs: [
        { name: "idc1", cidrs: ["10.1.0.0/16"] },
        { name: "idc2", cidrs: ["10.2.0.0/16"] },
      ],
      etcd: { endpoints: etcd.endpoints },
      http: { listen: `127.0.0.1:${port}` },
      topics: { servers: [zooKeeper.address], path: "/zms/topic/{topic}", sessionTimeoutMs: 4_000 },
      clusters: ["K1", "K2"].map((name) => ({
        name,
        kind: "kafka",
        bootstrap: { idc1: [`${name}-1:9092`], idc2: [`${name}-2:9092`] },
      })),
      lastGood: "table.json",
    }),
  );
  await start();
});

afterEach(async () => {
  await router.kill();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  router = startProcess(inProject("bin/crossidc-router"), ["--config", config]);
  await router.waitForLine(/router started/, { timeoutMs: startMsMax });
}

async function ask<T>(path: string, headers: Record<string, string> = {}): Promise<{ body: T; etag: string }> {
  const response = await fetch(base + path, { headers });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return { body: (await response.json()) as T, etag: response.headers.get("etag") ?? "" };
}

const route = "/v1/topics/orders/route?idc=idc1";
const bootstrap = async (): Promise<string> => (await ask<RouteReport>(route)).body.bootstrap.join();
const status = async (): Promise<StatusReport> => (await ask<StatusReport>("/v1/status")).body;
const usually = { withinMs: settleMsMax, everyMs: 50 };

async function wish(state: string, epoch: number): Promise<void> {
  const record = JSON.stringify({ schema: 1, idc: "idc1", state, weight: 100, epoch, reason: "a drill", at: 0 });
  await etcd.ctl("put", `${prefix}idcs/idc1`, record);
}

let epoch = 0;
const nextEpoch = (): number => {
  epoch += 1;
  return epoch;
};

test("what operators want of an IDC is obeyed within half a second, and by whoever waits", async () => {
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
  const { etag } = await ask<RouteReport>(route);
  const waiting = ask<RouteReport>(`${route}&wait=30s`, { "if-none-match": etag });
  await wish("drained", nextEpoch());
  const writtenAt = performance.now();
  expect((await waiting).body.bootstrap).toEqual(["K1-2:9092", "K1-1:9092"]);
  const tookMs = performance.now() - writtenAt;
  console.log(`told ${Math.round(tookMs)} ms after the write was acknowledged`);
  expect(tookMs).toBeLessThan(obeyMsMax);
  await wish("active", nextEpoch());
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
});

test("a topic that moves to another cluster in ZooKeeper moves here, and one that is gone is unknown", async () => {
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
  await application.set("/zms/topic/orders", "clusterName=K2\n");
  await eventually(async () => expect(await bootstrap()).toBe("K2-1:9092,K2-2:9092"), usually);
  await application.create("/zms/topic/new", Buffer.from("clusterName=K1\n"));
  await eventually(async () => void (await ask("/v1/topics/new/route")), usually);
  await application.remove("/zms/topic/new");
  await eventually(async () => expect((await fetch(`${base}/v1/topics/new/route`)).status).toBe(404), usually);
  await application.set("/zms/topic/orders", "clusterName=K1\n");
});

test("started with every source away it answers from the last good table, is ready, and says what is away", async () => {
  await wish("drained", nextEpoch());
  await eventually(async () => expect(await bootstrap()).toBe("K1-2:9092,K1-1:9092"), usually);
  await eventually(async () => expect((await status()).sources).toMatchObject([{ ok: true }, { ok: true }]), usually);
  // It writes once a second, and once more at its end.
  expect((await router.kill("SIGTERM")).code).toBe(0);
  for (const member of etcd.members) member.stop();
  zooKeeper.stop();
  try {
    await start();
    expect(await bootstrap()).toBe("K1-2:9092,K1-1:9092");
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    await eventually(async () => {
      const { sources } = await status();
      expect(sources.map(({ source, ok }) => [source, ok])).toEqual([
        ["ledger", false],
        ["metadata", false],
      ]);
    }, usually);
  } finally {
    for (const member of etcd.members) member.cont();
    zooKeeper.cont();
  }
  await wish("active", nextEpoch());
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
});

test("an etcd that hangs is told, changes nothing, and is followed again when it goes on", async () => {
  await eventually(
    async () => expect((await status()).sources[0]).toMatchObject({ source: "ledger", ok: true }),
    usually,
  );
  for (const member of etcd.members) member.stop();
  try {
    await eventually(async () => expect((await status()).sources[0]).toMatchObject({ ok: false }), usually);
    expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092");
  } finally {
    for (const member of etcd.members) member.cont();
  }
  await wish("drained", nextEpoch());
  await eventually(async () => expect(await bootstrap()).toBe("K1-2:9092,K1-1:9092"), usually);
  await wish("active", nextEpoch());
});

test("an operator's wish with a lower epoch changes nothing", async () => {
  await wish("drained", nextEpoch());
  await eventually(async () => expect((await status()).idcs).toMatchObject([{ state: "drained" }]), usually);
  await wish("active", epoch - 1);
  const { revision } = await status();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await status()).toMatchObject({ revision, idcs: [{ state: "drained" }] });
  await wish("active", nextEpoch());
});
