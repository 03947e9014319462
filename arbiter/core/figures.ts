import type { OffsetReading } from "./model.ts";

/** Figures as people read them: `2,610`. Milliseconds are rounded down, so that nothing seems over before it is. */
export function figure(value: number | bigint): string {
  const whole = typeof value === "bigint" ? value : BigInt(Math.floor(value));
  return whole.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

export function millisText(ms: number): string {
  return `${figure(ms)} ms`;
}

export function bytesText(bytes: bigint): string {
  return bytes === 1n ? "1 byte" : `${figure(bytes)} bytes`;
}

export function progressText({ epoch, maxOffset }: OffsetReading): string {
  return `epoch ${epoch}, offset ${figure(maxOffset)}`;
}

/** `1, 2 and 3`; `nobody` for none. */
export function listText(items: readonly (string | number)[]): string {
  if (items.length < 2) return String(items[0] ?? "nobody");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** `2026-11-25 22:10:56.123 UTC`, for people; a wall time in ms since 1970. */
export function timeText(wall: number): string {
  const ms = Math.floor(wall);
  const days = Math.floor(ms / dayMs);
  const { year, month, day } = dateOf(days);
  const [hour, minute, second] = [3_600_000, 60_000, 1_000].map((unit, at) =>
    two(Math.floor((ms - days * dayMs) / unit) % (at === 0 ? 24 : 60)),
  );
  const rest = String(ms - Math.floor(ms / 1_000) * 1_000).padStart(3, "0");
  return `${year}-${two(month)}-${two(day)} ${hour}:${minute}:${second}.${rest} UTC`;
}

const dayMs = 86_400_000;

/**
 * The Gregorian date of a day since 1970-01-01: core/ has no Date. Years begin in March, so that the leap day is their last.
 * @source Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days
 */
function dateOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
