import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One run of a contender as a process of its own, start included. */
export interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const sampleEveryMs = 20;
const clockTickMs = 10;

/** Runs a command to its end. CPU and memory are sampled from /proc, so the last 20 ms may be missing. @throws if it fails */
export async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  let cpuMs = 0;
  let peakMb = 0;
  const sampler = setInterval(() => {
    try {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      cpuMs = (Number(fields[11]) + Number(fields[12])) * clockTickMs;
      // A process that is ending has no memory any more: keep the highest.
      const peakKb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0;
      peakMb = Math.max(peakMb, Number(peakKb) / 1_024);
    } catch {
      // It has ended between two samples.
    }
  }, sampleEveryMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    const wallMs = performance.now() - startedAt;
    if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stderr}`);
    return { wallMs, cpuMs, peakMb };
  } finally {
    clearInterval(sampler);
    child.kill("SIGKILL");
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** "4.2 (3.9-5.0)": median and spread, in seconds. */
export function formatSeconds(valuesMs: readonly number[]): string {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(ms < 10_000 ? 2 : 1);
  return `${seconds(median(valuesMs))} (${seconds(Math.min(...valuesMs))}-${seconds(Math.max(...valuesMs))})`;
}
