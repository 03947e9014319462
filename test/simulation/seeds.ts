import { run as runSet } from "./arbiter/run.ts";
import { run as runRouter } from "./router/run.ts";
import { run as runLink } from "./run.ts";

/** Lives one after another: of a broker set with its arbiters, of a link of the replicator, or of a router. */

const each = ["arbiter", "link", "router"] as const;
/** all: each seed is a life of the next one, and of each every seed has its turn. */
export const subjects = ["all", ...each] as const;
export type Subject = (typeof subjects)[number];

export interface Lives {
  readonly lives: number;
  readonly failovers: number;
  readonly switches: number;
  readonly acked: number;
  readonly commands: number;
  readonly tables: number;
}

export const none: Lives = { lives: 0, failovers: 0, switches: 0, acked: 0, commands: 0, tables: 0 };

export function added(one: Lives, other: Lives): Lives {
  return {
    lives: one.lives + other.lives,
    failovers: one.failovers + other.failovers,
    switches: one.switches + other.switches,
    acked: one.acked + other.acked,
    commands: one.commands + other.commands,
    tables: one.tables + other.tables,
  };
}

/** Every third seed has a second life, in which only arbiters are struck, and masters acknowledge alone. */
const calmEvery = 3;

/** @throws with the seed, what did not hold, and the last lines of what happened */
export function live(subject: Subject, seed: number, before: Lives): Lives {
  if (subject === "all") return live(each[seed % each.length] ?? "arbiter", Math.ceil(seed / each.length), before);
  if (subject === "link") {
    const { commands } = runLink(seed);
    return { ...before, lives: before.lives + 1, commands: before.commands + commands };
  }
  if (subject === "router") {
    const { failovers, tables } = runRouter(seed);
    const { lives } = before;
    return { ...before, lives: lives + 1, failovers: before.failovers + failovers, tables: before.tables + tables };
  }
  const outcomes = [runSet(seed), ...(seed % calmEvery === 0 ? [runSet(seed, { calm: true })] : [])];
  const sum = (of: (outcome: (typeof outcomes)[number]) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  return {
    ...before,
    lives: before.lives + outcomes.length,
    failovers: before.failovers + sum(({ failovers }) => failovers),
    switches: before.switches + sum(({ switches }) => switches),
    acked: before.acked + sum(({ acked }) => acked),
  };
}
