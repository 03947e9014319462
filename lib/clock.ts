import { setTimeout as delay } from "node:timers/promises";

/** A point on the process's monotonic clock, in milliseconds. Only differences mean anything; never stored, never sent. */
export type Instant = number & { readonly __brand: "Instant" };

export interface Clock {
  /** Monotonic; decides. */
  now(): Instant;
  /** Milliseconds since 1970; for people and for records read by other processes. */
  wallTime(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now() as Instant,
  wallTime: () => Date.now(),
  sleep: async (ms, { signal }) => {
    signal.throwIfAborted();
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
