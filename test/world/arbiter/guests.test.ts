import { afterAll, beforeAll, expect } from "vitest";
import type { FaultName } from "../failover/faults.ts";
import { play } from "../failover/play.ts";
import { inSyncMsUsual, lineOf, problemsOf } from "../failover/verdict.ts";
import { worldRefusal } from "../rights.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import { type House, openHouse } from "./house.ts";
import { copiedDisk, setsOfOneName } from "./namesake-checks.ts";
import { settingUnprotects, silentIsReplaced, toolNamesMaster, toolShows } from "./operator-checks.ts";
import { strangersDisturbNobody } from "./stranger-checks.ts";

/** What others do to a set, not its own brokers and what becomes of them; and links that only the master's own IDC misses. */
const full = process.env["CROSSIDC_FULL"] === "1";
const raiseMsMax = 480_000;
const testMsMax = 240_000;
const playMsMax = 300_000;
/** In a full run a link stays cut for longer. */
const loneMsFull = 60_000;

let world: World;
let house: House;

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  house = await openHouse(world);
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

houseTest("mqadmin shows who leads, what is on record of a set, and the epochs of its brokers", toolShows);
houseTest("rpo zero: a silent master is replaced without loss while the set is protected", silentIsReplaced);
loneTest("a master that only the arbiter of its own IDC does not reach stays", { usual: 0, full: 2 }, "link-idc1");
loneTest("a master that only the arbiter of its own IDC does not hear stays", { usual: 0, full: 2 }, "deaf-idc1");
houseTest("mqadmin names a master from an operator's address only, and only one that is known", async (opened) => {
  // It starts meanwhile: from here on nobody asks for a set without its cluster.
  void opened.second();
  await toolNamesMaster(opened);
});
houseTest(
  "protection ends within 30 s of a setting's change at run time, and is back as soon; meanwhile a silent master is left alone",
  settingUnprotects,
);
houseTest("nonsense, half frames and a thousand who say nothing disturb nobody", strangersDisturbNobody);
houseTest("brokers are cleaned away when they are gone; a copied disk freezes its own set alone", copiedDisk);
houseTest("sets of one name in two clusters have masters of their own, replaced by their own", setsOfOneName);

function houseTest(rule: string, run: (house: House) => Promise<void>): void {
  worldTest(rule, () => run(house), testMsMax);
}

function loneTest(rule: string, runs: { readonly usual: number; readonly full: number }, fault: FaultName): void {
  const times = full ? runs.full : runs.usual;
  for (let nth = 1; nth <= times; nth += 1) {
    worldTest(
      times === 1 ? rule : `${rule} (${nth} of ${times})`,
      async () => {
        const lasts = full ? { lastsMs: loneMsFull } : {};
        const outcome = await play(house.stage, fault, { settleMsMax: inSyncMsUsual, ...lasts });
        console.log(lineOf(outcome));
        expect(problemsOf(outcome)).toEqual([]);
      },
      playMsMax,
    );
  }
}
