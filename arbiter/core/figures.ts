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
