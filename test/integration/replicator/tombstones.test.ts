import { expect, test } from "vitest";
import { plantSource } from "./link-file.ts";
import { openRoom, type Room, startWorld } from "./room.ts";

/** Longer than any test: time passes by moving the stamps in the target back. */
const tombstoneMs = 3_600_000;
const minute = 60_000;
const topics = 30;

test("with tombstones a node outlives its source for a time, over restarts, unless the source has it again", async () => {
  await using world = await startWorld({ source: "3.8", target: "3.9" });
  await using room = await openRoom(world, { link: { deletes: { mode: "tombstone", tombstoneMs } } });
  await plantSource(room.source, topics);
  await room.source.mkdirp("/app/tree/leaf", "of a tree");
  const first = await room.start();
  const { targetNodes } = await first.idle();

  await room.source.removeAll("/app/tree");
  await room.source.remove("/zms/topic/t1");
  await room.source.remove("/zms/topic/t2");
  await first.until((link) => expect(link).toMatchObject({ tombstones: 4, idle: true, targetNodes }));
  const status = await room.idcctl("status");
  expect(status).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("4 nodes that are gone at the source stay"),
  });
  expect((await first.verify()).equal).toBe(true);
  expect(await (await first.get("/metrics")).text()).toMatch(/idc_replicator_tombstones\{[^}]*\} 4\n/);
  await first.process.kill("SIGKILL");

  // What the killed one knew is in the target; one node is back when the next one starts.
  const stamps = await stampsOf(room);
  await room.source.create("/zms/topic/t2", "clusterName=rmq-idc1\ntype=topic\n");
  const second = await room.start();
  await second.until((link) => expect(link).toMatchObject({ phase: "following", idle: true, tombstones: 3 }));
  const { "/zms/topic/t2": _back, ...others } = stamps;
  const taken = await stampsOf(room);
  expect(Object.keys(taken)).toEqual(Object.keys(others));
  for (const [path, since] of Object.entries(taken)) expect(Math.abs(since - (others[path] ?? 0))).toBeLessThan(minute);
  const dry = await room.run("--dry-run");
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("stays   /zms/topic/t1") });
  await second.process.kill("SIGTERM");

  // Not yet over for any, then over for all but one.
  await setStamps(room, { ...shifted(others, -tombstoneMs), "/zms/topic/t1": Date.now() - tombstoneMs / 2 });
  const third = await room.start();
  await third.until((link) => expect(link).toMatchObject({ idle: true, tombstones: 1, targetNodes: targetNodes - 2 }));
  expect(await room.target.stat("/mirror/app/tree")).toBeNull();
  expect(await room.target.stat("/zms/topic/t1")).not.toBeNull();
  expect(await room.target.stat("/zms/topic/t2")).not.toBeNull();

  await room.source.create("/zms/topic/t1", "clusterName=rmq-idc1\ntype=topic\n");
  await third.until((link) => expect(link).toMatchObject({ idle: true, tombstones: 0, targetNodes: targetNodes - 2 }));
  await room.expectRightHistory();
});

test("nodes whose time is over at once still meet the brake", async () => {
  await using world = await startWorld({ source: "3.9", target: "3.9" });
  const deletes = { mode: "tombstone", tombstoneMs: 1_000, maxDeletes: 5 };
  await using room = await openRoom(world, { link: { deletes } });
  await plantSource(room.source, topics);
  const daemon = await room.start();
  const { targetNodes } = await daemon.idle();
  await room.source.multi(
    Array.from({ length: topics }, (_, index) => ({ kind: "remove", path: `/zms/topic/t${index}` })),
  );
  const { brake } = await daemon.until((link) => expect(link.brake.engaged && link.idle).toBe(true));
  expect(brake.held).toBeGreaterThanOrEqual(topics - 5);
  expect((await daemon.link()).targetNodes).toBeGreaterThanOrEqual(targetNodes - 5);
});

test("a link that keeps no tombstones any more forgets them, and deletes what is gone", async () => {
  await using world = await startWorld({ source: "3.9", target: "3.8" });
  await using room = await openRoom(world, { link: { deletes: { mode: "tombstone", tombstoneMs } } });
  await plantSource(room.source, topics);
  const first = await room.start();
  await first.idle();
  await room.source.remove("/zms/topic/t1");
  await first.until((link) => expect(link).toMatchObject({ tombstones: 1, idle: true }));
  await first.process.kill("SIGTERM");

  const second = await (await room.configure({ link: { deletes: { mode: "mirror" } } })).start();
  await second.until((link) => expect(link).toMatchObject({ tombstones: 0, idle: true, counts: { deleted: 1 } }));
  expect(await room.target.stat("/zms/topic/t1")).toBeNull();
  expect(await room.target.stat(listPath)).toBeNull();
});

const listPath = "/crossidc/links/zms/tombstones";

type Stamps = Readonly<Record<string, number>>;

async function stampsOf(room: Room): Promise<Stamps> {
  return (JSON.parse(await room.target.text(listPath)) as { goneSince: Stamps }).goneSince;
}

async function setStamps(room: Room, goneSince: Stamps): Promise<void> {
  await room.target.set(listPath, JSON.stringify({ schema: 1, goneSince }));
}

function shifted(stamps: Stamps, byMs: number): Stamps {
  return Object.fromEntries(Object.entries(stamps).map(([path, since]) => [path, since + byMs]));
}
