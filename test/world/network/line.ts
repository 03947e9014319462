import type { Quality } from "./quality.ts";

/** What is waiting to be sent may be this old; past it a packet finds the queue full, as in a router. */
const queueMsMax = 200;

/** Where one way's last packet left off. */
export interface Line {
  /** When the sender's end is free again, ms. */
  freeAtMs: number;
  /** When the last packet arrives, ms: a later one does not overtake it. */
  lastDueMs: number;
}

export function createLine(): Line {
  return { freeAtMs: 0, lastDueMs: 0 };
}

/**
 * When a packet that enters a line now arrives at its other end; undefined when it never does. Pure but for `line`.
 * @param random two calls for each packet; 0 to 1
 */
export function arrivalMs(
  line: Line,
  quality: Quality,
  packet: { bytes: number; nowMs: number },
  random: () => number,
): number | undefined {
  const { bytes, nowMs } = packet;
  const lost = random() < quality.lossRatio;
  const jitterMs = random() * quality.jitterMs;
  if (quality.cut) return undefined;
  const startMs = Math.max(nowMs, line.freeAtMs);
  if (startMs - nowMs > queueMsMax) return undefined;
  const { bytesPerSecondMax } = quality;
  line.freeAtMs = startMs + (bytesPerSecondMax === 0 ? 0 : (bytes / bytesPerSecondMax) * 1_000);
  // Lost on the way: it took its time at the sender's end all the same.
  if (lost) return undefined;
  line.lastDueMs = Math.max(line.lastDueMs, line.freeAtMs + quality.delayMs + jitterMs);
  return line.lastDueMs;
}
