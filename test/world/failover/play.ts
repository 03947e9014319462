import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inProject } from "../../integration/harness/project.ts";
import { checkGap, type GapReport } from "../checkers/gap.ts";
import { checkMute } from "../checkers/mute.ts";
import { epochsOfTwo, namedBetween, type Reign } from "../checkers/reigns.ts";
import { ackedMinUsual, checkSet, type SetReport, type StoredQueue } from "../checkers/set.ts";
import { checkStale, type StaleReport } from "../checkers/stale.ts";
import { readSettled } from "../checkers/stored.ts";
import type { Acked, History } from "../load/history.ts";
import { type Load, startLoad } from "../load/load.ts";
import { actsAsMaster, type SetStatus } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import { type Doubt, watchDoubts } from "./doubts.ts";
import { type ElectionWatch, watchElections } from "./elections.ts";
import { type Fault, type FaultName, faults } from "./faults.ts";
import { addressesOf, leadFromHome, type Stage, serverAt, untilComplete } from "./stage.ts";

const quietMs = 2_000;
/** A fault that was answered lasts this much longer: what comes after the answer is seen too. */
const answeredMs = 2_000;
const lookEveryMs = 25;
/** How long the load goes on for want of acknowledged messages. */
const enoughMsMax = 90_000;

/** What became of one fault. Times in ms. */
export interface Outcome {
  readonly fault: FaultName;
  /** HOST:PORT of the master before. */
  readonly old: string;
  readonly oldEpoch: number;
  /** Masters that were named while it lasted, in the order of their epochs. */
  readonly named: readonly Reign[];
  /** Those that were named after it was over. */
  readonly namedLater: readonly Reign[];
  /** From the fault until anybody told of the first of those; null: there was none. */
  readonly decidedMs: number | null;
  readonly epochsOfTwo: readonly number[];
  readonly gap: GapReport;
  readonly set: SetReport;
  readonly stale: StaleReport;
  /** Acknowledged by the old master though the fault leaves it only its own IDC. */
  readonly mute: readonly Acked[];
  /** Sites that said that the master is down, and the arbiters that showed it, while the fault lasted. */
  readonly doubts: readonly Doubt[];
  /** The longest time in which nobody told of a master, from the fault on. */
  readonly blindMs: number;
  /** HOST:PORT of all that act as master in the end. */
  readonly acting: readonly string[];
  /** From the end of the fault until all replicas were in sync; null: they were not as long as anybody watched. */
  readonly inSyncMs: number | null;
  /** What all this was read from. */
  readonly evidence: string;
}

/** One fault under load, from a set that is complete until it is complete again, and what is to be said of it. */
export async function play(
  stage: Stage,
  name: FaultName,
  options: {
    readonly ackedMin?: number;
    readonly settleMsMax: number;
    /** In place of the fault's own. */
    readonly lastsMs?: number;
  },
): Promise<Outcome> {
  const before = await (faults[name].fromHome ? leadFromHome(stage) : untilComplete(stage));
  await using opened = await openPlay(stage, name, before, options.lastsMs);
  await opened.strike();
  await opened.restore(options.settleMsMax);
  return await opened.judge(options.ackedMin);
}

/** The same step by step, each once and in this order, for who has something to say between them. The load runs all the time. */
export interface OpenPlay extends AsyncDisposable {
  /** The one before the fault. */
  readonly master: Server;
  /** Resolves when the fault was answered, and seen a little longer, or its time is over. @returns the wall time of the fault */
  strike(): Promise<number>;
  /** What has become of writes so far. */
  gap(): GapReport;
  /** Masters that were named since the fault, so far. */
  named(): readonly Reign[];
  /** Ends the fault. @returns after how many ms all replicas were in sync again; null: they were not in time */
  restore(settleMsMax: number): Promise<number | null>;
  /** Goes on until enough messages are acknowledged, and reads them all back. */
  judge(ackedMin?: number): Promise<Outcome>;
}

