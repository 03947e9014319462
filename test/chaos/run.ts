import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import { readStored } from "../world/checkers/stored.ts";
import { leadFromHome, type Stage, serverAt } from "../world/failover/stage.ts";
import { getText, httpAddressOf } from "../world/http.ts";
import type { Server } from "../world/server.ts";
import type { World } from "../world/world.ts";
import { startCrowd } from "./clients/crowd.ts";
import { type Standing, watchStanding } from "./clients/standing.ts";
import { startWatchers } from "./clients/watchers.ts";
import { type Histories, openHistories } from "./history.ts";
import { type FaultName, faultTexts } from "./plan/names.ts";
import { type Planned, scheduleOf } from "./plan/schedule.ts";
import { raiseChaos, type Subject } from "./raise.ts";
import { strike } from "./strikes.ts";

/** Before the first fault, between two, and after the last: what calm is measured by. */
const calmMs = 5_000;
/** Whatever a busy machine makes of it: after so long a canary that has had no answer is dead. */
const canaryMsMax = 30_000;
/** As long as a fault lasts. */
const faultMsUsual = 20_000;
/**
 * How long a set may take to be complete again: a stock broker with a tail to cut off takes up to 90 s, after up to 45 s of an
 * unlucky restart.
 */
const wholeMsMax = 180_000;
const lookEveryMs = 50;
const decisionsMax = 200;
/** More than any run can have. */
const plannedMax = 10_000;

export interface RunOptions extends Subject {
  readonly faults: readonly FaultName[];
  readonly seed: number;
  /** No fault begins after it. */
  readonly forMs: number;
  /** No more faults than this. */
  readonly faultsMax?: number;
  readonly faultMs?: number;
  /** Exists, and is empty. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Raises everything in a world, plays the schedule, and leaves the raw histories in the folder. It judges nothing. */
export async function runChaos(world: World, options: RunOptions): Promise<void> {
  const { seed, contender, settings, rpo, folder, say } = options;
  const startedAt = new Date().toISOString();
  say(`raising three sites for ${contender}`);
  const { stage, sources, able, missing } = await raiseChaos(world, options);
  for (const { fault, why } of missing) say(`not available: ${fault}: ${why}`);
  await using histories = await openHistories(folder);
  const about = {
    startedAt,
    contender,
    settings,
    rpo,
    seed,
    faults: able,
    missing,
    faultMs: options.faultMs ?? faultMsUsual,
    set: stage.set,
    brokers: stage.brokers.map(({ name, site, address }) => ({ name, site, address })),
    canaries: ["canary-idc1", "canary-idc2"],
    consumers: ["consumer-idc1", "consumer-idc2"],
    routers: sources.filter(({ name }) => name.startsWith("crossidc-router")).map(({ name }) => name),
  };
  await writeFile(join(folder, "run.json"), `${JSON.stringify(about, null, 2)}\n`);
  await leadFromHome(stage);
  await play(stage, sources, histories, able, options);
}

async function play(
  stage: Stage,
  sources: Parameters<typeof startWatchers>[1],
  histories: Histories,
  able: readonly FaultName[],
  options: RunOptions,
): Promise<void> {
  const { seed, forMs, faultsMax = plannedMax, say } = options;
  await using standing = watchStanding(stage);
  await using _watchers = startWatchers(stage, sources, histories);
  const crowd = startCrowd(stage, histories);
  await untilWhole(stage, standing);
  await delay(calmMs);
  const until = performance.now() + forMs;
  for (const planned of scheduleOf(seed, able, faultsMax)) {
    if (performance.now() > until) break;
    const whole = await playFault(stage, standing, histories, planned, options);
    if (!whole) {
      say("the set does not come back: the run ends here");
      break;
    }
    await delay(calmMs);
  }
  histories.add("faults", { e: "calm" });
  await delay(calmMs);
  await crowd.untilCanariesAcked(canaryMsMax);
  say(`${crowd.acked} acknowledged; reading everything back`);
  const caughtUp = await crowd.stop();
  histories.add("faults", { e: "over", caughtUp });
  await readBack(stage, standing, histories);
  await readDecisions(stage, histories);
}

async function playFault(
  stage: Stage,
  standing: Standing,
  histories: Histories,
  planned: Planned,
  { faultMs = faultMsUsual, say }: RunOptions,
): Promise<boolean> {
  const { nth, fault } = planned;
  const master = serverAt(stage.brokers, standing.master);
  histories.add("faults", { e: "begin", nth, fault, what: faultTexts[fault], master: master.address, planned });
  const { targets, singleLink, keeps, end } = await strike(stage, planned, master);
  histories.add("faults", { e: "force", nth, targets, singleLink, keeps });
  say(`${nth} ${fault}: ${targets.join(", ")}`);
  await delay(faultMs);
  histories.add("faults", { e: "end", nth });
  await end();
  histories.add("faults", { e: "healed", nth });
  const whole = await untilWhole(stage, standing);
  histories.add("faults", { e: whole ? "whole" : "broken", nth });
  return whole;
}

/** Until all replicas are in sync by the newest record; false: they were not in time. */
async function untilWhole({ brokers }: Stage, standing: Standing): Promise<boolean> {
  const since = performance.now();
  while (!standing.completeAfter(since, brokers.length)) {
    if (performance.now() - since > wholeMsMax) return false;
    await delay(lookEveryMs);
  }
  return true;
}

/** The whole topic, from the one who is master in the end. */
async function readBack(stage: Stage, standing: Standing, histories: Histories): Promise<void> {
  const stored = await readStored(stage.world.network, { ...stage, broker: standing.master });
  for (const { queue, ids } of stored) {
    for (const [o, id] of ids.entries()) histories.add("stored", { e: "stored", q: queue, o, id });
  }
}

/** The decisions as the arbiters have them on record, each with its votes. */
async function readDecisions(stage: Stage, histories: Histories): Promise<void> {
  if (stage.contender === "stock") return;
  const arbiter = stage.deciders.find(({ running }) => running);
  if (arbiter === undefined) throw new Error("no arbiter runs whose decisions could be read");
  const list = await ask(stage, arbiter, `/v1/decisions?set=${stage.cluster}/${stage.set}&limit=${decisionsMax}`);
  for (const { id } of (list as { decisions: readonly { id: string }[] }).decisions) {
    histories.add("decisions", { e: "decision", decision: await ask(stage, arbiter, `/v1/decisions/${id}`) });
  }
}

async function ask({ world }: Stage, arbiter: Server, path: string): Promise<unknown> {
  try {
    return JSON.parse(await getText(world.network, arbiter.site, httpAddressOf(arbiter), path));
  } catch (error) {
    throw new Error(`${arbiter.name} does not tell ${path}: ${messageOf(error)}`, { cause: error });
  }
}
