import { UsageError } from "./call.ts";

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "90s", "30m", "2h", "1d" in ms. @throws {UsageError} */
export function parseTime(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (unitsMs[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new UsageError(`--for ${text} is no time: write 90s, 30m, 2h or 1d`);
}
