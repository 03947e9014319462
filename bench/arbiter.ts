/**
 * Three arbiters over three members of etcd, with many simulated brokers: over real sockets, each with its own address, each doing what
 * a stock broker does each second, 5 s and 10 s. First nothing happens; then some of the sets lose their masters in one moment.
 * Usage: ./run bench arbiter [--sets N] [--seconds S] [--lost N]
 */
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { formatTable } from "#lib/table.ts";
import { type Arbiters, sites, startArbiters } from "../test/integration/arbiter/processes.ts";
import { startEtcd } from "../test/integration/harness/etcd.ts";
import { eventually } from "../test/integration/harness/eventually.ts";
import { freePort } from "../test/integration/harness/ports.ts";
import { createCrowd, type Place } from "./arbiter/crowd.ts";
import { decisionsIn, warningsIn } from "./arbiter/log.ts";
import { startNameServer } from "./arbiter/name-server.ts";
import { readGauges } from "./arbiter/readings.ts";
import { sample } from "./arbiter/sampler.ts";
import { usageOf } from "./arbiter/usage.ts";
import { quantile } from "./measure.ts";

const { values } = parseArgs({
  options: {
    sets: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
    lost: { type: "string" },
  },
});
const setCount = Number(values.sets);
const lostCount = Number(values.lost ?? Math.floor(setCount / 2));
const replicas = 3;
/** Promotions and settings of all sets are through by then, and what is still confirmed is waited for besides. */
const settleMs = 10_000;
const settleMsMax = 120_000;
const initMsMax = 60_000;
const recoverMsMax = 90_000;
/** A stock broker shows itself at the name servers a moment after its promotion. */
const routeMs = 50;

const port = await freePort();
const places: Place[] = Array.from({ length: setCount }, (_, at) => ({
  set: `bs${at}`,
  addresses: sites.map((_site, idc) => `127.${idc + 1}.${Math.floor(at / 250)}.${(at % 250) + 1}:${port}`),
}));
const promotedAt = new Map<string, { epoch: number; at: number }>();

await using etcd = await startEtcd({ size: 3 });
await using nameServer = await startNameServer();
await using arbiters = await startArbiters(etcd.endpoints, {
  idcs: sites.map((name, idc) => ({ name, cidrs: [`127.${idc + 1}.0.0/16`] })),
  clusters: [{ name: "C1", kind: "rocketmq", nameservers: [nameServer.address] }],
});
await using crowd = createCrowd(({ set, epoch, at, address, slaves }) => {
  promotedAt.set(set, { epoch, at });
  setTimeout(() => nameServer.show(set, address, slaves), routeMs);
});
const all = sites.map((site) => arbiters.of[site]);
await eventually(
  async () => {
    const { code, stderr } = await arbiters.idcctl(["init", "--sites", sites.join(",")]);
    if (code !== 0) throw new Error(`idcctl init: ${stderr}`);
  },
  { withinMs: initMsMax, everyMs: 1_000 },
);

const startedAt = performance.now();
say(`${setCount} sets start`);
await crowd.start(
  all.map(({ controller }) => controller),
  places,
);
say(`all in sync after ${seconds(performance.now() - startedAt)} s`);
await settled(arbiters);
say(`settled after ${seconds(performance.now() - startedAt)} s; ${values.seconds} s of calm begin`);

const { failures, calmRows } = await measureCalm();
const calmFailures = (await crowd.askFailures()) - failures;
await loseMasters();
for (const { process } of all) await process.kill("SIGTERM");

async function measureCalm() {
  const failures = await crowd.askFailures();
  const before = all.map(({ process }) => usageOf(process.pid));
  const beganAt = performance.now();
  const over = AbortSignal.timeout(Number(values.seconds) * 1_000);
  const names = places.map(({ set }) => set);
  const samples = await Promise.all(all.map(({ controller }) => sample(controller, names, over)));
  const tookMs = performance.now() - beganAt;
  const calmRows = all.map(({ site, process }, at) => {
    const after = usageOf(process.pid);
    const { ms, failed } = samples[at] ?? { ms: [], failed: 0 };
    const share = (100 * (after.cpuMs - (before[at]?.cpuMs ?? 0))) / tookMs;
    return [site, share.toFixed(1), after.rssMb.toFixed(0), after.peakMb.toFixed(0), ...spread(ms), String(failed)];
  });
  return { failures, calmRows };
}

