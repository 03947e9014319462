import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { type Application, connectApplication } from "../harness/application.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";
import { freePorts } from "../harness/ports.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { inProject } from "../harness/project.ts";
import { startZooKeeper } from "../harness/zookeeper.ts";

/** Two Kafka clusters of one broker each, the metadata in a ZooKeeper, and two routers: what an application's SDK meets. */
export interface Stage extends AsyncDisposable {
  readonly clusters: Readonly<Record<"K1" | "K2", KafkaCluster>>;
  /** HTTP doors. */
  readonly routers: readonly string[];
  readonly folder: string;
  router(nth: 0 | 1): RunningProcess;
  restartRouter(nth: 0 | 1): Promise<void>;
  /** Makes the topic in both clusters, and says that it is in K1. */
  topic(name: string): Promise<void>;
  /** What the topic's metadata say from now on. */
  metadata(name: string, text: string): Promise<void>;
  /** Says in the metadata that the topic is in this cluster. */
  move(name: string, cluster: "K1" | "K2"): Promise<void>;
}

const routerMsMax = 60_000;
const partitions = 4;

export async function openStage(): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "crossidc-sdk-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const [k1, k2, zooKeeper] = await Promise.all([
    startKafka(["idc1"]),
    startKafka(["idc2"]),
    startZooKeeper({ version: "3.8" }),
  ]);
  for (const server of [zooKeeper, k2, k1]) opening.use(server);
  const application: Application = opening.use(await connectApplication(zooKeeper.address));
  await application.mkdirp("/zms/topic");
  const ports = await freePorts(2);
  const routers = ports.map((port) => `http://127.0.0.1:${port}`);
  const processes = new Map<number, RunningProcess>();
  opening.defer(async () => void (await Promise.all([...processes.values()].map((each) => each.kill()))));

  async function restartRouter(nth: number): Promise<void> {
    const config = join(folder, `router-${nth}.yaml`);
    await writeFile(config, JSON.stringify(configOf(nth)));
    await processes.get(nth)?.kill();
    const process = startProcess(inProject("bin/crossidc-router"), ["--config", config], { name: `router-${nth}` });
    processes.set(nth, process);
    await process.waitForLine(/router started/, { timeoutMs: routerMsMax });
  }

  const configOf = (nth: number) => ({
    site: "idc1",
    idcs: [
      { name: "idc1", cidrs: ["10.1.0.0/16"] },
      { name: "idc2", cidrs: ["10.2.0.0/16"] },
    ],
    http: { listen: `127.0.0.1:${ports[nth]}` },
    topics: { servers: [zooKeeper.address], path: "/zms/topic/{topic}", sessionTimeoutMs: 4_000 },
    clusters: [
      { name: "K1", kind: "kafka", bootstrap: { idc1: k1.addresses } },
      { name: "K2", kind: "kafka", bootstrap: { idc2: k2.addresses } },
    ],
  });
  await Promise.all([restartRouter(0), restartRouter(1)]);

  const all = opening.move();
  return {
    clusters: { K1: k1, K2: k2 },
    routers,
    folder,
    router(nth) {
      const process = processes.get(nth);
      if (process === undefined) throw new Error(`router ${nth} was never started`);
      return process;
    },
    restartRouter,
    async topic(name) {
      for (const { addresses } of [k1, k2]) {
        const admin = new Kafka({ brokers: [...addresses], logLevel: logLevel.NOTHING }).admin();
        await admin.connect();
        await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true });
        await admin.disconnect();
      }
      await application.create(`/zms/topic/${name}`, Buffer.from("clusterName=K1\n"));
    },
    metadata: (name, text) => application.set(`/zms/topic/${name}`, text),
    move: (name, cluster) => application.set(`/zms/topic/${name}`, `clusterName=${cluster}\n`),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
