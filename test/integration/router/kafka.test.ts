import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KafkaMetadata } from "#lib/kafka/metadata.ts";
import { createKafkaPeer } from "#lib/kafka/peer.ts";
import type { AllocationReport, ExplainReport, RouteReport, StatusReport } from "../../../idc-router/io/api.ts";
import { connectApplication } from "../harness/application.ts";
import { makeCertificates } from "../harness/certificates.ts";
import { eventually } from "../harness/eventually.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { startZooKeeper, type ZooKeeperServer } from "../harness/zookeeper.ts";

/** The router beside a real Kafka of three brokers with racks, two of them in idc1; the config knows one of each IDC. */

const partitions = 6;
const backAfterMs = 2_000;
/** The worst case of --check (3.9 s), and a busy machine. */
const outMsMax = 8_000;
const usually = { withinMs: 40_000, everyMs: 50 };

let kafka: KafkaCluster;
let zooKeeper: ZooKeeperServer;
let folder: string;
let router: RunningProcess;
let base: string;
let all: readonly string[];

beforeAll(async () => {
  [kafka, zooKeeper] = await Promise.all([startKafka(["idc1", "idc1", "idc2"]), startZooKeeper({ version: "3.8" })]);
  all = kafka.addresses;
  const admin = new Kafka({ brokers: [...all], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "orders", numPartitions: partitions }], waitForLeaders: true });
  await admin.disconnect();
  await using application = await connectApplication(zooKeeper.address);
  await application.mkdirp("/zms/topic/orders", "clusterName=K1\n");
  folder = await mkdtemp(join(tmpdir(), "crossidc-router-kafka-"));
  const [port] = await freePorts(1);
  base = `http://127.0.0.1:${port}`;
  const config = join(folder, "idc-router.yaml");
  await writeFile(
    config,
    JSON.stringify({
      site: "idc1",
      idcs: [
        { name: "idc1", cidrs: ["10.1.0.0/16"] },
        { name: "idc2", cidrs: ["10.2.0.0/16"] },
      ],
      http: { listen: `127.0.0.1:${port}` },
      topics: { servers: [zooKeeper.address], path: "/zms/topic/{topic}", sessionTimeoutMs: 4_000 },
      clusters: [{ name: "K1", kind: "kafka", bootstrap: { idc1: [all[0]], idc2: [all[2]] } }],
      health: { backAfterMs, backAfterChecks: 2 },
      poll: { routeRefreshMs: 1_000 },
    }),
  );
  router = startProcess(inProject("bin/crossidc-router"), ["--config", config]);
  await router.waitForLine(/router started/, { timeoutMs: 60_000 });
}, 120_000);

afterAll(async () => {
  await router?.kill();
  await kafka?.[Symbol.asyncDispose]();
  await zooKeeper?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function ask<T>(path: string, body?: object): Promise<T> {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(base + path, body === undefined ? {} : post);
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

const route = (idc: string): Promise<RouteReport> => ask<RouteReport>(`/v1/topics/orders/route?idc=${idc}`);
const source = async (): Promise<StatusReport["sources"][number] | undefined> =>
  (await ask<StatusReport>("/v1/status")).sources.find((each) => each.source === "K1");
const addressesOf = (...nodes: number[]): string[] => nodes.map((nth) => all[nth] ?? "");
const sharesOf = ({ decision }: RouteReport): [string, number][] =>
  decision.levels.map(({ idc, share }) => [idc, Math.round(share * 100) / 100]);

/** Waits until clients of idc1 begin so, and tells how long it took. */
async function until(servers: readonly string[], shares: readonly [string, number][]): Promise<number> {
  const startedAt = performance.now();
  await eventually(async () => {
    const report = await route("idc1");
    expect(report.bootstrap).toEqual(servers);
    expect(sharesOf(report)).toEqual(shares);
  }, usually);
  return performance.now() - startedAt;
}

test("a broker is asked over TLS, and one whose certificate another authority signed is not believed", async () => {
  await using certificates = await makeCertificates();
  await using others = await makeCertificates();
  const pem = await readFile(certificates.files.server, "utf8");
  const [, port = ""] = (all[0] ?? "").split(":");
  // A real broker behind a door that ends TLS.
  const door = createTlsServer({ cert: pem, key: pem }, (socket) => {
    const broker = connectTcp({ host: "127.0.0.1", port: Number(port) });
    for (const each of [socket, broker]) each.on("error", () => {});
    socket.pipe(broker).pipe(socket);
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(door.address() as AddressInfo).port}`;
  const ask = async (ca: string): Promise<KafkaMetadata> => {
    const peer = createKafkaPeer(address, { clientId: "test", tls: { ca } });
    try {
      return await peer.metadata(["orders"], { timeoutMs: 20_000, signal: AbortSignal.timeout(60_000) });
    } finally {
      peer.close();
    }
  };
  try {
    const { brokers, topics } = await ask(certificates.client.ca);
    expect(brokers.map((broker) => [broker.address, broker.rack]).toSorted()).toEqual(
      addressesOf(0, 1, 2)
        .map((each, nth) => [each, nth === 2 ? "idc2" : "idc1"])
        .toSorted(),
    );
    expect(topics[0]?.partitions).toHaveLength(partitions);
    await expect(ask(others.client.ca)).rejects.toMatchObject({ code: "KAFKA_UNANSWERED" });
  } finally {
    door.close();
  }
});

test("bootstrap lists hold brokers that live, nearest first; with none that answers they stay as they were", async () => {
  // The second one of idc1 is in no config: the cluster names it, and its rack its IDC.
  await until(addressesOf(0, 1, 2), [
    ["idc1", 1],
    ["idc2", 0],
  ]);
  expect((await route("idc2")).bootstrap).toEqual(addressesOf(2, 0, 1));
  await eventually(async () => {
    const { lines } = await ask<ExplainReport>("/v1/explain?topic=orders&idc=idc1");
    expect(lines.join("\n")).toMatch(/Of its 6 partitions are led: \d in idc1, \d in idc2/);
  }, usually);
  const { allocation } = await eventually(
    () =>
      ask<AllocationReport>("/v1/allocations", {
        topic: "orders",
        consumers: [
          { id: "here", idc: "idc1" },
          { id: "there", idc: "idc2" },
        ],
      }),
    usually,
  );
  expect(Object.values(allocation).flat().toSorted()).toEqual(["0", "1", "2", "3", "4", "5"]);
  expect(await source()).toMatchObject({ ok: true });

  const [first, second, third] = kafka.nodes;
  await first?.kill();
  const killedMs = await until(addressesOf(1, 2), [
    ["idc1", 1],
    ["idc2", 0],
  ]);
  second?.stop();
  const hungMs = await until(addressesOf(2), [
    ["idc1", 0],
    ["idc2", 1],
  ]);
  console.log(`out of the list ${Math.round(killedMs)} ms after a kill, ${Math.round(hungMs)} ms after a freeze`);
  expect(killedMs).toBeLessThan(outMsMax);
  expect(hungMs).toBeLessThan(outMsMax);

  third?.stop();
  await eventually(async () => expect(await source()).toMatchObject({ ok: false }), usually);
  expect((await route("idc1")).bootstrap).toEqual(addressesOf(2));
  expect((await source())?.ageMs).toBeGreaterThan(0);

  for (const node of [second, third]) node?.cont();
  await until(addressesOf(1, 2), [
    ["idc1", 1],
    ["idc2", 0],
  ]);
  await first?.restart();
  await until(addressesOf(0, 1, 2), [
    ["idc1", 1],
    ["idc2", 0],
  ]);
});
