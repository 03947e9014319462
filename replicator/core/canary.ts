import type { Instant } from "#lib/clock.ts";
import type { PhaseName } from "./transitions.ts";

/**
 * Which canaries are on their way, and how long each took: numbers that are set at the source one after the other and watched
 * for in the target, to measure the whole way on one clock. A later one that arrives stands for all before it.
 */
export interface Canary {
  /** The number to set next; undefined while none is to be set: the link does not follow, or too many are on their way. */
  next(phase: PhaseName, now: Instant): number | undefined;
  /** It was not set, or nobody knows: its arrival is no measure. */
  forget(number: number): void;
  /** Of each that has arrived by this: how long it took. */
  arrived(number: number, now: Instant): readonly number[];
  /** Since the last one arrived, or the first one was due; undefined where none is expected. */
  ageMs(phase: PhaseName, now: Instant): number | undefined;
}

/** On their way at a time: the oldest tell how long it really takes, so none is added beyond. */
export const canariesAwaitedMax = 128;

export function createCanary(): Canary {
  /** Number -> from before it was set. */
  const awaited = new Map<number, Instant>();
  let last = 0;
  let quietSince: Instant | undefined;

  const see = (phase: PhaseName, now: Instant): void => {
    if (!isExpected(phase)) {
      quietSince = undefined;
      awaited.clear();
    } else if (phase === "following") quietSince ??= now;
  };

  return {
    next(phase, now) {
      see(phase, now);
      if (phase !== "following" || awaited.size >= canariesAwaitedMax) return undefined;
      last += 1;
      awaited.set(last, now);
      return last;
    },
    forget: (number) => void awaited.delete(number),
    arrived(number, now) {
      if (quietSince !== undefined) quietSince = now;
      const before = [...awaited].filter(([one]) => one <= number);
      for (const [one] of before) awaited.delete(one);
      return before.map(([, since]) => now - since);
    },
    ageMs(phase, now) {
      see(phase, now);
      return quietSince === undefined ? undefined : now - quietSince;
    },
  };
}

/** In the others it is somebody else's link, or an operator's word that nothing is carried over. */
function isExpected(phase: PhaseName): boolean {
  return phase !== "standby" && phase !== "paused" && phase !== "stopped";
}
