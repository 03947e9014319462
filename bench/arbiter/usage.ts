import { readFileSync } from "node:fs";

const clockTickMs = 10;

/** What a running process has used, and holds. */
export interface ProcessUsage {
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly peakMb: number;
}

export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mb = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024;
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * clockTickMs,
    rssMb: mb("VmRSS"),
    peakMb: mb("VmHWM"),
  };
}
