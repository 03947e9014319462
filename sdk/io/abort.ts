import type { Clock } from "../../lib/clock.ts";

/** What the promise gives, or the signal's reason if that comes first. The promise goes on by itself. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => reject(signal.reason);
  promise.then(resolve, reject);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return first.finally(() => signal.removeEventListener("abort", stop));
}

/** Sleeps; the end of the signal is an early end. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(ms, { signal }).catch(() => {});
}
