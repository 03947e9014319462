import { readFileSync } from "node:fs";
import { type RunningProcess, startProcess } from "../test/integration/harness/process.ts";

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a process has used so far. Sampled from /proc: the last 20 ms of a process that ended may be missing. */
export interface Usage {
  readonly cpuMs: number;
  readonly peakMb: number;
}

export interface Measured extends Usage {
  readonly wallMs: number;
}

export interface Watched extends AsyncDisposable {
  usage(): Usage;
  readonly process: RunningProcess;
}

const sampleEveryMs = 20;
const clockTickMs = 10;

/** Starts a contender. Its end, however it comes, ends the sampling too. */
export function watchProcess({ command, args, env }: Command): Watched {
  const process = startProcess(command, args, env === undefined ? {} : { env });
  let usage: Usage = { cpuMs: 0, peakMb: 0 };
  const sample = (): void => {
    try {
      const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const peakKb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))?.[1] ?? 0;
      usage = {
        cpuMs: (Number(fields[11]) + Number(fields[12])) * clockTickMs,
        // A process that is ending has no memory any more: keep the highest.
        peakMb: Math.max(usage.peakMb, Number(peakKb) / 1_024),
      };
    } catch {
      // It has ended between two samples.
    }
  };
  const sampler = setInterval(sample, sampleEveryMs);
  void process.exit.then(() => clearInterval(sampler));
  return {
    process,
    usage() {
      sample();
      return usage;
    },
    async [Symbol.asyncDispose]() {
      if (process.running) await process.kill("SIGKILL");
    },
  };
}

/**
 * A contender's full pass as a process of its own, start included. One that never ends by itself is done when `done` says so,
 * and killed then. @throws if it ends with an error
 */
export async function measure(command: Command, done: (() => Promise<boolean>) | undefined): Promise<Measured> {
  const startedAt = performance.now();
  await using watched = watchProcess(command);
  if (done === undefined) {
    const { code } = await watched.process.exit;
    if (code !== 0)
      throw new Error(`${command.command} ${command.args.join(" ")} ended with ${code}: ${watched.process.log()}`);
  } else {
    while (!(await done())) {
      if (!watched.process.running) throw new Error(`${command.command} ended: ${watched.process.log()}`);
      await new Promise((resolve) => setTimeout(resolve, sampleEveryMs));
    }
  }
  return { wallMs: performance.now() - startedAt, ...watched.usage() };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** By nearest rank: a value that was measured. @param share above 0, up to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

/** "4.2 (3.9-5.0)": median and spread; one value stands alone. */
export function formatSpread(values: readonly number[], format: (value: number) => string): string {
  if (values.length === 0) return "";
  const middle = format(median(values));
  return values.length === 1 ? middle : `${middle} (${format(Math.min(...values))}-${format(Math.max(...values))})`;
}

export function formatSeconds(ms: number): string {
  return (ms / 1_000).toFixed(ms < 10_000 ? 2 : 1);
}

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return `${[line(header), `|${"---|".repeat(header.length)}`, ...rows.map(line)].join("\n")}\n`;
}
