import { setTimeout as delay } from "node:timers/promises";
import type { Network } from "./network/network.ts";
import type { Quality } from "./network/quality.ts";
import { type SiteName, type Way, ways } from "./network/sites.ts";

/** Some ways of the WAN, to be changed together: `world.between("idc1", "idc2").cutFor(30_000)`. */
export interface Lines {
  /** Packets vanish from now on; connections stay open and hear nothing. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** A cut that heals by itself; resolves when it has. */
  cutFor(ms: number): Promise<void>;
  /** What is not named stays as it is. */
  set(change: Partial<Omit<Quality, "cut">>): Promise<void>;
}

export function linesOf(network: Network, chosen: readonly Way[]): Lines {
  const self: Lines = {
    cut: () => network.set(chosen, { cut: true }),
    heal: () => network.set(chosen, { cut: false }),
    async cutFor(ms) {
      await self.cut();
      await delay(ms);
      await self.heal();
    },
    set: (change) => network.set(chosen, change),
  };
  return self;
}

export function waysBetween(one: SiteName, other: SiteName): Way[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ];
}

/** All ways that lead into the site or out of it. */
export function waysAround(site: SiteName): Way[] {
  return ways.filter(({ from, to }) => from === site || to === site);
}
