import type { HealthTiming, Moment } from "./model.ts";

/**
 * Whether a broker set is held out: out fast, back slowly. It goes out when it has failed without a break for `outAfterMs`, and
 * comes back when it has been well without a break for `backAfterMs` and `backAfterChecks` checks.
 */
export type SetHealth =
  | { readonly kind: "in"; readonly failingSince: number | null }
  | { readonly kind: "out"; readonly wellSince: number | null; readonly wellChecks: number; readonly reason: string };

export const wellAtFirst: SetHealth = { kind: "in", failingSince: null };

export interface Observation {
  /** Why it fails; null: it does not, as far as is known. */
  readonly failing: string | null;
  /** Monotonic time since which it may have failed: of a check, when it was sent. */
  readonly at: number;
  /** A check that it passed, which was not counted yet. */
  readonly passed: boolean;
}

export function observe(
  health: SetHealth,
  { failing, at, passed }: Observation,
  { now }: Pick<Moment, "now">,
  timing: HealthTiming,
): SetHealth {
  if (health.kind === "in") {
    if (failing === null) return health.failingSince === null ? health : wellAtFirst;
    const failingSince = health.failingSince ?? at;
    if (now - failingSince >= timing.outAfterMs)
      return { kind: "out", wellSince: null, wellChecks: 0, reason: failing };
    return failingSince === health.failingSince ? health : { kind: "in", failingSince };
  }
  if (failing !== null) {
    return health.wellSince === null && health.reason === failing
      ? health
      : { kind: "out", wellSince: null, wellChecks: 0, reason: failing };
  }
  const wellSince = health.wellSince ?? now;
  const wellChecks = health.wellChecks + (passed ? 1 : 0);
  if (wellChecks >= timing.backAfterChecks && now - wellSince >= timing.backAfterMs) return wellAtFirst;
  if (wellSince === health.wellSince && wellChecks === health.wellChecks) return health;
  return { ...health, wellSince, wellChecks };
}

/** This process stood still: what it did not hear meanwhile says nothing, so failures begin anew. */
export function forgive(health: SetHealth, now: number): SetHealth {
  return health.kind === "in" && health.failingSince !== null ? { kind: "in", failingSince: now } : health;
}
