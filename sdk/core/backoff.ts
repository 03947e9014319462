export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Before the next attempt: doubling, with full jitter above `minMs`. @param random 0 <= r < 1 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffRange, random: number): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  return minMs + random * (ceilingMs - minMs);
}
