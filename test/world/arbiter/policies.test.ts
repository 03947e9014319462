import { afterAll, beforeAll } from "vitest";
import { raiseStage } from "../failover/stage.ts";
import { worldRefusal } from "../rights.ts";
import { openWorld, type World } from "../world.ts";
import { worldTest } from "../world-test.ts";
import type { Room } from "./house.ts";
import { boundsLoss, degrades, electsUnclean, prefersIdc, returnsHome } from "./policy-checks.ts";

/** What policies promise and what they cost, on stock brokers, one after the other in one world. */
const raiseMsMax = 480_000;
const testMsMax = 420_000;

let world: World;
let room: Room;

beforeAll(async () => {
  if (worldRefusal() !== undefined) return;
  world = await openWorld();
  const stage = await raiseStage(world, { contender: "arbiter", settings: {}, places: ["idc1", "idc2", "idc2"] });
  const [leader] = stage.deciders;
  if (leader === undefined) throw new Error("arbiters decide on this stage");
  room = { world, stage, leader };
}, raiseMsMax);
afterAll(async () => await world?.[Symbol.asyncDispose]());

roomTest("preferIdcs: of replicas that are level the preferred IDC's is elected", prefersIdc);
roomTest("rpo: bounded elects nobody who is known to lack more than maxLostBytes", boundsLoss);
roomTest(
  "unclean: allow elects one that is not in sync, and says what is lost; deny waits for the master",
  electsUnclean,
);
roomTest("degradeAfterMs: writes go on within one IDC after that time, and everything says so", degrades);
roomTest("returnAfterMs: a master goes home by itself when its set was quiet for so long, without loss", returnsHome);

function roomTest(rule: string, run: (room: Room) => Promise<void>): void {
  worldTest(rule, () => run(room), testMsMax);
}
