import { setImmediate as afterIo } from "node:timers/promises";
import type { Clock, Instant } from "../../clock.ts";

/** A clock that only moves when told to. */
export interface ManualClock extends Clock {
  /** Passes the time, waking sleepers in order; between two of them the process may read its sockets. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

export function createManualClock(): ManualClock {
  let nowMs = 0;
  const sleepers = new Set<Sleeper>();

  function nextDue(until: number): Sleeper | undefined {
    const due = [...sleepers].filter(({ wakeAt }) => wakeAt <= until);
    return due.sort((a, b) => a.wakeAt - b.wakeAt)[0];
  }

  return {
    now: () => nowMs as Instant,
    wallTime: () => nowMs,
    sleep(ms, { signal }) {
      signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        const abort = () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          wakeAt: nowMs + ms,
          wake: () => {
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
    after(ms, then) {
      const sleeper: Sleeper = { wakeAt: nowMs + ms, wake: then };
      sleepers.add(sleeper);
      return () => void sleepers.delete(sleeper);
    },
    async advance(ms) {
      const until = nowMs + ms;
      for (let next = nextDue(until); next !== undefined; next = nextDue(until)) {
        sleepers.delete(next);
        nowMs = Math.max(nowMs, next.wakeAt);
        next.wake();
        await afterIo();
      }
      nowMs = until;
      await afterIo();
    },
  };
}
