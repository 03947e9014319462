import { expect, test } from "vitest";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, startWorld } from "./room.ts";
import { snapshot } from "./snapshot.ts";

test("a source older than 3.6 is read one request at a time, compared on a short timer, and the status says so", async () => {
  await using world = await startWorld({ source: "3.5", target: "3.8" });
  await using room = await openRoom(world, { link: { pollEveryMs: 500 } });
  await plantSource(room.source);
  const before = await snapshot(room.target);

  const daemon = await room.start();
  await daemon.until(({ phase, watch }) => {
    expect(phase).toBe("following");
    expect(watch).toBe("polling");
  });
  await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
  await room.source.remove("/zms/topic/t2");
  await room.carried();
  await room.expectEqual(before);

  const { stdout } = await room.idcctl("status");
  expect(stdout).toContain("the source has no recursive watches (ZooKeeper before 3.6)");
  expect(await (await daemon.get("/metrics")).text()).toContain(
    'idc_replicator_watch_recursive{link="zms",environment="test"} 0',
  );
});

test("a target older than 3.6 is written as any other", async () => {
  await using world = await startWorld({ source: "3.8", target: "3.5" });
  await using room = await openRoom(world);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const daemon = await room.start();
  await daemon.idle();
  await room.expectEqual(before);
  expect((await daemon.verify()).equal).toBe(true);
});
