import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import type { Daemon } from "./daemon.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot, textsOf } from "./snapshot.ts";

/** What must never go from the target. The numbers are those of the list of pitfalls in docs/pitfalls.md. */

const topics = 20;
/** All that the link has in the target: the topics, one cluster, /app/keep. */
const nodes = topics + 2;
/** Of the default maxDeleteRatio. */
const allowed = Math.floor(nodes * 0.2);
const seenMsMax = 15_000;

const topicPaths = Array.from({ length: topics }, (_, index) => `/zms/topic/t${index}`);

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.8" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

async function removeTogether(room: Room, paths: readonly string[]): Promise<void> {
  await room.source.multi(paths.map((path) => ({ kind: "remove", path })));
}

async function plantedLink(): Promise<{ room: Room; daemon: Daemon }> {
  const room = await openRoom(world);
  await plantSource(room.source, topics);
  const daemon = await room.start();
  expect((await daemon.idle()).targetNodes).toBe(nodes);
  return { room, daemon };
}

test("3: a source that is emptied at once keeps its target until an operator accepts, or the nodes are back", async () => {
  const { room, daemon } = await plantedLink();
  await using _ = room;
  const full = textsOf(await snapshot(room.target, "/zms"));
  await removeTogether(room, topicPaths);
  const { brake } = await daemon.until((link) => expect(link.brake.held).toBeGreaterThanOrEqual(topics - allowed));
  expect(brake).toMatchObject({ engaged: true, reason: "tooManyDeletes" });
  const left = (await room.target.children("/zms/topic")).length;
  expect(left).toBeGreaterThanOrEqual(topics - allowed);

  const status = await room.idcctl("status");
  expect(status).toMatchObject({ code: 6, stdout: expect.stringContaining("delete brake engaged (tooManyDeletes)") });
  expect(await (await daemon.get("/metrics")).text()).toMatch(/idc_replicator_brake_engaged\{[^}]*\} 1\n/);
  expect((await daemon.post("/v1/links/zms/accept-deletes", {})).status).toBe(400);

  // A restored source lets the brake go by itself.
  await room.source.multi(topicPaths.map((path) => ({ kind: "create", path, data: topicData("rmq-idc1") })));
  await daemon.until((link) => expect(link).toMatchObject({ idle: true, brake: { engaged: false, held: 0 } }));
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(full);

  await removeTogether(room, topicPaths);
  await daemon.until((link) => expect(link.brake.engaged && link.idle).toBe(true));
  const planned = await room.idcctl("resume", "--accept-deletes", "--reason", "drill", "--dry-run");
  expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining("would delete") });
  expect((await daemon.link()).brake.engaged).toBe(true);
  const accepted = await room.idcctl("resume", "--accept-deletes", "--reason", "the topics have moved");
  expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining("deletes accepted") });
  await daemon.until((link) => expect(link).toMatchObject({ idle: true, brake: { engaged: false } }));
  expect(await room.target.children("/zms/topic")).toEqual([]);
  expect(daemon.process.output("stderr")).toContain("the topics have moved");
  await room.expectRightHistory();
});

test("3: a source that is emptied node by node keeps most of its target, also over a restart", async () => {
  const { room, daemon } = await plantedLink();
  await using _ = room;
  for (const path of topicPaths) {
    await room.source.remove(path);
    await room.carried();
  }
  // The mark is a node of the link, too.
  await daemon.until((link) => expect(link).toMatchObject({ idle: true, brake: { engaged: true } }));
  const left = (await room.target.children("/zms/topic")).length;
  expect(left).toBeLessThan(topics);
  expect(left).toBeGreaterThanOrEqual(topics - allowed);
  await daemon.process.kill("SIGTERM");
  expect(await room.once()).toMatchObject({ code: 3, stderr: expect.stringContaining("the delete brake") });
  expect(await room.target.children("/zms/topic")).toHaveLength(left);
  await room.source.multi(topicPaths.map((path) => ({ kind: "create", path, data: topicData("rmq-idc1") })));
  expect((await room.once()).code).toBe(0);
  await room.expectRightHistory();
});

