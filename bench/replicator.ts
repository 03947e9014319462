/**
 * Ways to keep a tree in one store like a tree in another, side by side on the same data in the same run: a first sync, one
 * without a change, one after 1% has drifted; then lag and the most writes a second, of those that can follow. Every contender
 * is a process of its own, its start included. Usage: ./run bench replicator [--nodes N] [--rounds N] [--rtt MS]
 *   [--only crossidc,bare,nzc-64,nzc-1,make-mirror,zk-shell] [--lag 100,1000,5000|none]
 *   [--sustained 5000,10000,15000,20000|none] [--seconds N]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatCount } from "#lib/table.ts";
import { bareLoop } from "./contenders/bare-loop.ts";
import type { Contender } from "./contenders/contender.ts";
import { crossidc } from "./contenders/crossidc.ts";
import { etcdctlMakeMirror } from "./contenders/etcdctl-make-mirror.ts";
import { nodeZookeeperClient } from "./contenders/node-zookeeper-client.ts";
import { zkShell } from "./contenders/zk-shell.ts";
import { createFigures } from "./figures.ts";
import { report } from "./report.ts";
import { runRound } from "./round.ts";
import { startEtcdStore } from "./stores/etcd.ts";
import type { Store } from "./stores/store.ts";
import { startZooKeeperStore } from "./stores/zookeeper.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    rtt: { type: "string", default: "0" },
    only: { type: "string" },
    lag: { type: "string", default: "100,1000,5000" },
    sustained: { type: "string", default: "5000,10000,15000,20000" },
    seconds: { type: "string", default: "10" },
  },
});
const nodes = numberOf("nodes");
const rounds = numberOf("rounds");
const rttMs = numberOf("rtt");
const ratesOf = (text: string): number[] => (text === "none" ? [] : text.split(",").map(Number));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => stop.abort(new Error(`Stopped by ${name}`)));
const starters: Readonly<Record<Contender["store"], (signal: AbortSignal) => Promise<Store>>> = {
  zookeeper: startZooKeeperStore,
  etcd: startEtcdStore,
};
// On disk, as in production, and all of them on the same: the stores of tests would lie in memory.
process.env["TMPDIR"] ??= tmpdir();
const folder = mkdtempSync(join(tmpdir(), "crossidc-bench-"));
const sources = new Map<Contender["store"], Store>();
let generation = 0;

try {
  const contenders = wanted([
    await crossidc(folder),
    bareLoop,
    nodeZookeeperClient(64),
    nodeZookeeperClient(1),
    etcdctlMakeMirror,
    zkShell,
  ]);
  const figures = new Map(contenders.map(({ name }) => [name, createFigures()]));
  for (let round = 0; round < rounds; round++) {
    // Each round starts with another contender, so that none is always first on a cold machine.
    for (const offset of contenders.keys()) {
      const contender = contenders[(offset + round) % contenders.length];
      const of = figures.get(contender?.name ?? "");
      if (contender === undefined || of === undefined) continue;
      const source = await sourceOf(contender.store);
      await using target = await starters[contender.store](stop.signal);
      await runRound({
        contender,
        source,
        target,
        figures: of,
        nodes,
        rttMs,
        lagRates: ratesOf(values.lag),
        sustainedRates: ratesOf(values.sustained),
        forMs: numberOf("seconds") * 1_000,
        nextGeneration: () => ++generation,
        say,
      });
    }
  }
  process.stdout.write(`${circumstances()}\n\n${report(figures)}`);
} finally {
  for (const source of sources.values()) await source[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
// Sockets of a store that was stopped may linger.
process.exit();

function numberOf(name: "nodes" | "rounds" | "rtt" | "seconds"): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} takes a number, got ${values[name]}`);
  return value;
}

function wanted(all: readonly Contender[]): readonly Contender[] {
  const keys = values.only?.split(",");
  const unknown = keys?.filter((key) => !all.some((one) => one.key === key)) ?? [];
  if (unknown.length > 0) throw new Error(`--only: no ${unknown.join(", ")}; there are ${all.map(({ key }) => key)}`);
  return all.filter(({ key }) => keys === undefined || keys.includes(key));
}

async function sourceOf(kind: Contender["store"]): Promise<Store> {
  const known = sources.get(kind);
  if (known !== undefined) return known;
  const source = await starters[kind](stop.signal);
  sources.set(kind, source);
  say(`filling a source with ${formatCount(nodes)} nodes`);
  await source.fill(nodes);
  return source;
}

function circumstances(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" });
  return [
    `${formatCount(nodes)} nodes of 200 bytes, ${rounds} rounds, ${rttMs} ms round trip to the source`,
    `${new Date().toISOString().slice(0, 10)}, commit ${commit.trim()}, ${cpus().length} cores (${cpus()[0]?.model}), load ${loadavg()[0]?.toFixed(1)} at the end, Node ${process.version}`,
    "median (least-most) of the rounds; x: against the first row",
  ].join("; ");
}
