import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { RouteReport, StatusReport } from "../../../idc-router/io/api.ts";
import { connect, type Route } from "../../../sdk/main.ts";
import { type Application, connectApplication } from "../harness/application.ts";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { type IdcWish, idcEntry } from "../harness/idc-entry.ts";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { startZooKeeper, type ZooKeeperServer } from "../harness/zookeeper.ts";

/** The router as its launcher starts it, with a real etcd and a real ZooKeeper that change, hang and go. */

const startMsMax = 60_000;
const settleMsMax = 20_000;
/** From the write's answer to the answer of a client that waits. */
const obeyMsMax = 500;
/** From a write in ZooKeeper, which is not acknowledged yet then, to what a client is told. */
const gatedMsMax = 1_000;

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
        watch: false,
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
const sources = async (): Promise<[string, boolean][]> =>
  (await status()).sources.map(({ source, ok }) => [source, ok]);
const usually = { withinMs: settleMsMax, everyMs: 50 };

async function wish(state: IdcWish["state"], epoch: number, weight = 100): Promise<void> {
  const { key, text } = idcEntry("test", "idc1", { state, epoch, weight });
  await etcd.ctl("put", key, text);
}

let epoch = 0;
const nextEpoch = (): number => {
  epoch += 1;
  return epoch;
};

const shares = (report: { decision: { levels: readonly { share: number }[] } }): number[] =>
  report.decision.levels.map(({ share }) => share);

/** The routes of one SSE watch, as they come. */
async function* watch(signal: AbortSignal): AsyncGenerator<RouteReport> {
  const response = await fetch(`${base}/v1/watch?topics=orders&idc=idc1`, { signal });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) yield JSON.parse(data) as RouteReport;
    }
  }
}

test("what operators want of an IDC is obeyed within half a second: by long polls, by watches, and by the SDK", async () => {
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
  await using client = await connect({ routers: [base], idc: "idc1" });
  const ending = new AbortController();
  const bySdk = client.watch("orders", { signal: ending.signal })[Symbol.asyncIterator]();
  const byEvents = watch(ending.signal);
  await Promise.all([bySdk.next(), byEvents.next()]);
  const sharesOfSdk = async (): Promise<number[]> =>
    ((await bySdk.next()).value as Route).levels.map(({ share }) => share);
  const slowest: string[] = [];
  for (const [state, weight, due] of [
    ["drained", 100, [0, 1]],
    ["active", 100, [1, 0]],
    ["active", 40, [0.4, 0.6]],
    ["active", 0, [0, 1]],
    ["active", 100, [1, 0]],
  ] as const) {
    const { etag } = await ask<RouteReport>(route);
    const waits = [
      ask<RouteReport>(`${route}&wait=30s`, { "if-none-match": etag }).then(({ body }) => shares(body)),
      byEvents.next().then(({ value }) => shares(value as RouteReport)),
      sharesOfSdk(),
    ];
    const arrivals = waits.map((wait) => wait.then(() => performance.now()));
    const startedAt = performance.now();
    await wish(state, nextEpoch(), weight);
    const writtenAt = performance.now();
    expect(await Promise.all(waits)).toEqual([due, due, due]);
    const lastAt = Math.max(...(await Promise.all(arrivals)));
    const tookMs = lastAt - writtenAt;
    slowest.push(`${state} ${weight}: ${Math.round(tookMs)} ms (${Math.round(lastAt - startedAt)} ms)`);
    expect(tookMs).toBeLessThan(obeyMsMax);
  }
  ending.abort();
  console.log(`long poll, watch and SDK told after etcdctl had ended (was started): ${slowest.join(", ")}`);
});

test("clients behind a topic's gate are led elsewhere, and settings reach all, as soon as the metadata say so", async () => {
  await eventually(async () => expect(await bootstrap()).toBe("K1-1:9092,K1-2:9092"), usually);
  const clusterOf = async (ip: string): Promise<string> => (await ask<RouteReport>(`${route}&ip=${ip}`)).body.cluster;
  await using one = await connect({ routers: [base], idc: "idc1", ip: "10.1.0.4" });
  const ending = new AbortController();
  const routes = one.watch("orders", { signal: ending.signal })[Symbol.asyncIterator]();
  expect((await routes.next()).value).toMatchObject({ cluster: "K1" });
  const gate = "gatedIps=10.1.0.4,10.1.7.0/24\ngatedCluster=K2\nsendTimeoutMs=4000\n";
  const startedAt = performance.now();
  await application.set("/zms/topic/orders", `clusterName=K1\n${gate}`);
  expect((await routes.next()).value).toMatchObject({ cluster: "K2", settings: { sendTimeoutMs: 4_000 } });
  const tookMs = performance.now() - startedAt;
  console.log(`a client behind the gate was told ${Math.round(tookMs)} ms after the write began`);
  expect(tookMs).toBeLessThan(gatedMsMax);
  expect(await clusterOf("10.1.7.9")).toBe("K2");
  expect(await clusterOf("10.1.0.5")).toBe("K1");
  expect((await ask<RouteReport>(`${route}&ip=10.1.0.5`)).body.client).toEqual({ sendTimeoutMs: 4_000 });
  await application.set("/zms/topic/orders", "clusterName=K1\n");
  expect((await routes.next()).value).toMatchObject({ cluster: "K1", settings: {} });
  ending.abort();
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
  await eventually(
    async () =>
      expect(await sources()).toEqual([
        ["ledger", true],
        ["metadata", true],
      ]),
    usually,
  );
  // It writes once a second, and once more at its end.
  expect((await router.kill("SIGTERM")).code).toBe(0);
  for (const member of etcd.members) member.stop();
  zooKeeper.stop();
  try {
    await start();
    expect(await bootstrap()).toBe("K1-2:9092,K1-1:9092");
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    await eventually(async () => {
      expect(await sources()).toEqual([
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
  await eventually(async () => expect((await sources())[0]).toEqual(["ledger", true]), usually);
  for (const member of etcd.members) member.stop();
  try {
    await eventually(async () => expect((await sources())[0]).toEqual(["ledger", false]), usually);
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
