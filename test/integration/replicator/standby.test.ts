import { afterAll, beforeAll, expect, test } from "vitest";
import { startProxy } from "../harness/proxy.ts";
import { type Daemon, runIdcctl } from "./daemon.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

/** Several replicators of one link: one leads, the others wait for it to go. */

const sessionTimeoutMs = 1_500;
const short = { source: { sessionTimeoutMs }, target: { sessionTimeoutMs } };
const latch = "/crossidc/latches/zms";
const topic = "/zms/topic/t1";

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

const waits = (daemon: Daemon, leader: Daemon) =>
  daemon.until((link) =>
    expect(link).toMatchObject({ phase: "standby", leader: expect.stringContaining(`/${leader.process.pid}/`) }),
  );
const leads = (daemon: Daemon, epoch: string) =>
  daemon.until((link) => expect(link).toMatchObject({ idle: true, epoch }));

/** Writes a value at the source, and waits until it is in the target. */
async function carries(room: Room, seq: number): Promise<void> {
  await room.source.set(topic, topicData("rmq-idc1", `seq=${seq}\n`));
  await room.carried();
  expect(await room.target.text(topic)).toBe(topicData("rmq-idc2", `seq=${seq}\n`));
}

/** Two replicators of one link, the first of which leads. */
async function openPair(options: Parameters<typeof openRoom>[1] = short) {
  const room = await openRoom(world, options);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const first = await room.start();
  await leads(first, "1");
  const second = await (await room.configure(short)).start();
  await waits(second, first);
  return { room, before, first, second };
}

