import { readFileSync, readlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Network } from "./network/network.ts";
import { processesIn } from "./network/sweep.ts";

/** Linux counts processor time in hundredths of a second. */
const tickMs = 10;

/** What all processes of a world have in memory, its keeper included; pages that several share count once. */
export function memoryBytesOf(network: Network): number {
  const rollups = processesOf(network).map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return sum(rollups.map((rollup) => Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1_024));
}

/** Measures how long something would have taken, had this machine had nothing else to do. */
export interface Stopwatch {
  /** @param network opened after the stopwatch was started; ours, with this process */
  read(network: Network): { readonly wallMs: number; readonly undisturbedMs: number };
}

export function startStopwatch(): Stopwatch {
  const startedAt = performance.now();
  const busyBefore = machineBusyMs();
  const ownBefore = ownCpuMs();
  return {
    read(network) {
      const wallMs = performance.now() - startedAt;
      const ours = sum(processesOf(network).map(cpuMsOf)) + ownCpuMs() - ownBefore;
      const others = machineBusyMs() - busyBefore - ours;
      return { wallMs, undisturbedMs: wallMs - Math.max(0, others) / availableParallelism() };
    },
  };
}

function processesOf({ where }: Network): number[] {
  return [where.keeper, ...processesIn(Object.values(where.network).map((file) => readlinkSync(file)))];
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** All processors: user, nice, system; irq, softirq, steal. Guests are counted in user already. */
function machineBusyMs(): number {
  const [, user, nice, system, , , irq, softirq, steal] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "")
    .split(/\s+/)
    .map(Number);
  return sum([user, nice, system, irq, softirq, steal].map((ticks) => (ticks ?? 0) * tickMs));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