/** @param before the complete set, as it is now */
export async function openPlay(
  stage: Stage,
  name: FaultName,
  before: SetStatus,
  lastsMs: number = faults[name].lastsMs,
): Promise<OpenPlay> {
  const fault = { ...faults[name], lastsMs };
  const master = serverAt(stage.brokers, before.masterAddress);
  const watch = watchElections(stage);
  const load = startLoad(stage.world.network, { ...stage, ...addressesIn(stage) });
  let faultAt = Infinity;
  let struckAt = Infinity;
  let restoredAt = Infinity;
  let doubts: readonly Doubt[] = [];
  let restore = async (): Promise<void> => {};
  let inSyncMs: number | null = null;
  await delay(quietMs);

  return {
    master,
    async strike() {
      const wall = Date.now();
      faultAt = performance.now();
      restore = await fault.strike(stage, master);
      struckAt = performance.now();
      doubts = await doubtsUntil(untilAnswered(fault, { faultAt, master, watch, load }), stage);
      return wall;
    },
    gap: () => checkGap(load.history(), { faultAt, endAt: performance.now(), old: master.address }),
    named: () => namedBetween(watch.reigns, faultAt, Infinity),
    async restore(settleMsMax) {
      restoredAt = performance.now();
      await restore();
      inSyncMs = await untilInSync(stage, watch, restoredAt, settleMsMax);
      return inSyncMs;
    },
    async judge(ackedMin = ackedMinUsual) {
      for (
        const startedAt = performance.now();
        load.acked < ackedMin && performance.now() - startedAt < enoughMsMax;
      ) {
        await delay(lookEveryMs);
      }
      await delay(quietMs);
      const endAt = performance.now();
      const history = await load.stop();

      const { reigns } = watch;
      const last = reigns.at(-1);
      if (last === undefined) throw new Error(`nobody knew a master of ${stage.set} all the time`);
      const setOf = (stored: readonly StoredQueue[]) => checkSet(history.sends, stored, { ackedMin });
      const from = { ...stage, broker: last.broker };
      const named = namedBetween(reigns, faultAt, restoredAt);
      const decidedAt = named[0]?.firstSeenAt;
      const stored = await readSettled(stage.world.network, from, (each) => setOf(each).lost.length > 0);
      const outcome = {
        fault: name,
        old: master.address,
        oldEpoch: before.masterEpoch,
        named,
        decidedMs: decidedAt === undefined ? null : decidedAt - faultAt,
        namedLater: namedBetween(reigns, restoredAt, endAt),
        epochsOfTwo: epochsOfTwo(reigns),
        gap: checkGap(history, { faultAt, endAt, old: master.address }),
        set: setOf(stored),
        stale: checkStale(history.sends, reigns),
        mute: fault.mute
          ? checkMute(history.sends, { broker: master.address, fromMs: struckAt, untilMs: restoredAt })
          : [],
        doubts,
        blindMs: watch.blindMs(faultAt, endAt),
        acting: await mastersAmong(stage),
        inSyncMs,
      };
      const evidence = await keep(stage, { ...outcome, faultAt, restoredAt, endAt, reigns, history });
      return { ...outcome, evidence };
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

function addressesIn({ nameServers, brokers }: Stage) {
  return { nameServers: addressesOf(nameServers), brokers: addressesOf(brokers) };
}

async function doubtsUntil(answered: Promise<void>, stage: Stage): Promise<readonly Doubt[]> {
  await using watch = watchDoubts(stage);
  await answered;
  return watch.doubts;
}

/** Whom clients could take for the master, by what the brokers say of themselves. */
async function mastersAmong({ world, brokers }: Stage): Promise<string[]> {
  const roles = await Promise.all(
    brokers.map(async ({ address }) => ({ address, acts: await actsAsMaster(world.network, "clients", address) })),
  );
  return roles.flatMap(({ address, acts }) => (acts ? [address] : []));
}

/** A fault that must change nothing is watched for its whole time. */
async function untilAnswered(
  { must, lastsMs }: Fault,
  seen: { faultAt: number; master: Server; watch: ElectionWatch; load: Load },
): Promise<void> {
  const { faultAt, master, watch, load } = seen;
  const answered = (): boolean => {
    const [first] = namedBetween(watch.reigns, faultAt, Infinity);
    if (first === undefined || must === "keep") return false;
    const moved = must === "new-epoch" || watch.reigns.at(-1)?.broker !== master.address;
    return moved && load.ackedSince(first.firstSeenAt);
  };
  while (!answered()) {
    if (performance.now() - faultAt > lastsMs) return;
    await delay(lookEveryMs);
  }
  await delay(answeredMs);
}

async function untilInSync(
  { brokers }: Stage,
  watch: ElectionWatch,
  sinceMs: number,
  msMax: number,
): Promise<number | null> {
  for (;;) {
    const tookMs = performance.now() - sinceMs;
    if (watch.newest?.inSync.length === brokers.length) return tookMs;
    if (tookMs > msMax) return null;
    await delay(lookEveryMs);
  }
}

/** Everything, for whoever doubts the verdict. @returns the file's path */
async function keep(
  { world, contender }: Stage,
  all: { readonly fault: FaultName; readonly history: History } & Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = inProject(".cache/test-logs");
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString().replaceAll(":", "");
  const file = join(folder, `${at}-${contender}-${all.fault}-${world.network.folder.slice(-6)}.json`);
  await writeFile(file, JSON.stringify(all));
  return file;
}
