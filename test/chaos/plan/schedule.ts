import { createRandom, type Random } from "../../simulation/random.ts";
import { type SiteName, serverSites, type Way } from "../../world/network/sites.ts";
import type { FaultName } from "./names.ts";

/** One fault, with everything that chance decides about it. Who is the master then is seen only when it strikes. */
export interface Planned {
  /** From 1. */
  readonly nth: number;
  readonly fault: FaultName;
  /** Places in the list of brokers, ascending. */
  readonly brokers: readonly number[];
  /** Places in the list of arbiters, ascending. */
  readonly deciders: readonly number[];
  /** Places in the list of etcd members, ascending. */
  readonly etcds: readonly number[];
  /** Sites that are struck as a whole. */
  readonly sites: readonly SiteName[];
  /** That are cut. */
  readonly ways: readonly Way[];
  /** Share of packets that a site loses. */
  readonly lossRatio: number;
  /** How far a clock goes wrong, ms. */
  readonly clockMs: number;
}

const brokerCount = 3;
const idcs = ["idc1", "idc2"] as const satisfies readonly SiteName[];
const lossPercent = { min: 5, max: 30 };
const skewMs = 60_000;
const nothing = { brokers: [], deciders: [], etcds: [], sites: [], ways: [], lossRatio: 0, clockMs: 0 };

/**
 * The first faults of a run. Each of `faults` comes once before any comes again, in an order of chance. Pure: the same seed gives
 * the same list, and a longer one begins with the shorter one.
 */
export function scheduleOf(seed: number, faults: readonly FaultName[], count: number): Planned[] {
  if (faults.length === 0) return [];
  const random = createRandom(seed);
  const planned: Planned[] = [];
  while (planned.length < count) {
    for (const fault of shuffled(random, faults)) {
      planned.push({ nth: planned.length + 1, fault, ...nothing, ...targetOf(fault, random) });
    }
  }
  return planned.slice(0, count);
}

function targetOf(fault: FaultName, random: Random): Partial<Planned> {
  switch (fault) {
    case "minor-kill":
    case "minor-suspend":
    case "broker-cut-from-arbiters":
    case "full-disk":
      return { brokers: someOf(random, brokerCount, 1) };
    case "major-kill":
    case "major-suspend":
      return { brokers: someOf(random, brokerCount, 2) };
    case "random-kill":
    case "random-suspend":
      return { brokers: someOf(random, brokerCount, random.int(1, brokerCount)) };
    case "fixed-kill":
    case "fixed-suspend":
      return { brokers: [0] };
    case "leader-kill":
    case "leader-suspend":
      return {};
    case "clock-skew":
      return { deciders: someOf(random, serverSites.length, 1), clockMs: random.chance(0.5) ? skewMs : -skewMs };
    case "etcd-minority":
      return { etcds: someOf(random, serverSites.length, 2) };
    case "random-partition":
      return { sites: [random.pick(serverSites)] };
    case "fixed-partition":
      return { sites: [serverSites[0]] };
    case "idc-lost":
      return { sites: [random.pick(idcs)] };
    case "random-loss":
      return { sites: [random.pick(serverSites)], lossRatio: random.int(lossPercent.min, lossPercent.max) / 100 };
    case "partition-majorities-ring":
      return { ways: ringCuts(shuffled(random, serverSites)) };
    case "bridge":
      return { ways: bothWays(shuffled(random, serverSites)) };
    case "one-way-cut":
      return { ways: bothWays(shuffled(random, serverSites)).slice(0, 1) };
  }
}

/** Each hears the next one of the ring, and is deaf to the one before. */
function ringCuts(ring: readonly SiteName[]): Way[] {
  return ring.map((to, place) => ({ from: ring.at(place - 1) ?? to, to }));
}

function bothWays([one = "idc1", other = "idc2"]: readonly SiteName[]): Way[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ];
}

function someOf(random: Random, of: number, count: number): number[] {
  const all = Array.from({ length: of }, (_, place) => place);
  return shuffled(random, all)
    .slice(0, count)
    .toSorted((one, other) => one - other);
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list];
  return list.flatMap(() => left.splice(random.int(0, left.length - 1), 1));
}
