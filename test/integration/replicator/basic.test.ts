import { expect, test } from "vitest";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, startWorld } from "./room.ts";
import { snapshot } from "./snapshot.ts";

test.for([
  { source: "3.8", target: "3.9" },
  { source: "3.9", target: "3.8" },
] as const)("a replicator mirrors a $source source into a $target target and follows it", async (versions) => {
  await using world = await startWorld(versions);
  await using room = await openRoom(world);
  await plantSource(room.source);
  await room.target.mkdirp("/zms/host/h2", "of idc2");
  await room.target.mkdirp("/mirror/elsewhere", "not ours");
  const before = await snapshot(room.target);

  const daemon = await room.start();
  await daemon.idle();
  await room.expectEqual(before);
  expect(await room.target.text("/zms/topic/t0")).toBe(topicData("rmq-idc2"));
  expect(await room.target.text("/zms/cluster/rmq-idc2")).toBe(
    "bootAddr=10.2.0.21:9876;10.2.0.22:9876\nbrokerType=rocketmq\n",
  );

  await room.source.set("/zms/topic/t1", topicData("kafka-idc1", "gatedCluster=rmq-idc1;kafka-idc1\n"));
  await room.source.remove("/zms/topic/t2");
  await room.source.create("/zms/consumergroup/g1", "clusterName=rmq-idc1\n");
  await room.source.mkdirp("/app/a/b/c/d", "deep");
  await room.source.set("/zms/host/h1", "changed");
  await room.carried();
  await daemon.idle();
  await room.expectEqual(before);
  expect(await room.target.text("/zms/topic/t1")).toBe(topicData("kafka-idc2", "gatedCluster=rmq-idc2;kafka-idc2\n"));
  const link = await daemon.link();
  expect(link).toMatchObject({ phase: "following", epoch: "1", watch: "recursive" });
  expect(link.problemCounts).toEqual({});
  expect((await daemon.verify()).equal).toBe(true);
  expect(await (await daemon.get("/readyz?verbose")).text()).toContain("[+] link zms: following, 0 pending");
  expect(await (await daemon.get("/metrics")).text()).toContain(
    'idc_replicator_fence_epoch{link="zms",environment="test"} 1',
  );
  await room.expectRightHistory();
});
