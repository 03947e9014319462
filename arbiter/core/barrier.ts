/**
 * The barrier: a master's minInSyncReplicas, so high that it refuses every message. It tells what it stands for, so that it can
 * be lowered by whoever finds it, also when no record of it is left.
 */

const base = 1_000_000;
/** No broker set has as many replicas. */
export const ownValueMax = 999;

/** @param ownValue 0 to ownValueMax */
export function barrierOf(ownValue: number): number {
  return base + ownValue;
}

/** The value below the barrier; null: there is no barrier. */
export function belowBarrier(minInSyncReplicas: number): number | null {
  const own = minInSyncReplicas - base;
  return own >= 0 && own <= ownValueMax ? own : null;
}
