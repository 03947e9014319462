import type { ArbiterOptions } from "../../../arbiter/core/context.ts";
import { timing } from "../../../arbiter/core/timing.fixture.ts";
import type { Site } from "./net.ts";

/** The set that the lives are about: and who stands where. */
export const cluster = "C1";
export const set = "bs1";

export const places = [
  { name: "b1", site: "idc1", address: "10.1.0.1:10911" },
  { name: "b2", site: "idc1", address: "10.1.0.2:10911" },
  { name: "b3", site: "idc2", address: "10.2.0.1:10911" },
] as const;

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
