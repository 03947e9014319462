import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { eventually } from "../harness/eventually.ts";
import type { Daemon } from "./daemon.ts";
import { clusterTable, plantSource, releasedBrake, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot, type Tree, textsOf } from "./snapshot.ts";

/** What is written into the target, and what is not. The numbers are those of the list of pitfalls in docs/pitfalls.md. */

const carriedMsMax = 15_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.8" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

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

  const settled = async () => {
    await room.carried();
    return await daemon.idle();
  };
  const compared = async () => {
    const { counts } = await daemon.link();
    await daemon.post("/v1/links/zms/compare", {});
    return await daemon.until((link) => {
      expect(link.counts["compares"]).toBeGreaterThan(counts["compares"] ?? 0);
      expect(link.idle).toBe(true);
    });
  };

  test("7: one operation that the target refuses does not keep the others of its batch from it", async () => {
    await room.target.create("/zms/topic/n1", "somebody was faster");
    await room.target.remove("/zms/topic/t3");
    await room.target.remove("/zms/topic/t4");
    await room.source.multi([
      ...["n0", "n1", "n2"].map((name) => ({
        kind: "create" as const,
        path: `/zms/topic/${name}`,
        data: topicData("rmq-idc1"),
      })),
      { kind: "set", path: "/zms/topic/t3", data: topicData("kafka-idc1") },
      { kind: "remove", path: "/zms/topic/t4" },
      { kind: "set", path: "/zms/topic/t5", data: topicData("kafka-idc1") },
    ]);
    const { problemCounts, counts } = await settled();
    expect(problemCounts).toEqual({});
    expect(counts["refused"]).toBeGreaterThan(0);
    await room.expectEqual(before);
    await room.expectRightHistory();
  });

  test("8: a node too large for a packet is held back and reported; everything else goes on", async () => {
    const fits = Buffer.alloc(1_040_000, "f");
    await room.source.create("/app/large", Buffer.alloc(1_040_001, "l"));
    await room.source.create("/app/fits", fits);
    for (let index = 0; index < 12; index += 1) {
      await room.source.create(`/app/keep/k${index}`, Buffer.alloc(100_000, `${index % 10}`));
    }
    const { problems } = await settled();
    expect(problems).toMatchObject([{ kind: "oversize", path: "/mirror/app/large" }]);
    expect(problems[0]?.detail).toContain("1040001 bytes");
    expect(await room.target.stat("/mirror/app/large")).toBeNull();
    expect((await room.target.get("/mirror/app/fits"))?.equals(fits)).toBe(true);
    expect(await room.target.children("/mirror/app/keep")).toHaveLength(12);
    // No connection was lost over it.
    expect(daemon.process.output()).not.toContain("session lost");

    await room.source.set("/app/large", "small now");
    expect((await settled()).problemCounts).toEqual({});
    await room.expectEqual(before);
    await room.expectRightHistory();
  });

  test("9: what is equal is not written again, whether an event or a compare asks", async () => {
    const nodes = await snapshot(room.target, "/zms");
    for (const name of ["t1", "t2"])
      await room.source.set(`/zms/topic/${name}`, await room.source.get(`/zms/topic/${name}`));
    await settled();
    await compared();
    expect(await snapshot(room.target, "/zms")).toEqual(nodes);
    await room.expectRightHistory();
  });

  test("10: what somebody else writes, makes or deletes under the rules is noticed and repaired", async () => {
    const repaired = async (): Promise<Record<string, number>> => {
      const text = await (await daemon.get("/metrics")).text();
      const series = text.matchAll(/^idc_replicator_drift_repaired_total\{.*kind="(\w+)".*\} (\d+)$/gm);
      return Object.fromEntries([...series].map(([, kind, count]) => [kind, Number(count)]));
    };
    const { changed = 0, created = 0, deleted = 0 } = await repaired();
    await room.target.set("/zms/topic/t1", "not the replicator's");
    await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
    await settled();
    expect(await room.target.text("/zms/topic/t1")).toBe(topicData("kafka-idc2"));
    expect(await repaired()).toEqual({ changed: changed + 1, created, deleted });

    await room.target.set("/zms/topic/t2", "not the replicator's");
    await room.target.create("/zms/topic/intruder", "not the source's");
    await room.target.remove("/zms/topic/t6");
    await compared();
    await room.expectEqual(before);
    await room.expectRightHistory();
    expect(await room.target.stat("/zms/topic/intruder")).toBeNull();
    expect(await repaired()).toEqual({ changed: changed + 2, created: created + 1, deleted: deleted + 1 });
  });

  test("19: bytes stay as they are, also those that are no text, and null is not empty", async () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const noText = Buffer.from("clusterName=rmq-idc1\nblob=\xff\xfe\x80\nend=\n", "latin1");
    await room.source.create("/app/bytes", everyByte);
    await room.source.create("/zms/topic/bytes", noText);
    await room.source.create("/zms/topic/null", null);
    await room.source.create("/zms/topic/empty", "");
    expect((await settled()).problemCounts).toEqual({});
    expect(await room.target.get("/mirror/app/bytes")).toEqual(everyByte);
    expect((await room.target.get("/zms/topic/bytes"))?.toString("latin1")).toBe(
      "clusterName=rmq-idc2\nblob=\xff\xfe\x80\nend=\n",
    );
    expect(await room.target.get("/zms/topic/null")).toBeNull();
    expect(await room.target.get("/zms/topic/empty")).toEqual(Buffer.alloc(0));
    await room.source.set("/zms/topic/null", "");
    await room.source.set("/zms/topic/empty", null);
    await settled();
    expect(await room.target.get("/zms/topic/null")).toEqual(Buffer.alloc(0));
    expect(await room.target.get("/zms/topic/empty")).toBeNull();
    await room.expectEqual(before);
    await room.expectRightHistory();
  });
});

