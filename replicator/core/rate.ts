import type { Instant } from "#lib/clock.ts";

/**
 * A token bucket: so many operations a second, saved up for half a second at most. Driven by the time passed in. What it allows
 * in any span of time is at most `perSecond * (span + burstMs)`, and one operation.
 */
export interface Rate {
  /** How many may go now. */
  allowance(now: Instant): number;
  /** So many have gone: no more than were allowed. */
  spend(count: number, now: Instant): void;
}

/** Longer than the shell's tick, so that a bucket which is looked at once a tick loses nothing. */
export const burstMs = 500;

/** @param perSecond Infinity: no limit */
export function createRate(perSecond: number): Rate {
  const capacity = 1 + (perSecond * burstMs) / 1_000;
  let tokens = capacity;
  let filledAt: Instant | undefined;

  const fill = (now: Instant): void => {
    if (filledAt !== undefined) tokens = Math.min(capacity, tokens + (perSecond * (now - filledAt)) / 1_000);
    filledAt = now;
  };
  if (perSecond === Number.POSITIVE_INFINITY) return { allowance: () => perSecond, spend() {} };
  return {
    allowance(now) {
      fill(now);
      return Math.floor(tokens);
    },
    spend(count, now) {
      fill(now);
      tokens -= count;
    },
  };
}
