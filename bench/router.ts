/**
 * A router beside RocketMQ's own name server, asked for topics' routes (105) by the same clients in turn; its HTTP door beside a bare
 * fastify that sends as many bytes; how soon many watches hear of one change; memory. Two broker sets of 16 queues, one in each IDC.
 * Usage: ./run bench router [--rounds N] [--requests N] [--topics N] [--only names,http,watches,memory]
 *   [--watches 1000,10000] [--changes N] [--profile FOLDER]
 */
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Etcd3 } from "etcd3";
import { startEtcd } from "../test/integration/harness/etcd.ts";
import { startBrokers, startNameServer } from "../test/integration/harness/name-server.ts";
import { freePort } from "../test/integration/harness/ports.ts";
import { startProcess } from "../test/integration/harness/process.ts";
import { inProject } from "../test/integration/harness/project.ts";
import { createWishes, type RouterUnderTest, startRouter } from "../test/integration/router/router.ts";
import { usageOf } from "./arbiter/usage.ts";
import { startClients } from "./router/messages.ts";
import { type LoadFigures, loadTable, memoryTable, tellingTable } from "./router/report.ts";
import { type Contender, type Load, runRounds } from "./router/rounds.ts";
import { measureTelling, type Telling } from "./router/telling.ts";

const parts = ["names", "http", "watches", "memory"] as const;
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "100000" },
    topics: { type: "string", default: "1000" },
    only: { type: "string", default: parts.join(",") },
    watches: { type: "string", default: "1000,10000" },
    changes: { type: "string", default: "20" },
    profile: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const topics = topicNames(Number(values.topics));
const memoryTopics = topicNames(10_000);
const wanted = new Set(values.only.split(","));
const unknown = [...wanted].filter((part) => !parts.some((one) => one === part));
if (unknown.length > 0) throw new Error(`--only: no ${unknown.join(", ")}; there are ${parts.join(", ")}`);

const nameLoads: readonly Load[] = [
  { name: "105: 128 connections, 1 in flight", protocol: "remoting", connections: 128, inFlight: 1 },
  { name: "105: 16 connections, 8 in flight", protocol: "remoting", connections: 16, inFlight: 8 },
];
const httpLoad: Load = { name: "GET route: 128 connections", protocol: "http", connections: 128, inFlight: 1 };
const ours = "crossidc-router";
const memorySettleMs = 10_000;

const stop = new AbortController();
const brokers = await startBrokers(stop.signal);
await using etcd = await startEtcd({ size: 1 });
/** What the routers ask: another one than the one that is measured. */
await using upstream = await startNameServer(brokers, memoryTopics, stop.signal);
const sources = { nameServer: upstream.address, etcd: etcd.endpoints };
const loadBefore = loadavg()[0] ?? 0;
const out: string[] = [];

{
  await using router = await startRouter(sources, { profile: values.profile });
  const figures: LoadFigures[] = [];
  if (wanted.has("names")) figures.push(...(await besideNameServer(router)));
  if (wanted.has("http")) figures.push(await besideFastify(router));
  if (figures.length > 0) out.push(loadTable(figures));
  if (wanted.has("watches")) out.push(tellingTable(await tell(router)));
}
if (wanted.has("memory")) out.push(memoryTable([await fill()]));
process.stdout.write(`${circumstances()}\n\n${out.join("\n")}`);
stop.abort();
// Sockets of servers that were stopped may linger.
process.exit();

async function besideNameServer(router: RouterUnderTest): Promise<LoadFigures[]> {
  await using stock = await startNameServer(brokers, topics, stop.signal);
  const contenders: Contender[] = [
    { name: ours, pid: router.process.pid, address: router.door },
    { name: "RocketMQ 5.3.3 NameServer", pid: stock.process.pid, address: stock.address },
  ];
  const figures: LoadFigures[] = [];
  for (const load of nameLoads)
    figures.push({ load, turns: await runRounds({ load, contenders, topics, rounds, requests, say }) });
  return figures;
}

async function besideFastify(router: RouterUnderTest): Promise<LoadFigures> {
  const bytes = await (async () => {
    await using clients = startClients();
    return (await clients.open({ ...httpLoad, address: router.http, topics })).bodyBytes;
  })();
  const port = await freePort();
  const args = [inProject("bench/router/bare-http.ts"), "--port", String(port), "--bytes", String(bytes)];
  await using bare = startProcess(process.execPath, args, { name: "bare-http" });
  await bare.waitForLine(/listening/, { timeoutMs: 30_000 });
  const contenders: Contender[] = [
    { name: ours, pid: router.process.pid, address: router.http },
    { name: "bare fastify", pid: bare.pid, address: `127.0.0.1:${port}` },
  ];
  return { load: httpLoad, turns: await runRounds({ load: httpLoad, contenders, topics, rounds, requests, say }) };
}

async function tell({ http }: RouterUnderTest): Promise<Telling[]> {
  const client = new Etcd3({ hosts: etcd.endpoints.map((endpoint) => `http://${endpoint}`) });
  const { drain } = createWishes(async (key, value) => void (await client.put(key).value(value)));
  const tellings: Telling[] = [];
  for (const watches of values.watches.split(",").map(Number)) {
    for (const some of [topics.slice(0, 1), topics]) {
      const telling = await measureTelling({
        address: http,
        watches,
        topics: some,
        changes: Number(values.changes),
        drain,
      });
      tellings.push(telling);
      say(
        `${watches} watches of ${some.length} topics: the last ones after ${telling.lastMs.map(Math.round).join(", ")} ms`,
      );
    }
  }
  client.close();
  return tellings;
}

/** A router of its own, which is asked for every topic by clients of both IDCs at both doors. */
async function fill() {
  await using router = await startRouter(sources);
  const idleMb = usageOf(router.process.pid).rssMb;
  await using clients = startClients();
  const some = { connections: 16, inFlight: 1, topics: memoryTopics };
  await clients.open({ ...some, protocol: "remoting", address: router.door });
  await clients.close();
  await clients.open({ ...some, protocol: "http", address: router.http });
  await clients.close();
  await clients.open({ ...some, protocol: "http", address: router.http, idc: "idc2" });
  await clients.close();
  const before = usageOf(router.process.pid).cpuMs;
  await new Promise((resolve) => setTimeout(resolve, memorySettleMs));
  const { rssMb, peakMb, cpuMs } = usageOf(router.process.pid);
  return { topics: memoryTopics.length, idleMb, rssMb, peakMb, cpuShare: (cpuMs - before) / memorySettleMs };
}

function topicNames(count: number): string[] {
  return Array.from({ length: count }, (_, nth) => `orders-of-branch-${String(nth).padStart(5, "0")}`);
}

function circumstances(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" });
  return [
    `${topics.length} topics, ${rounds} rounds of ${requests} requests`,
    `${new Date().toISOString().slice(0, 10)}, commit ${commit.trim()}, ${cpus().length} cores (${cpus()[0]?.model}), load ${loadBefore.toFixed(1)} at the start, Node ${process.version}`,
    "median (least-most) of the rounds",
  ].join("; ");
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}
