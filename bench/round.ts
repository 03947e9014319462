import { startProxy } from "../test/integration/harness/proxy.ts";
import type { Contender } from "./contenders/contender.ts";
import { type Figures, type FollowedLoad, stages } from "./figures.ts";
import { createOutstanding, load, type Outstanding, seen, sleep } from "./load.ts";
import { measure, type Watched, watchProcess } from "./measure.ts";
import type { Store } from "./stores/store.ts";
import { nodesIn } from "./tree.ts";

export interface RoundOptions {
  readonly contender: Contender;
  readonly source: Store;
  /** Empty at first. */
  readonly target: Store;
  readonly figures: Figures;
  readonly nodes: number;
  readonly rttMs: number;
  /** Writes a second. Without any it is not asked to follow. */
  readonly lagRates: readonly number[];
  readonly sustainedRates: readonly number[];
  readonly forMs: number;
  /** Gives each write of the source data that was never there before. */
  readonly nextGeneration: () => number;
  readonly say: (text: string) => void;
}

/** Every so many nodes one drifts. */
const driftEvery = 100;
/** A follower whose backlog is gone so soon after the last write did not build one up. */
const sustainedDrainMs = 1_000;
const giveUpMs = 60_000;
const readyMsMax = 300_000;
const quickProbeMs = 500;
const quickProbes = 3;

/** One contender's turn: three passes, then, if it can follow, the loads. */
export async function runRound(options: RoundOptions): Promise<void> {
  const { source, rttMs } = options;
  if (rttMs === 0) {
    await against(options, source.address);
    return;
  }
  await using line = await startProxy({ target: source.address, delayMs: rttMs / 2 });
  await against(options, line.address);
}

async function against(options: RoundOptions, sourceAddress: string): Promise<void> {
  const { contender, target, lagRates, sustainedRates } = options;
  await makePasses(options, sourceAddress);
  if (contender.follow === undefined || lagRates.length + sustainedRates.length === 0) return;
  const outstanding = createOutstanding();
  await target.watch((node) => seen(outstanding, node));
  await using follower = watchProcess(contender.follow(sourceAddress, target.address));
  await untilFollowing(options, follower);
  for (const rate of lagRates) {
    if (rate <= (contender.writesPerSecondMax ?? Infinity)) await followLoad(options, follower, outstanding, rate);
  }
  let most = 0;
  for (const rate of sustainedRates) {
    const { missing, drainMs, writesPerSecond } = await followLoad(options, follower, outstanding, rate);
    if (missing > 0 || drainMs > sustainedDrainMs) break;
    most = Math.max(most, writesPerSecond);
  }
  if (sustainedRates.length > 0) options.figures.sustained.push(most);
}

async function makePasses(options: RoundOptions, sourceAddress: string): Promise<void> {
  const { contender, source, target, figures, nodes, say } = options;
  const total = nodesIn(nodes);
  const command = contender.pass(sourceAddress, target.address);
  for (const stage of stages) {
    const generation = stage === "drifted" ? await drift(options) : undefined;
    const before = await target.position();
    const isDone = async (): Promise<boolean> => (await target.writtenSince(before)) >= total;
    const measured = await measure(command, contender.endless ? isDone : undefined);
    const writes = await target.writtenSince(before);
    figures.passes[stage].push({ ...measured, writes });
    say(`${contender.name}: ${stage} ${(measured.wallMs / 1_000).toFixed(2)} s, ${writes} writes`);
    if (stage === "first" && writes < total) throw new Error(`${contender.name} copied ${writes} of ${total} nodes`);
    if (generation !== undefined && (await target.generationOf(lastDrifted(nodes))) !== generation)
      throw new Error(`${contender.name} left node ${lastDrifted(nodes)} as it was, ${source.address} has another`);
  }
}

async function drift({ source, nodes, nextGeneration }: RoundOptions): Promise<number> {
  const generation = nextGeneration();
  const changed = Array.from({ length: Math.ceil(nodes / driftEvery) }, (_, at) => at * driftEvery);
  for (let from = 0; from < changed.length; from += driftEvery)
    await source.write(changed.slice(from, from + driftEvery), generation);
  return generation;
}

function lastDrifted(nodes: number): number {
  return (Math.ceil(nodes / driftEvery) - 1) * driftEvery;
}

/** Several changes in a row come through at once: what it copies at its start is behind it. */
async function untilFollowing({ source, target, nextGeneration, contender }: RoundOptions, follower: Watched) {
  const deadline = performance.now() + readyMsMax;
  for (let quick = 0; quick < quickProbes; ) {
    const sentAt = performance.now();
    const generation = nextGeneration();
    await source.write([0], generation);
    while ((await target.generationOf(0)) !== generation) {
      if (performance.now() > deadline || !follower.process.running)
        throw new Error(`${contender.name} does not follow. ${follower.process.log()}`);
      await sleep(10);
    }
    quick = performance.now() - sentAt < quickProbeMs ? quick + 1 : 0;
    await sleep(quickProbeMs);
  }
}

async function followLoad(
  options: RoundOptions,
  follower: Watched,
  outstanding: Outstanding,
  rate: number,
): Promise<FollowedLoad> {
  const { contender, source, nodes, nextGeneration, forMs, figures, say } = options;
  const before = follower.usage().cpuMs;
  const lag = await load({
    source,
    outstanding,
    nodes,
    nextGeneration,
    writesPerSecond: rate,
    forMs,
    giveUpMs,
  });
  const { cpuMs, peakMb } = follower.usage();
  const followed = { ...lag, rate, cpuMs: cpuMs - before, peakMb };
  figures.loads.push(followed);
  say(
    `${contender.name}: ${rate}/s asked, ${Math.round(lag.writesPerSecond)} written, drained in ${Math.round(lag.drainMs)} ms, ${lag.missing} missing`,
  );
  return followed;
}