test("15: the server's own nodes and the replicators' are neither mirrored nor touched, whatever a rule takes in", async () => {
  await using room = await openRoom(world, { link: { rules: [{ match: "/{root}/**", to: "/{root}/**" }] } });
  for (const path of ["/zookeeper/quota/x", "/crossidc/links/other/fence/e-4", "/data/x"]) {
    await room.source.mkdirp(path, "of idc1");
  }
  await room.target.mkdirp("/zookeeper/quota/y", "of idc2");
  await room.target.mkdirp("/crossidc/links/another/fence/e-7", "of idc2");
  const before = await snapshot(room.target);
  expect((await room.once()).code).toBe(0);
  const after = await snapshot(room.target);
  expect(textsOf(after)).toMatchObject({ "/data/x": "of idc1" });
  const own = /^\/crossidc\/(links\/zms|latches)/;
  expect([...after.keys()].filter((path) => !before.has(path) && !own.test(path))).toEqual(["/data", "/data/x"]);
  for (const [path, image] of before) expect([path, after.get(path)]).toEqual([path, image]);
  expect((await room.source.tree("/crossidc"))["/crossidc/links/other/fence/e-4"]).toBe("of idc1");
});

test("16: a target inside the source, and two links that feed each other, are refused before anything is written", async () => {
  await using room = await openRoom(world);
  const file = parse(await readFile(room.configFile, "utf8")) as { links: { source: object; target: object }[] };
  const [link] = file.links;
  const loops = [
    [{ ...link, target: link?.source, rules: [{ match: "/a/**", to: "/a/b/**" }] }],
    [link, { ...link, name: "back", source: link?.target, target: link?.source }],
  ];
  for (const links of loops) {
    await writeFile(room.configFile, JSON.stringify({ ...file, links }));
    const { code, stderr } = await room.once();
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/again and again|round for ever/),
    });
  }
  expect(await room.target.children("/")).toEqual([]);
  expect(await room.source.children("/")).toEqual([]);
});

test("18: two clusters that would become one path are refused at load", async () => {
  const clusters = { ...clusterTable, "rmq-old": { to: "rmq-idc2", addresses: {} } };
  await using room = await openRoom(world, { link: { clusters } });
  expect(await room.run("--check")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"rmq-idc1" and "rmq-old" both become "rmq-idc2"'),
  });
});

test("18: of two sources for one target path neither is written: a conflict is reported until one is gone", async () => {
  const rules = [{ match: "/flat/{one}/{two}", to: "/flat/{one}-{two}" }];
  await using room = await openRoom(world, { link: { rules, deletes: releasedBrake } });
  await room.source.mkdirp("/flat/a-b/c", "one");
  await room.source.mkdirp("/flat/a/b-c", "other");
  await room.source.mkdirp("/flat/mark/0", "0");
  const daemon = await room.start();
  expect((await daemon.idle()).problems).toMatchObject([
    {
      kind: "conflict",
      path: "/flat/a-b-c",
      detail: expect.stringMatching(/\/flat\/a-b\/c.*\/flat\/a\/b-c|\/flat\/a\/b-c.*\/flat\/a-b\/c/),
    },
  ]);
  expect(await room.target.stat("/flat/a-b-c")).toBeNull();
  expect((await room.idcctl("status")).stdout).toContain("conflict /flat/a-b-c");
  expect(await (await daemon.get("/metrics")).text()).toMatch(
    /idc_replicator_problem_paths\{[^}]*kind="conflict"[^}]*\} 1\n/,
  );

  await room.source.remove("/flat/a-b/c");
  await daemon.until(({ idle, problemCounts }) =>
    expect({ idle, problemCounts }).toEqual({ idle: true, problemCounts: {} }),
  );
  expect(await room.target.text("/flat/a-b-c")).toBe("other");

  // A second source later: what stands there stays.
  await room.source.create("/flat/a-b/c", "one again");
  await daemon.until((link) => expect(link).toMatchObject({ idle: true, problemCounts: { conflict: 1 } }));
  await room.source.set("/flat/a/b-c", "changed");
  await room.source.set("/flat/mark/0", "1");
  await eventually(async () => expect(await room.target.text("/flat/mark-0")).toBe("1"), { withinMs: carriedMsMax });
  expect((await daemon.idle()).problemCounts).toEqual({ conflict: 1 });
  expect(await room.target.text("/flat/a-b-c")).toBe("other");
});
