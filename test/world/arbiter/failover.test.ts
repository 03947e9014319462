import { afterAll, beforeAll, expect } from "vitest";
import type { FaultName } from "../failover/faults.ts";
import { type Outcome, play } from "../failover/play.ts";
import { raiseStage, type Stage } from "../failover/stage.ts";
import { inSyncMsUsual, lineOf, problemsOf } from "../failover/verdict.ts";
import { worldRefusal } from "../rights.ts";
import { lossless } from "../rocketmq/lossless.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";

/**
 * The arbiter's promise, under faults, with the setting that is recommended for it: nothing that was acknowledged is lost,
 * nobody acknowledges under an epoch that is over, masters change only when they must, and every replica comes back.
 */

const full = process.env["CROSSIDC_FULL"] === "1";
/** On a busy machine; a minute and a half otherwise. */
const raiseMsMax = 480_000;
/** Getting ready, the fault, the way back, the messages that are wanted, reading all of them. */
const playMsMax = 300_000;
/** In a full run a link stays cut for longer. */
const loneMsFull = 60_000;

let world: World;
let stage: Stage;

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  stage = await raiseStage(world, { contender: "arbiter", settings: lossless });
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

/** From the restart of all arbiters, or of all of etcd, until one of them tells of a master again. Usually 4 s; on a busy machine many more. */
const blindMsMax = 45_000;
/** A fault that blinds nobody was none. */
const blindMsMin = 500;

interface Runs {
  readonly usual: number;
  readonly full: number;
}

function faultTest(rule: string, runs: Runs, fault: FaultName, options: { lastsMs?: number } = {}) {
  repeat(rule, runs, playMsMax, () => expectGood(fault, options));
}

/** Everybody who decides is gone for a while. */
function restartTest(rule: string, runs: Runs, fault: FaultName): void {
  repeat(rule, runs, 2 * playMsMax, async () => {
    const { blindMs } = await expectGood(fault);
    expect(blindMs).toBeGreaterThan(blindMsMin);
    expect(blindMs).toBeLessThan(blindMsMax);
    await expectGood("kill");
  });
}

function repeat(rule: string, runs: Runs, timeoutMs: number, run: () => Promise<unknown>): void {
  const times = full ? runs.full : runs.usual;
  for (let nth = 1; nth <= times; nth += 1) {
    worldTest(times === 1 ? rule : `${rule} (${nth} of ${times})`, async () => void (await run()), timeoutMs);
  }
}

async function expectGood(fault: FaultName, options: { lastsMs?: number } = {}): Promise<Outcome> {
  const outcome = await play(stage, fault, { settleMsMax: inSyncMsUsual, ...options });
  console.log(lineOf(outcome));
  expect(problemsOf(outcome)).toEqual([]);
  return outcome;
}

/** And a third time below, when all of etcd is back. */
faultTest("a killed master is replaced", { usual: 2, full: 30 }, "kill");
restartTest(
  "all arbiters may be restarted at once, and answer a kill afterwards",
  { usual: 0, full: 5 },
  "all-deciders",
);
restartTest(
  "all of etcd may be restarted at once, and a kill is answered afterwards",
  { usual: 1, full: 5 },
  "all-etcd",
);
/** In a usual run guests.test.ts does it. */
faultTest("a frozen master is replaced, and acknowledges nothing when it goes on", { usual: 0, full: 5 }, "freeze");
faultTest("a master that restarts at once is named under a new epoch, or replaced", { usual: 1, full: 5 }, "restart");
faultTest(
  "a master that nobody can replace is named again, under a new epoch, when it has restarted",
  { usual: 1, full: 5 },
  "alone",
);
faultTest(
  "a master that dies while a replica is coming in sync is replaced by one that surely has everything",
  { usual: 1, full: 5 },
  "expanding",
);
faultTest(
  "who decides, and etcd's leader, and its member beside the master may fail, one after the other",
  { usual: 1, full: 0 },
  "in-turn",
);
faultTest("an arbiter that leads may die", { usual: 0, full: 5 }, "leader");
faultTest("a master is replaced though the leading arbiter dies with it", { usual: 1, full: 5 }, "both");
faultTest(
  "a cut-off IDC with the master in it is replaced, acknowledges nothing, and comes back as slaves",
  { usual: 1, full: 5 },
  "site",
);
const lone = full ? { lastsMs: loneMsFull } : {};
faultTest("a master that only the witness does not hear stays", { usual: 1, full: 5 }, "deaf-witness", lone);
faultTest("a master that only the other IDC does not reach stays", { usual: 1, full: 5 }, "link-idc2", lone);
faultTest("a master that only the witness does not reach stays", { usual: 0, full: 5 }, "link-witness", lone);
faultTest("a master that only the other IDC does not hear stays", { usual: 0, full: 5 }, "deaf-idc2", lone);
faultTest("etcd's leader may die", { usual: 0, full: 5 }, "etcd-leader");
faultTest("the etcd member beside the master may hang", { usual: 0, full: 5 }, "etcd-frozen");
faultTest("all arbiters may be restarted, one after the other", { usual: 0, full: 5 }, "rolling");
faultTest("a master whose etcd is a minority is replaced, though clients reach it", { usual: 0, full: 5 }, "minority");
faultTest(
  "nobody is replaced without a quorum, and a dead master is as soon as there is one",
  { usual: 0, full: 5 },
  "no-quorum",
);
