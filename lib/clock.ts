/** A point on the process's monotonic clock, in milliseconds. Only differences mean anything; never stored, never sent. */
export type Instant = number & { readonly __brand: "Instant" };

export interface Clock {
  /** Monotonic; decides. */
  now(): Instant;
  /** Milliseconds since 1970; for people and for records read by other processes. */
  wallTime(): number;
  /** Resolves after `ms`. Rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
  /** Calls `then` after `ms`. For each request's time: a signal and its abort cost ten times as much. @returns what prevents it */
  after(ms: number, then: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now() as Instant,
  wallTime: () => Date.now(),
  // Not that of node:timers/promises: it makes two errors with their stacks for each sleep that is aborted.
  sleep: (ms, { signal }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal.addEventListener("abort", onAbort, { once: true });
    }),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
