import type { ArbiterOptions } from "../../../arbiter/core/context.ts";
import type { Site } from "./net.ts";

/** The set that the lives are about: who stands where, and the times of its arbiters. */
export const cluster = "C1";
export const set = "bs1";

export const places = [
  { name: "b1", site: "idc1", address: "10.1.0.1:10911" },
  { name: "b2", site: "idc1", address: "10.1.0.2:10911" },
  { name: "b3", site: "idc2", address: "10.2.0.1:10911" },
] as const;

export const timing: ArbiterOptions["timing"] = {
  probeTimeoutMs: 500,
  suspectAfterMs: 2_500,
  leaderSilentMs: 700,
  demoteFirstMs: 400,
  offsetReadMs: 300,
  gatherMs: 3_000,
  quorumProofMs: 2_000,
};

export function optionsOf(site: Site): ArbiterOptions {
  return {
    site,
    controller: `${site}:9878`,
    version: "simulated",
    clusters: [cluster],
    timing,
    idcOf: (address) => places.find((place) => place.address === address)?.site ?? "",
    canary: true,
  };
}
