import type { Timing } from "./timing.ts";

/** As the config has it when nothing is said. */
export const timing: Timing = {
  probeTimeoutMs: 500,
  suspectAfterMs: 2_500,
  leaderSilentMs: 700,
  demoteFirstMs: 400,
  offsetReadMs: 300,
  gatherMs: 3_000,
  quorumProofMs: 2_000,
};
