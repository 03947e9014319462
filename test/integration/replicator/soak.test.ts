import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../simulation/random.ts";
import { startChaos } from "./chaos.ts";
import { plantSource, releasedBrake } from "./link-file.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";
import { runWorkload } from "./workload.ts";

const sessionTimeoutMs = 1_500;
const writersMax = 4;
/** Of all operations, those after the last break. */
const calmOps = 2_000;
const calmOpsPerSecond = 1_000;
const calmDelayMs = 8;
/** Everything together, after the last change, with both sides whole again. */
const settleMsMax = 60_000;

/** No run is worth its name without each of them. */
const machinesBroken = ["replicator killed", "replicator frozen", "source frozen", "target frozen", "target killed"];
const linesBroken = ["line cut", "line dropped", "line frozen for", "line frozen and dropped", "line slow"];

const { CROSSIDC_FULL: full, SEED: seedGiven } = process.env;
const size = full === "1" ? { ops: 50_000, opsPerSecond: 800, runs: 3 } : { ops: 10_000, opsPerSecond: 450, runs: 1 };
const firstSeed = seedGiven === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seedGiven);
const seeds = Array.from({ length: size.runs }, (_, index) => firstSeed + index);
const runMsMax = (size.ops / size.opsPerSecond) * 3_000 + settleMsMax;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

// Waits for real time: the workload is paced to last as long as the breaks need, 20 s for 10,000 operations.
test.for(seeds)(
  `after ${size.ops} operations among breaks, the target is right and never went back (SEED=%i)`,
  {
    timeout: runMsMax,
  },
  async (seed) => {
    console.log(`SEED=${seed}`);
    await using room = await openRoom(world, {
      source: { sessionTimeoutMs },
      target: { sessionTimeoutMs },
      // The only compares are those after a reconnect: a change lost in between stays lost.
      link: { deletes: releasedBrake, compareEveryMs: 86_400_000 },
    });
    await plantSource(room.source, 40);
    await room.source.mkdirp("/other", "under no rule");
    await room.target.mkdirp("/zms/host/h2", "of idc2");
    await room.target.mkdirp("/zms/cluster/elsewhere", "no row leads here");
    await room.target.mkdirp("/other", "of idc2");
    const before = await snapshot(room.target);
    const random = createRandom(seed);

    const chaos = startChaos({
      world,
      daemon: await room.start(),
      startDaemon: () => room.start(),
      random: createRandom(seed + 1),
      sessionTimeoutMs,
    });
    try {
      const writers = await Promise.all(Array.from({ length: writersMax }, () => room.connect("source")));
      const work = { writers, connect: () => room.connectOnce("source"), random };
      await runWorkload({ ...work, ops: size.ops - calmOps, firstSeq: 0, opsPerSecond: size.opsPerSecond });
      await chaos.stop();
      for (const kind of [...machinesBroken, ...linesBroken]) expect(chaos.diary.join("\n")).toContain(kind);
      await room.carried();
      // No compare repairs what gets lost from here on, and on a slow line changes overtake writes.
      world.targetLine.setDelay(calmDelayMs);
      await runWorkload({ ...work, ops: calmOps, firstSeq: size.ops, opsPerSecond: calmOpsPerSecond });
      world.targetLine.setDelay(0);
      await room.carried();
      const link = await chaos.daemon.idle();
      expect(link).toMatchObject({ phase: "following", brake: { engaged: false } });
      expect(link.problemCounts).toEqual({});
      await room.expectEqual(before);
      await room.expectRightHistory();
      expect((await chaos.daemon.verify()).equal).toBe(true);
    } catch (error) {
      console.log(`SEED=${seed}\n${chaos.diary.join("\n")}\n${chaos.daemon.process.log()}`);
      throw error;
    } finally {
      await chaos.stop().catch(() => {});
    }
  },
);
