import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connectApplication } from "../harness/application.ts";
import { eventually } from "../harness/eventually.ts";
import { readTransactions } from "../harness/transaction-log.ts";
import type { Daemon } from "./daemon.ts";
import { plantSource, releasedBrake, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot, type Tree } from "./snapshot.ts";

/** How changes of the source come to be known. The numbers are those of the list of pitfalls in docs/pitfalls.md. */

const shortSession = { sessionTimeoutMs: 1_500 };
const noticedMsMax = 15_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());
afterEach(async () => {
  for (const line of [world.sourceLine, world.targetLine]) {
    line.thaw();
    line.setDelay(0);
    await line.heal();
  }
});

describe("on one link", () => {
  let room: Room;
  let daemon: Daemon;
  let before: Tree;
  beforeAll(async () => {
    room = await openRoom(world, { link: { deletes: releasedBrake } });
    await plantSource(room.source);
    before = await snapshot(room.target);
    daemon = await room.start();
    await daemon.idle();
  });
  afterAll(async () => await room?.[Symbol.asyncDispose]());
  afterEach(async () => {
    await room.carried();
    expect((await daemon.idle()).problemCounts).toEqual({});
    await room.expectEqual(before);
    await room.expectRightHistory();
  });

  test("1: what changes while the source is cut off is found when it is back", async () => {
    await world.sourceLine.cut();
    await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
    await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
    await room.source.remove("/zms/topic/t2");
    await room.source.create("/zms/topic/new", topicData("rmq-idc1"));
    await world.sourceLine.heal();
    await room.carried();
    expect(await room.target.text("/zms/topic/new")).toBe(topicData("rmq-idc2"));
  });

  test("2: a node that is gone again when its event arrives is not made in the target, and is no fault", async () => {
    world.sourceLine.freeze("toClient");
    await room.source.create("/zms/topic/brief", topicData("rmq-idc1"));
    await room.source.remove("/zms/topic/brief");
    world.sourceLine.thaw();
    await room.carried();
    const log = await readTransactions(world.target.dataDir, { below: room.chroot });
    expect(log.filter(({ changes }) => changes.some(({ path }) => path.endsWith("/brief")))).toEqual([]);
  });

  test("6: parents are made before children and removed after them, also over many batches in flight", async () => {
    world.targetLine.setDelay(15);
    const paths: string[] = [];
    for (let index = 0; index < 150; index += 1) {
      const root = `/app/r${index % 10}`;
      if (index < 10) paths.push(root);
      paths.push(`${root}/n${index}`, `${root}/n${index}/a`, `${root}/n${index}/a/b`);
    }
    for (let from = 0; from < paths.length; from += 50) {
      await room.source.multi(paths.slice(from, from + 50).map((path) => ({ kind: "create", path, data: path })));
    }
    await room.carried();
    await daemon.idle();
    await room.expectEqual(before);
    paths.reverse();
    for (let from = 0; from < paths.length; from += 50) {
      await room.source.multi(paths.slice(from, from + 50).map((path) => ({ kind: "remove", path })));
    }
  });

  test("17: a node that is made empty first and gets its data later is copied both times", async () => {
    for (const [path, first] of [
      ["/zms/topic/null-first", null],
      ["/zms/topic/empty-first", ""],
    ] as const) {
      await room.source.create(path, first);
      await room.carried();
      await daemon.idle();
      expect(await room.target.get(path)).toEqual(first === null ? null : Buffer.alloc(0));
      await room.source.set(path, topicData("rmq-idc1"));
    }
  });
});

test.for(["source", "target"] as const)(
  "4 and 5: a %s that falls silent is noticed without its saying so; after its session has expired all is made good",
  async (side) => {
    await using room = await openRoom(world, { source: shortSession, target: shortSession });
    await plantSource(room.source);
    const before = await snapshot(room.target);
    const daemon = await room.start();
    await daemon.idle();
    const [, session] = await daemon.process.waitForLine(
      new RegExp(`"side":"${side}".*"sessionId":"(0x[0-9a-f]+)".*"connected to zookeeper"`),
      { timeoutMs: noticedMsMax },
    );
    const line = side === "source" ? world.sourceLine : world.targetLine;
    line.freeze();
    await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
    await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
    await eventually(async () => expect(await world[side].fourLetter("dump")).not.toContain(session), {
      withinMs: noticedMsMax,
    });
    const after = daemon.process.lineCount;
    line.thaw();
    await daemon.process.waitForLine(/session expired/, { timeoutMs: noticedMsMax, after });
    await room.source.set("/zms/topic/t2", topicData("kafka-idc1"));
    await room.carried();
    await daemon.idle();
    await room.expectEqual(before);
    await room.expectRightHistory();
    // With its session in the target a replicator loses its place in the latch: others may have led since.
    expect((await daemon.link()).epoch).toBe(side === "source" ? "1" : "2");
  },
);

test("21: credentials go first on every connection: a protected tree stays readable, watched and writable", async () => {
  const credential = "replicator:secret";
  const credentialFile = join(world.folder, "credential");
  await writeFile(credentialFile, `${credential}\n`, { mode: 0o600 });
  const auth = [{ scheme: "digest", credentialFile }];
  await using room = await openRoom(world, {
    source: { auth },
    target: { auth },
    link: { targetAcl: [{ perms: "cdrwa", scheme: "auth", id: "" }] },
  });
  await plantSource(room.source);
  for (const { client } of [room.source, room.target]) client.addAuthInfo("digest", Buffer.from(credential));
  const hash = createHash("sha1").update(credential).digest("base64");
  const ownersOnly = [{ perms: 31, scheme: "digest", id: `replicator:${hash}` }];
  for (const path of ["/zms/topic", "/zms/topic/t1", "/app", "/"]) await room.source.setAcl(path, ownersOnly);
  await room.target.setAcl("/", ownersOnly);

  const daemon = await room.start();
  await daemon.idle();
  for (let round = 1; round <= 3; round += 1) {
    const after = daemon.process.lineCount;
    world.sourceLine.dropConnections();
    world.targetLine.dropConnections();
    await daemon.process.waitForLine(/"to":"following"/, { timeoutMs: noticedMsMax, after });
    await room.source.set("/zms/topic/t1", topicData("rmq-idc1", `round=${round}\n`));
    await eventually(
      async () => expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2", `round=${round}\n`)),
      { withinMs: noticedMsMax },
    );
  }
  expect((await daemon.idle()).problemCounts).toEqual({});
  expect(daemon.process.output()).not.toContain("noAuth");
  expect(await room.target.acl("/zms/topic/t1")).toEqual(ownersOnly);
  await using stranger = await connectApplication(world.target.address + room.chroot);
  await expect(stranger.get("/zms/topic/t1")).rejects.toThrow("NO_AUTH");
});
