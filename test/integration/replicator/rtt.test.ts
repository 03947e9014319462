import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../simulation/random.ts";
import { eventually } from "../harness/eventually.ts";
import { plantSource, releasedBrake } from "./link-file.ts";
import { lagsOf, startLoad } from "./load.ts";
import { plantMany } from "./plant.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

const full = process.env["CROSSIDC_FULL"] === "1";
const nodes = full ? 100_000 : 2_000;
/** The goal for 100,000 nodes over 30 ms, where what a link does once weighs little: claim, watches, one level after the other. */
const slowdownMax = 3;
const syncMsMax = 60_000;
const loadMs = 2_000;
/** Event, read and its answer, write: one and a half round trips on the source's line, a half or one on the target's. */
const roundTripsMax = 4;
/** Of the lag, beside round trips: the machine may be busy with other tests. */
const machineMs = 500;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.8" }, { jvmArgs: full ? ["-Xmx1g"] : [] });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

const loopback = { rttMs: 0, side: "source" } as const;
let loopbackMs = Number.NaN;

// Waits for real time: two seconds of steady work each.
test.for([
  ...(full ? [loopback] : []),
  { rttMs: 30, side: "source" },
  { rttMs: 80, side: "source" },
  ...(full ? [{ rttMs: 30, side: "target" }] : []),
  { rttMs: 80, side: "target" },
] as const)("over $rttMs ms of round trip to the $side the link keeps up, and comes back", async ({ rttMs, side }) => {
  await using room = await openRoom(world, { link: { deletes: releasedBrake, compareEveryMs: 86_400_000 } });
  await plantSource(room.source, 40);
  await plantMany(room.source, { parent: "/app/many", nodes });
  const before = await snapshot(room.target);
  const line = side === "source" ? world.sourceLine : world.targetLine;
  line.setDelay(rttMs / 2);
  try {
    const daemon = await room.start();
    const startedAt = performance.now();
    await eventually(async () => expect((await daemon.link()).idle).toBe(true), { withinMs: syncMsMax });
    const firstSyncMs = Math.round(performance.now() - startedAt);
    const load = await startLoad(room, { random: createRandom(1) });
    await delay(loadMs);
    const droppedAt = Date.now();
    line.dropConnections();
    await eventually(() => room.carried(), { withinMs: syncMsMax });
    const reconnectMs = Date.now() - droppedAt;
    await load.stop();
    await eventually(() => room.carried(), { withinMs: syncMsMax });
    await daemon.idle();
    const source = await world.transactions("source", { below: room.chroot });
    const target = await world.transactions("target", { below: room.chroot });
    const lags = lagsOf({ source: source.filter(({ atMs }) => atMs < droppedAt), target });
    console.log(`${rttMs} ms to the ${side}: ${JSON.stringify({ nodes, firstSyncMs, reconnectMs, ...lags })}`);
    expect(lags.p50Ms).toBeLessThan(roundTripsMax * rttMs + machineMs);
    if (rttMs === loopback.rttMs) loopbackMs = firstSyncMs;
    else if (full && rttMs === 30) expect(firstSyncMs).toBeLessThan(slowdownMax * loopbackMs);
  } finally {
    line.setDelay(0);
  }
  await room.expectEqual(before);
  await room.expectRightHistory();
});
