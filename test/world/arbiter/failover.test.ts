import { afterAll, beforeAll, expect } from "vitest";
import type { FaultName } from "../failover/faults.ts";
import { play } from "../failover/play.ts";
import { raiseStage, type Stage } from "../failover/stage.ts";
import { inSyncMsUsual, lineOf, problemsOf } from "../failover/verdict.ts";
import { worldRefusal } from "../rights.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";

/**
 * The arbiter's promise, under faults, with the setting that is recommended for it: nothing that was acknowledged is lost,
 * nobody acknowledges under an epoch that is over, masters change only when they must, and every replica comes back.
 */
const lossless = { allAckInSyncStateSet: true };

const full = process.env["CROSSIDC_FULL"] === "1";
/** On a busy machine; a minute and a half otherwise. */
const raiseMsMax = 480_000;
/** Getting ready, the fault, the way back, the messages that are wanted, reading all of them. */
const playMsMax = 300_000;

let world: World;
let stage: Stage;

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  stage = await raiseStage(world, { contender: "arbiter", settings: lossless });
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

/**
 * A stock broker that has to cut off a tail of its log waits for its dispatching thread, up to 90 s (JOIN_TIME of ServiceThread
 * 5.3.3), before it copies again: a master that was cut off with unreplicated messages comes back after that.
 */
const inSyncMsAfterTail = 150_000;

function faultTest(
  rule: string,
  fault: FaultName,
  times: { readonly usual: number; readonly full: number },
  settleMsMax: number = inSyncMsUsual,
): void {
  const runs = full ? times.full : times.usual;
  for (let run = 1; run <= runs; run += 1) {
    worldTest(
      runs === 1 ? rule : `${rule} (${run} of ${runs})`,
      async () => {
        const outcome = await play(stage, fault, { settleMsMax });
        console.log(lineOf(outcome));
        expect(problemsOf(outcome)).toEqual([]);
      },
      playMsMax,
    );
  }
}

faultTest("a killed master is replaced", "kill", { usual: 3, full: 30 });
faultTest("a frozen master is replaced, and acknowledges nothing when it goes on", "freeze", { usual: 1, full: 5 });
faultTest("a master that restarts at once is named under a new epoch, or replaced", "restart", { usual: 1, full: 5 });
faultTest("an arbiter that leads may die", "leader", { usual: 1, full: 5 });
faultTest("a master is replaced though the leading arbiter dies with it", "both", { usual: 1, full: 5 });
faultTest(
  "a cut-off IDC with the master in it is replaced, and comes back",
  "site",
  { usual: 1, full: 5 },
  inSyncMsAfterTail,
);
faultTest("a master that only the witness does not hear stays", "link-witness", { usual: 1, full: 5 });
faultTest("a master that only the other IDC does not hear stays", "link-idc2", { usual: 1, full: 5 });
faultTest("etcd's leader may die", "etcd-leader", { usual: 0, full: 5 });
faultTest("all arbiters may be restarted, one after the other", "rolling", { usual: 0, full: 5 });
faultTest("a master whose etcd is a minority is replaced, though clients reach it", "minority", { usual: 0, full: 5 });
faultTest("nobody is replaced without a quorum, and a dead master is as soon as there is one", "no-quorum", {
  usual: 0,
  full: 5,
});