describe("12: ephemerals", () => {
  test("of the source are not copied, and one that takes a node's place takes the node away", async () => {
    const { room, daemon } = await plantedLink();
    await using _ = room;
    const before = await snapshot(room.target);
    await room.source.create("/zms/topic/alive", topicData("rmq-idc1"), { ephemeral: true });
    await room.source.multi([{ kind: "remove", path: "/zms/topic/t1" }]);
    await room.source.create("/zms/topic/t1", topicData("rmq-idc1"), { ephemeral: true });
    await room.source.set("/zms/topic/alive", topicData("kafka-idc1"));
    await room.carried();
    expect((await daemon.idle()).problemCounts).toEqual({});
    expect(await room.target.stat("/zms/topic/alive")).toBeNull();
    expect(await room.target.stat("/zms/topic/t1")).toBeNull();
    await room.expectEqual(before);
    await room.expectRightHistory();
  });

  test("of the target are neither written nor deleted, and what they stand in the way of is reported", async () => {
    const { room, daemon } = await plantedLink();
    await using _ = room;
    {
      await using owner = await room.connectOnce("target");
      await owner.create("/zms/topic/mine", "alone", { ephemeral: true });
      await owner.create("/zms/topic/both", "first", { ephemeral: true });
      const before = await snapshot(room.target, "/zms/topic/both");
      await room.source.create("/zms/topic/both", topicData("rmq-idc1"));
      await daemon.post("/v1/links/zms/compare", {});
      await daemon.until((link) =>
        expect(link.problems).toMatchObject([{ kind: "targetEphemeral", path: "/zms/topic/both" }]),
      );
      await room.source.set("/zms/topic/both", topicData("kafka-idc1"));
      await room.carried();
      expect(await snapshot(room.target, "/zms/topic/both")).toEqual(before);
      expect(await room.target.text("/zms/topic/mine")).toBe("alone");
    }
    // Its session is over: the place is free.
    await eventually(async () => expect(await room.target.stat("/zms/topic/both")).toBeNull(), {
      withinMs: seenMsMax,
    });
    await daemon.post("/v1/links/zms/compare", {});
    await daemon.until(({ idle, problemCounts }) =>
      expect({ idle, problemCounts }).toEqual({ idle: true, problemCounts: {} }),
    );
    expect(await room.target.text("/zms/topic/both")).toBe(topicData("kafka-idc2"));
  });
});

test("14: what the source does not let us read is reported and stays in the target, with all below it", async () => {
  await using room = await openRoom(world);
  await plantSource(room.source);
  await room.source.mkdirp("/app/closed/child", "old");
  const daemon = await room.start();
  await daemon.idle();
  const before = await snapshot(room.target);
  const hash = createHash("sha1").update("owner:secret").digest("base64");
  room.source.client.addAuthInfo("digest", Buffer.from("owner:secret"));
  const closed = [{ perms: 31, scheme: "digest", id: `owner:${hash}` }];
  const paths = ["/app/closed/child", "/app/closed", "/zms/topic/t1"];
  for (const path of paths) await room.source.setAcl(path, closed);
  await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
  await room.source.set("/app/closed/child", "new");
  await daemon.post("/v1/links/zms/compare", {});
  const { problems } = await daemon.until((link) => expect(link.problemCounts).toEqual({ unreadable: 3 }));
  expect(problems.map(({ path }) => path).sort()).toEqual([
    "/mirror/app/closed",
    "/mirror/app/closed/child",
    "/zms/topic/t1",
  ]);
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(
    textsOf(new Map([...before].filter(([path]) => path.startsWith("/zms")))),
  );
  expect(await room.target.text("/mirror/app/closed/child")).toBe("old");
  expect((await room.idcctl("verify")).code).toBe(6);

  for (const path of paths) await room.source.setAcl(path, [{ perms: 31, scheme: "world", id: "anyone" }]);
  await daemon.post("/v1/links/zms/compare", {});
  await daemon.until(({ idle, problemCounts }) =>
    expect({ idle, problemCounts }).toEqual({ idle: true, problemCounts: {} }),
  );
  expect(await room.target.text("/mirror/app/closed/child")).toBe("new");
  await room.expectEqual(before);
});

// Last: no other room outlives it.
test("3: a source whose data was wiped is refused, whether it is behind the checkpoint or beyond it again", async () => {
  const { room, daemon } = await plantedLink();
  await using _ = room;
  await daemon.process.kill("SIGTERM");
  const before = textsOf(await snapshot(room.target, "/zms"));
  await world.source.wipe();
  const behind = await room.once();
  expect(behind).toMatchObject({ code: 3, stderr: expect.stringContaining("stopped, source-went-back") });
  const again = await room.start();
  expect((await again.stopped()).code).toBe("source-went-back");
  await again.process.kill("SIGTERM");

  await using writer = await room.connectRoot("source");
  for (let left = 400; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: 100 }, () => writer.create("/noise-", null, { sequential: true })));
  }
  await writer.mkdirp(room.chroot);
  const beyond = await room.once();
  expect(beyond).toMatchObject({ code: 3, stderr: expect.stringContaining("sourceRootMissing") });
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(before);
});
