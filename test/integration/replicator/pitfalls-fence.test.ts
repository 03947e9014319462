import { afterAll, beforeAll, expect, test } from "vitest";
import { startProxy } from "../harness/proxy.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

/** 20 of the list of pitfalls in docs/pitfalls.md: two replicators for one link. standby.test.ts has what they do of themselves. */

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

test("20: an idle replicator notices at once that its fence is gone, without having written", async () => {
  await using room = await openRoom(world);
  await plantSource(room.source);
  const daemon = await room.start();
  await daemon.idle();
  const fences = "/crossidc/links/zms/fence";
  await room.target.remove(`${fences}/${(await room.target.children(fences))[0]}`);
  expect((await daemon.stopped()).code).toBe("fenced");
});

test("20: a fence of the same epoch that another made in an emptied target is not taken for one's own", async () => {
  await using line = await startProxy({ target: world.target.address });
  await using room = await openRoom(world, { target: { servers: [line.address], sessionTimeoutMs: 60_000 } });
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const old = await room.start();
  await old.idle();
  line.freeze("toTarget");
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=1\n"));
  await old.until(({ pending }) => expect(pending).toBe(1));
  // Its place in the latch goes with all the rest, so that the next one leads under epoch 1 again.
  await room.target.removeAll("/crossidc");
  const successor = await (await room.configure({})).start();
  expect((await successor.idle()).epoch).toBe("1");
  await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "seq=2\n"));
  await room.carried();
  line.thaw();
  expect(await old.stopped()).toMatchObject({ code: "fenced", detail: expect.stringContaining("e-1-") });
  expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2", "seq=2\n"));
  expect(await successor.idle()).toMatchObject({ phase: "following", epoch: "1" });
  await room.expectEqual(before);
});