async function loseMasters(): Promise<void> {
  const lost = places.slice(0, lostCount).map(({ set }) => set);
  const epochs = new Map([...promotedAt].map(([set, { epoch }]) => [set, epoch]));
  const isBack = (set: string): boolean => (promotedAt.get(set)?.epoch ?? 0) > (epochs.get(set) ?? 0);
  const cpuBefore = all.map(({ process }) => usageOf(process.pid).cpuMs);
  const askedBefore = nameServer.asked;
  const killedAt = await crowd.kill(lost);
  const until = Date.now() + recoverMsMax;
  while (!lost.every(isBack) && Date.now() < until) await delay(50);
  // What follows a promotion: the other replicas are told, canaries, the in-sync set grows again.
  await delay(settleMs);
  const back = lost.filter(isBack);
  const promoted = back.map((set) => (promotedAt.get(set)?.at ?? Number.NaN) - killedAt);
  const decisions = all.flatMap(({ process }) => decisionsIn(process.output("stderr"), killedAt));
  const firstOf = Map.groupBy(decisions, ({ set }) => set);
  const decided = lost.flatMap((set) => {
    const ats = (firstOf.get(`C1/${set}`) ?? []).map(({ at }) => at - killedAt);
    return ats.length === 0 ? [] : [Math.min(...ats)];
  });
  const others = [...firstOf.keys()].filter((name) => !lost.some((set) => name === `C1/${set}`));

  console.log(
    `${setCount} sets of ${replicas} brokers, ${cpus().length} cores, load ${loadavg()
      .map((value) => value.toFixed(0))
      .join(" ")}, Node ${process.version}; ${values.seconds} s of calm\n`,
  );
  const header = ["arbiter", "CPU %", "RSS MB", "peak MB", "1004 n", "p50 ms", "p99", "max", "failed"];
  console.log(`${formatTable(header, calmRows)}\n`);
  console.log(`brokers' own requests that failed in calm: ${calmFailures}\n`);
  console.log(`${lost.length} masters lost at once, ms from then on:\n`);
  const rows = [
    ["decided", `${decided.length} of ${lost.length}`, ...lossSpread(decided)],
    ["promoted", `${back.length} of ${lost.length}`, ...lossSpread(promoted)],
  ];
  console.log(`${formatTable(["", "sets", "p50", "p95", "max"], rows)}\n`);
  console.log(`decisions for sets that lost nothing: ${others.length}; decisions in all: ${decisions.length}`);
  const cpu = all.map(({ process }, at) => seconds(usageOf(process.pid).cpuMs - (cpuBefore[at] ?? 0)));
  console.log(`CPU s of each arbiter for it: ${cpu.join(", ")}; peak MB ${peaks().join(", ")}`);
  console.log(`name server asked ${nameServer.asked - askedBefore} times`);
  for (const { site, endpoint, process } of all) {
    console.log(
      `${site}: ${await readGauges(endpoint, /^idc_arbiter_(commit_duration_seconds_(count|sum)|stalls_total|events_dropped)/)}`,
    );
    console.log(`${site}: warnings ${JSON.stringify(warningsIn(process.output("stderr")))}`);
  }
  const status: { Status: { dbSize: number; dbSizeInUse: number } }[] = JSON.parse(
    await etcd.ctl("endpoint", "status", "-w", "json"),
  );
  console.log(`etcd: ${status.map(({ Status }) => `${(Status.dbSize / 1_048_576).toFixed(1)} MB`).join(", ")}`);
}

function peaks(): string[] {
  return all.map(({ process }) => usageOf(process.pid).peakMb.toFixed(0));
}

async function settled({ of }: Arbiters): Promise<void> {
  await delay(settleMs);
  const until = Date.now() + settleMsMax;
  for (;;) {
    const text = await readGauges(of.idc1.endpoint, /^idc_arbiter_set_unconfirmed_replicas\S* [1-9]/);
    if (text === "") return;
    if (Date.now() > until) throw new Error(`not settled after ${settleMsMax} ms: ${text.slice(0, 1_000)}`);
    await delay(1_000);
  }
}

function spread(ms: readonly number[]): string[] {
  return [String(ms.length), ...[0.5, 0.99, 1].map((share) => quantile(ms, share).toFixed(1))];
}

function lossSpread(ms: readonly number[]): string[] {
  return [0.5, 0.95, 1].map((share) => quantile(ms, share).toFixed(0));
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}
