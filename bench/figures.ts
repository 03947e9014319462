import type { Lag } from "./load.ts";
import type { Measured } from "./measure.ts";

export const stages = ["first", "again", "drifted"] as const;
export type Stage = (typeof stages)[number];

/** `writes`: what the target's tree was written meanwhile. */
export type Pass = Measured & { readonly writes: number };

export interface FollowedLoad extends Lag {
  /** As asked for. */
  readonly rate: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

/** What one contender has shown, a value for each round. */
export interface Figures {
  readonly passes: Readonly<Record<Stage, Pass[]>>;
  readonly loads: FollowedLoad[];
  /** The most writes a second it kept up with. */
  readonly sustained: number[];
}

export function createFigures(): Figures {
  return { passes: { first: [], again: [], drifted: [] }, loads: [], sustained: [] };
}
