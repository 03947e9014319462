import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { readTransactions } from "../harness/transaction-log.ts";
import type { Daemon } from "./daemon.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

/** The canary of a link, from the source to the target. */

const everyMs = 500;
const withCanary = { link: { canary: { everyMs } } };
const atSource = "/crossidc/canaries/zms";
const atTarget = "/crossidc/links/zms/canary";
/** For a canary to arrive, or a metric to come to where it should be. */
const withinMs = 20_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

async function metric(daemon: Daemon, name: string): Promise<number | undefined> {
  const text = await (await daemon.get("/metrics")).text();
  const value = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

const arrived = async (daemon: Daemon) => (await metric(daemon, "idc_replicator_canary_lag_seconds_count")) ?? 0;
const ageSeconds = (daemon: Daemon) => metric(daemon, "idc_replicator_canary_age_seconds");

async function arrives(daemon: Daemon, more = 2): Promise<void> {
  const before = await arrived(daemon);
  await eventually(async () => expect(await arrived(daemon)).toBeGreaterThanOrEqual(before + more), { withinMs });
}

/** Paths that anybody has changed at the source below the room, but for those the test has planted. */
async function writtenAtSource(room: Room): Promise<string[]> {
  const log = await readTransactions(world.source.dataDir, { below: room.chroot });
  const paths = log.flatMap(({ changes }) => changes.map(({ path }) => path));
  return [...new Set(paths)].filter((path) => !/^\/(zms|app)(\/|$)/.test(path));
}

test("canaries are carried over like everything else, and nothing more is written to the source", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const daemon = await room.start();
  await daemon.idle();
  await arrives(daemon, 5);
  expect(await ageSeconds(daemon)).toBeLessThan(10);

  // What stands in the target is one of those that were set at the source.
  const target = JSON.parse(await room.target.text(atTarget));
  const source = JSON.parse(await room.source.text(atSource));
  expect(target).toMatchObject({ schema: 1, instance: source.instance, number: expect.any(Number) });
  expect(target.number).toBeLessThanOrEqual(source.number);
  expect(await writtenAtSource(room)).toEqual(["/crossidc", "/crossidc/canaries", atSource]);

  await room.carried();
  const { counts, problems, brake } = await daemon.link();
  expect({ drift: counts["drift"], problems, brake: brake.engaged }).toEqual({ drift: 0, problems: [], brake: false });
  expect(await daemon.verify()).toMatchObject({ equal: true, differences: [] });
  const shown = await room.idcctl("status");
  expect(shown.stdout).toMatch(/zms: canary: the last one arrived .* ago, after .* ms/);
  expect((await room.run("--dry-run")).stdout).not.toContain("canar");
  expect((await room.idcctl("compare")).code).toBe(0);
  await arrives(daemon, 5);
});

test("a restart finds the canary of the one before at the source, and neither stops nor counts it", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const first = await room.start();
  await arrives(first);
  await first.process.kill("SIGKILL");
  const second = await room.start();
  await second.until(({ phase, epoch }) => expect({ phase, epoch }).toEqual({ phase: "following", epoch: "2" }));
  await arrives(second);
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
  await room.carried();
  await room.expectEqual(before);
});

test("a link that would go the other way still stops as wrong-direction, by the fence and not by the canary", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const there = await room.start();
  await arrives(there);
  await there.process.kill("SIGTERM");
  const back = await room.configure({
    source: { servers: [world.target.address] },
    target: { servers: [world.source.address] },
    ...withCanary,
  });
  expect(await (await back.start()).stopped()).toMatchObject({ code: "wrong-direction" });
  // The same way again: the canary in its source is no fence.
  await arrives(await room.start());
});

test("while the source is paused the age grows, and falls when it goes on", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const daemon = await room.start();
  await arrives(daemon);
  world.source.stop();
  try {
    await eventually(async () => expect(await ageSeconds(daemon)).toBeGreaterThan(5), { withinMs });
    // The session is lost by now: the link says so too.
    await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
  } finally {
    world.source.cont();
  }
  await arrives(daemon);
  expect(await ageSeconds(daemon)).toBeLessThan(5);
});

test("a pause is no lag: no canary is expected until it ends", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const daemon = await room.start();
  await arrives(daemon);
  expect((await room.idcctl("pause", "zms", "--reason", "test")).code).toBe(0);
  await daemon.until(({ phase }) => expect(phase).toBe("paused"));
  expect(await ageSeconds(daemon)).toBeUndefined();
  expect((await room.idcctl("resume", "zms", "--reason", "test")).code).toBe(0);
  await arrives(daemon);
});

test("a source that lets nobody write is told in the status, and the link goes on without", async () => {
  await using room = await openRoom(world, withCanary);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  // Read and admin: nothing can be created at the root.
  await room.source.setAcl("/", [{ perms: 1 | 16, scheme: "world", id: "anyone" }]);
  const daemon = await room.start();
  const { canary } = await daemon.until((link) => expect(link.canary?.problem).toBeDefined());
  expect(canary?.problem).toEqual({
    code: "canary-refused",
    detail: expect.stringMatching(/create \/crossidc: noAuth \(-102\)/),
  });
  expect((await room.idcctl("status")).stdout).toContain("zms: canary-refused: ");
  await eventually(async () => expect(await ageSeconds(daemon)).toBeGreaterThan(1), { withinMs });
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
  await room.carried();
  await room.expectEqual(before);

  await room.source.setAcl("/", [{ perms: 31, scheme: "world", id: "anyone" }]);
  await arrives(daemon);
  expect((await daemon.link()).canary?.problem).toBeUndefined();
});