test("a standby is ready, says who leads, and takes over when the leader is killed", async () => {
  const { room, before, first, second } = await openPair();
  await using _ = room;
  expect((await second.get("/readyz")).status).toBe(200);
  expect(await (await second.get("/readyz?verbose")).text()).toContain("standby, ");
  await carries(room, 1);

  const both = ["link", "status", "--endpoint", first.endpoint, "--endpoint", second.endpoint];
  const shown = await runIdcctl(both);
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^REPLICATOR +LINK .*following.*standby/s) });

  await first.process.kill("SIGKILL");
  const alone = await runIdcctl(both);
  expect(alone.stdout).toContain(`No replicator answers:\n  ${first.endpoint}`);
  await room.source.set(topic, topicData("rmq-idc1", "seq=2\n"));
  await leads(second, "2");
  await carries(room, 3);
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("a leader that slept through its session waits behind the new one when it wakes, and leads again after it", async () => {
  const { room, before, first, second } = await openPair();
  await using _ = room;
  await room.source.set(topic, topicData("rmq-idc1", "seq=1\n"));
  first.process.signal("SIGSTOP");
  await leads(second, "2");
  await carries(room, 2);
  first.process.signal("SIGCONT");
  await waits(first, second);
  await carries(room, 3);

  expect(await second.process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  await leads(first, "3");
  await carries(room, 4);
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test.each(["source", "target"] as const)("a leader cut off from its %s gives way", async (side) => {
  await using line = await startProxy({ target: world[side].address });
  const cutOff = { ...short, [side]: { sessionTimeoutMs, servers: [line.address] } };
  const { room, before, first, second } = await openPair(cutOff);
  await using _ = room;
  await line.cut();
  await leads(second, "2");
  await carries(room, 1);
  await line.heal();
  await waits(first, second);
  await carries(room, 2);
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("a leader cut off from its source keeps the lead while nobody else is there", async () => {
  await using room = await openRoom(world, short);
  await plantSource(room.source);
  const daemon = await room.start();
  await leads(daemon, "1");
  await world.sourceLine.cut();
  try {
    await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
    // Waits for real time: longer than after which it would leave.
    await new Promise((resolve) => setTimeout(resolve, 2 * sessionTimeoutMs));
    expect(await room.target.children(latch)).toHaveLength(1);
  } finally {
    await world.sourceLine.heal();
  }
  await leads(daemon, "1");
});

test("a batch held back until after the take-over is refused by the target, also while the session lives", async () => {
  await using line = await startProxy({ target: world.target.address });
  const longSession = { target: { servers: [line.address], sessionTimeoutMs: 60_000 } };
  const { room, before, first, second } = await openPair(longSession);
  await using _ = room;
  line.freeze("toTarget");
  await room.source.set(topic, topicData("rmq-idc1", "seq=1\n"));
  await first.until(({ pending }) => expect(pending).toBe(1));
  // Its place in the latch is lost without its session: the worst that a latch can do.
  const [place] = (await room.target.children(latch)).toSorted((a, b) => (a.slice(-10) < b.slice(-10) ? -1 : 1));
  await room.target.remove(`${latch}/${place}`);
  await leads(second, "2");
  await carries(room, 2);
  const { version } = (await room.target.stat(topic)) ?? {};

  line.thaw();
  expect(await first.stopped()).toMatchObject({ code: "fenced", detail: expect.stringContaining("e-1") });
  expect(await room.target.stat(topic)).toMatchObject({ version });
  await carries(room, 3);
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("three replicators are restarted one after the other, and no change is lost", async () => {
  await using room = await openRoom(world, short);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const places = [room, await room.configure(short), await room.configure(short)];
  const daemons: Daemon[] = [];
  for (const place of places) daemons.push(await place.start());
  const writing = new AbortController();
  let seq = 0;
  const writer = (async () => {
    // Waits for real time: some 50 changes a second until the last restart is over.
    while (!writing.signal.aborted) {
      seq += 1;
      await room.source.set(topic, topicData("rmq-idc1", `seq=${seq}\n`));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    for (const [at, place] of places.entries()) {
      expect((await daemons[at]?.process.kill("SIGTERM"))?.code).toBe(0);
      await room.carried();
      daemons[at] = await place.start();
    }
  } finally {
    writing.abort();
    await writer;
  }
  await room.carried();
  expect(seq).toBeGreaterThan(20);
  const phases = await Promise.all(daemons.map(async (daemon) => (await daemon.link()).phase));
  expect(phases.toSorted()).toEqual(["following", "standby", "standby"]);
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("a fence deleted by hand stops the leader; resumed, it leads under a new one", async () => {
  const { room, first, second } = await openPair();
  await using _ = room;
  const [fence] = await room.target.children("/crossidc/links/zms/fence");
  await room.target.remove(`/crossidc/links/zms/fence/${fence}`);
  expect((await first.stopped()).code).toBe("fenced");
  await waits(second, first);
  expect((await room.idcctl("resume", "--reason", "looked at it")).code).toBe(0);
  // There is no fence to take over any more.
  expect((await first.stopped()).code).toBe("fence-missing");
  expect((await room.idcctl("init", "--dry-run", "--reason", "try")).stdout).toContain("would get a new fence");
  expect((await room.idcctl("init", "--reason", "deleted by mistake")).code).toBe(0);
  await leads(first, "2");
  await carries(room, 1);
});

test("a pause holds over a take-over and a restart, until the link is resumed", async () => {
  const { room, before, first, second } = await openPair();
  await using _ = room;
  expect((await room.idcctl("pause")).code).toBe(2);
  expect((await room.idcctl("pause", "--reason", "moving racks")).code).toBe(0);
  await first.until((link) => expect(link).toMatchObject({ phase: "paused", pause: { reason: "moving racks" } }));
  await room.source.set(topic, topicData("rmq-idc1", "seq=1\n"));
  await first.process.kill("SIGKILL");
  await second.until((link) => expect(link).toMatchObject({ phase: "paused", epoch: "2" }));
  expect(await room.target.text(topic)).not.toContain("seq=1");
  expect((await room.once()).code).toBe(3);

  const again = await room.start();
  await again.until((link) => expect(link).toMatchObject({ phase: "standby", pause: { reason: "moving racks" } }));
  // Asked of the one that waits: the pause stands in the target.
  expect((await room.idcctl("resume", "--reason", "done")).code).toBe(0);
  await second.until(({ phase }) => expect(phase).toBe("following"));
  await carries(room, 2);
  await room.expectEqual(before);
  await room.expectRightHistory();
  expect(await room.idcctl("resume", "--reason", "once more")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is led by"),
  });
});

test("--once leaves a link that is led alone, and takes over from one that was killed", async () => {
  await using room = await openRoom(world, short);
  await plantSource(room.source);
  const daemon = await room.start();
  await leads(daemon, "1");
  expect(await room.once()).toMatchObject({ code: 3, stderr: expect.stringContaining("leads this link") });
  expect(await daemon.link()).toMatchObject({ phase: "following", epoch: "1" });
  await daemon.process.kill("SIGKILL");
  await room.source.set(topic, topicData("rmq-idc1", "seq=1\n"));
  expect((await room.once()).code).toBe(0);
  expect(await room.target.text(topic)).toBe(topicData("rmq-idc2", "seq=1\n"));
});
