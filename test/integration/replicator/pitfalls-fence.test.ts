import { afterAll, beforeAll, expect, test } from "vitest";
import { startProxy } from "../harness/proxy.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

/** 20 of the list of pitfalls in docs/pitfalls.md: two replicators for one link. */

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

test("20: a batch of the old replicator that arrives after the take-over is refused by the target", async () => {
  await using line = await startProxy({ target: world.target.address });
  // Long enough for the old session to outlive the hold-up.
  await using room = await openRoom(world, { target: { servers: [line.address], sessionTimeoutMs: 60_000 } });
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const old = await room.start();
  await old.idle();

  line.freeze("toTarget");
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
  await old.until(({ pending }) => expect(pending).toBe(1));
  const successor = await (await room.configure({})).start();
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=2\n"));
  await room.carried();
  expect((await successor.idle()).epoch).toBe("2");
  expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2", "seq=2\n"));
  const { version } = (await room.target.stat("/zms/topic/t1")) ?? {};

  line.thaw();
  expect(await old.stopped()).toMatchObject({ code: "fenced", detail: expect.stringContaining("e-1") });
  expect(await room.target.stat("/zms/topic/t1")).toMatchObject({ version });

  // It never writes again, also when its sessions come back.
  line.dropConnections();
  await room.source.set("/zms/topic/t2", topicData("kafka-idc1"));
  await room.carried();
  expect((await old.link()).stopped?.code).toBe("fenced");
  const { phase, problemCounts } = await successor.idle();
  expect({ phase, problemCounts }).toEqual({ phase: "following", problemCounts: {} });
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("20: a replicator that slept through the take-over finds itself fenced when it wakes", async () => {
  await using room = await openRoom(world, {
    source: { sessionTimeoutMs: 1_500 },
    target: { sessionTimeoutMs: 1_500 },
  });
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const old = await room.start();
  await old.idle();
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
  old.process.signal("SIGSTOP");
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=2\n"));
  const successor = await (await room.configure({})).start();
  await successor.idle();
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=3\n"));
  await room.carried();
  old.process.signal("SIGCONT");
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=4\n"));
  expect((await old.stopped()).code).toBe("fenced");
  await room.carried();
  const { phase, epoch, problemCounts } = await successor.idle();
  expect({ phase, epoch, problemCounts }).toEqual({ phase: "following", epoch: "2", problemCounts: {} });
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("20: an idle replicator notices at once that another has taken over, without having written", async () => {
  await using room = await openRoom(world);
  await plantSource(room.source);
  const old = await room.start();
  await old.idle();
  const successor = await (await room.configure({})).start();
  expect((await old.stopped()).code).toBe("fenced");
  expect((await successor.idle()).epoch).toBe("2");
});

test("20: a fence of the same epoch that another made in an emptied target is not taken for one's own", async () => {
  await using line = await startProxy({ target: world.target.address });
  await using room = await openRoom(world, { target: { servers: [line.address], sessionTimeoutMs: 60_000 } });
  await plantSource(room.source);
  const old = await room.start();
  await old.idle();
  await line.cut();
  await old.until(({ phase }) => expect(phase).toBe("connecting"));
  await room.target.removeAll("/crossidc");
  const successor = await (await room.configure({})).start();
  expect((await successor.idle()).epoch).toBe("1");
  await line.heal();
  expect(await old.stopped()).toMatchObject({ code: "fenced", detail: expect.stringContaining("is now") });
  expect(await successor.idle()).toMatchObject({ phase: "following", epoch: "1" });
});
