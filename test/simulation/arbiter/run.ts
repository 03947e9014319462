import type { Ack } from "./ackers.ts";
import { makePeace, strike, strikeArbiters } from "./faults.ts";
import { atPeace } from "./peace.ts";
import { createWorld, type PromiseName, promiseNames, type World, type WorldOptions } from "./world.ts";

/** One life of three arbiters and a broker set of three, from a seed: faults at random, then peace, then what must hold. */
export interface Outcome {
  readonly acked: number;
  readonly decisions: number;
  readonly failovers: number;
  readonly restarts: number;
  readonly switches: number;
  readonly takenBack: number;
  readonly returns: number;
  readonly epoch: number;
  readonly hash: string;
  readonly notes: readonly string[];
  readonly acks: readonly Ack[];
}

export interface RunOptions extends Pick<WorldOptions, "onCommand" | "onStep"> {
  readonly trace?: boolean;
  /** Called once the set is complete, in place of faults at random. */
  readonly strike?: (world: World) => void;
  /** Nothing happens to brokers and lines, only to arbiters; and masters acknowledge what they alone have. */
  readonly calm?: boolean;
  /** What the set is promised; without it the seed says where faults are drawn too, and elsewhere nothing is. */
  readonly promise?: PromiseName;
  /** How long faults, or what `strike` began, go on; and how long there is peace after them. */
  readonly faultsMs?: number;
  readonly healMs?: number;
}

const calmMs = 20_000;
const faultsMsUsual = 60_000;
const healMsUsual = 75_000;
const linesShown = 40;

/** @throws with the seed, what did not hold, and the last lines of what happened */
export function run(seed: number, options: RunOptions = {}): Outcome {
  const { faultsMs = faultsMsUsual, healMs = healMsUsual, calm = false, trace = false } = options;
  const drawn = promiseNames[seed % promiseNames.length] ?? "best-effort";
  const { promise = options.strike === undefined ? drawn : "best-effort" } = options;
  const acksAlone = calm || promise === "zero-alone";
  const world = createWorld(seed, { trace, acksAlone, promise, onCommand: options.onCommand, onStep: options.onStep });
  const { timeline, random, judge, brokers, notes } = world;
  const faultsUntil = calmMs + faultsMs;
  const strikeAgain = (): void => {
    if (timeline.now >= faultsUntil) {
      makePeace(world);
      return;
    }
    if (calm) strikeArbiters(world);
    else strike(world);
    timeline.after(random.int(200, 9_000), strikeAgain);
  };
  const { strike: strikeOnce } = options;
  if (strikeOnce === undefined) {
    timeline.after(calmMs, strikeAgain);
    for (const at of [calmMs - 6_000, calmMs + faultsMs + 40_000]) timeline.after(at, world.switchMaster);
  } else {
    timeline.after(calmMs, () => strikeOnce(world));
    timeline.after(faultsUntil, () => makePeace(world));
  }
  const until = faultsUntil + healMs;
  try {
    while (timeline.now < until && timeline.runNext()) judge.look(brokers);
    const epoch = atPeace(world);
    return { ...judge.counts(), epoch, hash: world.digest(), notes, acks: judge.acks };
  } catch (error) {
    const at = `seed ${seed} at ${(timeline.now / 1_000).toFixed(3)} s`;
    const last = notes.slice(-linesShown).join("\n");
    throw new Error(`${at}: ${(error as Error).message}\n${last}`, { cause: error });
  }
}
