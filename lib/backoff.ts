/** Waits between attempts: doubling, with full jitter, between `minMs` and `maxMs`. */
export interface Backoff {
  /** The next wait in ms. */
  next(): number;
  /** Call after success: the next wait is short again. */
  reset(): void;
}

/** @param random 0 <= r < 1, so that many processes do not come back at the same instant. */
export function createBackoff(options: { minMs: number; maxMs: number; random: () => number }): Backoff {
  const { minMs, maxMs, random } = options;
  let ceilingMs = minMs;
  return {
    next() {
      const waitMs = minMs + random() * (ceilingMs - minMs);
      ceilingMs = Math.min(maxMs, ceilingMs * 2);
      return waitMs;
    },
    reset() {
      ceilingMs = minMs;
    },
  };
}
