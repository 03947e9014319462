import type { Clock } from "../lib/clock.ts";
import type { Place } from "./core/places.ts";
import type { Tallies } from "./core/tallies.ts";
import type { Driver } from "./driver.ts";
import type { OnEvent } from "./events.ts";
import type { Limits } from "./limits.ts";
import type { Routes } from "./routes.ts";

/** What a client's producers and consumers share. */
export interface ClientParts {
  readonly routes: Pick<Routes, "watch">;
  readonly driverOf: (place: Place) => Promise<Driver>;
  readonly tallies: Tallies;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Where this client stands between 0 and 1 when shares are given out. */
  readonly point: number;
  readonly random: () => number;
  readonly onEvent: OnEvent;
  readonly signal: AbortSignal;
}
