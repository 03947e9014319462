import type { Instant } from "#lib/clock.ts";
import type { LinkOptions } from "./link-context.ts";
import type { LinkStatus, WatchMode } from "./link-events.ts";

/** When a full compare is due: so long after the last one, when an operator asks for one, or when events were dropped. */
export interface CompareSchedule {
  readonly last: LinkStatus["lastCompare"];
  /** Kept while a compare runs: it may have passed the place already. */
  want(): void;
  isDue(now: Instant): boolean;
  begun(): void;
  ended(compared: Omit<NonNullable<LinkStatus["lastCompare"]>, "at">, watch: WatchMode | undefined, now: Instant): void;
}

export function createCompareSchedule(options: Pick<LinkOptions, "compareEveryMs" | "pollEveryMs">): CompareSchedule {
  let nextAt = Number.POSITIVE_INFINITY;
  let isWanted = false;
  let last: LinkStatus["lastCompare"];

  return {
    get last() {
      return last;
    },
    want() {
      isWanted = true;
    },
    isDue: (now) => isWanted || now >= nextAt,
    begun() {
      nextAt = Number.POSITIVE_INFINITY;
      isWanted = false;
    },
    ended({ sourceNodes, targetNodes, differences, tookMs }, watch, now) {
      nextAt = now + (watch === "polling" ? options.pollEveryMs : options.compareEveryMs);
      last = { at: now, sourceNodes, targetNodes, differences, tookMs };
    },
  };
}
