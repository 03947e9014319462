import type { Random } from "../random.ts";
import type { Timeline } from "../timeline.ts";

/** Three sites and the ways between them. What is cut is not told: it just does not arrive. */
export const sites = ["idc1", "idc2", "witness"] as const;
export type Site = (typeof sites)[number];

export interface Net {
  readonly timeline: Timeline;
  readonly random: Random;
  passes(from: Site, to: Site): boolean;
  set(from: Site, to: Site, open: boolean): void;
  heal(): void;
  /** Delivers after the way's delay, if the way is open then. */
  send(from: Site, to: Site, deliver: () => void): void;
}

const insideMsMax = 2;
const betweenMsMax = 12;

export function createNet(timeline: Timeline, random: Random): Net {
  const cuts = new Set<string>();
  const passes = (from: Site, to: Site): boolean => from === to || !cuts.has(`${from} ${to}`);
  return {
    timeline,
    random,
    passes,
    set(from, to, open) {
      if (open) cuts.delete(`${from} ${to}`);
      else cuts.add(`${from} ${to}`);
    },
    heal: () => cuts.clear(),
    send(from, to, deliver) {
      const ms = from === to ? random.int(0, insideMsMax) : random.int(2, betweenMsMax);
      timeline.after(ms, () => {
        if (passes(from, to)) deliver();
      });
    },
  };
}
