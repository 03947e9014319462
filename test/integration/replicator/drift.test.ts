import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Daemon } from "./daemon.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot, textsOf } from "./snapshot.ts";

/** What others write in the target: repaired and kept while the link follows, a reason to stop when nobody watched. */

const theirs = "not the replicator's";
const journal = "/crossidc/links/zms/drift";

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.8" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

interface DriftEntry {
  readonly id: string;
  readonly did: string;
  readonly path: string;
  readonly bytes: number | null;
}

async function driftOf(room: Room): Promise<DriftEntry[]> {
  const { stdout } = await room.idcctl("drift", "-o", "json");
  return (JSON.parse(stdout) as { entries: DriftEntry[] }).entries;
}

async function planted(options: Parameters<typeof openRoom>[1] = {}): Promise<{ room: Room; daemon: Daemon }> {
  const room = await openRoom(world, options);
  await plantSource(room.source);
  const daemon = await room.start();
  await daemon.idle();
  return { room, daemon };
}

async function compared(room: Room, daemon: Daemon): Promise<void> {
  const { counts } = await daemon.link();
  await room.idcctl("compare");
  await daemon.until((link) => expect(link.counts["compares"]).toBeGreaterThan(counts["compares"] ?? 0));
  await daemon.idle();
}

test("drift is repaired, and what was overwritten is in the journal, byte for byte", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  const before = textsOf(await snapshot(room.target, "/zms"));
  const bytes = Buffer.from([0, 255, 10, 13, 10, 128]);
  await room.target.set("/zms/topic/t1", bytes);
  await room.target.set("/zms/topic/t2", null);
  await room.target.create("/zms/topic/intruder", theirs);
  await room.target.remove("/zms/topic/t3");
  // As it is anyway: no drift.
  await room.target.set("/zms/topic/t4", topicData("rmq-idc2"));
  await compared(room, daemon);
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(before);

  const entries = await driftOf(room);
  expect(entries.map(({ did, path, bytes: count }) => [path, did, count]).toSorted()).toEqual([
    ["/zms/topic/intruder", "created", theirs.length],
    ["/zms/topic/t1", "changed", bytes.length],
    ["/zms/topic/t2", "changed", null],
  ]);
  const shown = async (path: string): Promise<string | null> => {
    const id = entries.find((entry) => entry.path === path)?.id ?? "";
    const { stdout } = await room.idcctl("drift", "--show", id, "-o", "json");
    return (JSON.parse(stdout) as { data: string | null }).data;
  };
  expect(Buffer.from((await shown("/zms/topic/t1")) ?? "", "base64")).toEqual(bytes);
  expect(await shown("/zms/topic/t2")).toBeNull();
  expect((await room.idcctl("drift")).stdout).toContain("/zms/topic/intruder");
  expect(await room.idcctl("drift", "--show", "0000009999")).toMatchObject({ code: 1 });
  const metrics = await (await daemon.get("/metrics")).text();
  expect(metrics).toMatch(/idc_replicator_drift_journal_entries\{[^}]*\} 3\n/);

  // The next of the same node is one more, under a name of its own, also after a restart.
  await daemon.process.kill("SIGKILL");
  const next = await room.start();
  await next.idle();
  await room.target.set("/zms/topic/t1", theirs);
  await compared(room, next);
  const all = await driftOf(room);
  expect(all.slice(0, 3)).toEqual(entries);
  expect(all.slice(3).map(({ path, did }) => [path, did])).toEqual([["/zms/topic/t1", "changed"]]);
  await room.expectRightHistory();
});

test("a node as large as a packet is kept as well, before it is overwritten", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  const ours = Buffer.alloc(1_000_000, "o");
  const large = Buffer.alloc(1_000_000, "l");
  await room.source.create("/app/keep/large", ours);
  await room.carried();
  await room.target.set("/mirror/app/keep/large", large);
  await compared(room, daemon);
  expect((await room.target.get("/mirror/app/keep/large"))?.equals(ours)).toBe(true);
  const [entry] = await driftOf(room);
  expect(entry).toMatchObject({ path: "/mirror/app/keep/large", bytes: large.length });
  const { data } = (await (await daemon.get(`/v1/links/zms/drift/${entry?.id}`)).json()) as { data: string };
  expect(Buffer.from(data, "base64").equals(large)).toBe(true);
  expect(daemon.process.output()).not.toContain("session lost");
});

test("the journal is shown to the link's credentials alone, and to this machine", async () => {
  const credentialFile = join(world.folder, "journal-credential");
  await writeFile(credentialFile, "link:secret\n", { mode: 0o600 });
  const { room, daemon } = await planted({ target: { auth: [{ scheme: "digest", credentialFile }] } });
  await using _ = room;
  await room.target.set("/zms/topic/t1", theirs);
  await compared(room, daemon);
  const [entry] = await driftOf(room);
  expect(entry).toMatchObject({ path: "/zms/topic/t1" });
  await expect(room.target.children(journal)).rejects.toThrow("NO_AUTH");
  await expect(room.target.get(`${journal}/${entry?.id}`)).rejects.toThrow("NO_AUTH");
  const forwarded = { headers: { "x-forwarded-for": "10.0.0.1" } };
  for (const path of ["drift", `drift/${entry?.id}`])
    expect((await fetch(`${daemon.endpoint}/v1/links/zms/${path}`, forwarded)).status).toBe(403);
});

test("a journal that somebody has emptied by hand is used again", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  await room.target.set("/zms/topic/t1", theirs);
  await compared(room, daemon);
  await room.target.removeAll(`${journal}/0000000001`);
  await room.target.create(`${journal}/0000000002`, "by hand");
  await room.target.set("/zms/topic/t1", theirs);
  await compared(room, daemon);
  expect((await driftOf(room)).map(({ id }) => id)).toEqual(["0000000003"]);
});

test("what others write, make and delete while the source is out of reach stops the link, also after a restart", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  await world.sourceLine.cut();
  await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
  await room.target.set("/zms/topic/t1", theirs);
  await room.target.create("/zms/topic/made", theirs);
  await room.target.remove("/zms/topic/t3");
  await room.source.set("/zms/topic/t4", topicData("kafka-idc1"));
  const left = textsOf(await snapshot(room.target, "/zms"));
  await world.sourceLine.heal();

  const stop = await daemon.stopped();
  expect(stop.code).toBe("diverged");
  for (const part of [
    "3 target nodes",
    "/zms/topic/t1 (changed)",
    "/zms/topic/made (created)",
    "/zms/topic/t3 (deleted)",
  ])
    expect(stop.detail).toContain(part);
  const { problems } = await daemon.link();
  expect(problems.map(({ kind, path }) => `${kind} ${path}`).toSorted()).toEqual([
    "foreign /zms/topic/made",
    "foreign /zms/topic/t1",
    "foreign /zms/topic/t3",
  ]);
  const plan = JSON.parse((await room.idcctl("plan", "-o", "json")).stdout) as { counts: object };
  expect(plan.counts).toMatchObject({ create: 1, update: 2, delete: 1 });

  await daemon.process.kill("SIGKILL");
  const next = await room.start();
  expect((await next.stopped()).code).toBe("diverged");
  await next.process.kill("SIGTERM");
  const third = await room.start();
  expect((await third.stopped()).code).toBe("diverged");
  expect(await room.idcctl("resume", "--reason", "a drill")).toMatchObject({ code: 0 });
  expect((await third.stopped()).code).toBe("diverged");
  expect(textsOf(await snapshot(room.target, "/zms"))).toEqual(left);
  expect(await driftOf(room)).toEqual([]);

  expect(await room.idcctl("resume", "--source-wins", "--reason", "a drill")).toMatchObject({ code: 0 });
  await third.idle();
  expect(await third.verify()).toMatchObject({ equal: true });
  expect((await driftOf(room)).map(({ did, path }) => `${did} ${path}`).toSorted()).toEqual([
    "changed /zms/topic/t1",
    "created /zms/topic/made",
  ]);
  await room.expectRightHistory();
});

test("what others write while no replicator runs stops the next one, unless the source says the same", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  await daemon.process.kill("SIGKILL");
  await room.target.set("/zms/topic/t1", topicData("kafka-idc2"));
  const next = await room.start();
  expect((await next.stopped()).code).toBe("diverged");
  // The source catches up with the target.
  await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
  expect(await room.idcctl("resume", "--reason", "caught up")).toMatchObject({ code: 0 });
  await next.idle();
  expect(await driftOf(room)).toEqual([]);
  await room.expectRightHistory();
});

test("a target that was out of reach while the source was watched has drift, and is no reason to stop", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  await world.targetLine.cut();
  await daemon.until(({ phase }) => expect(phase).toBe("connecting"));
  await room.target.set("/zms/topic/t1", theirs);
  await world.targetLine.heal();
  await daemon.idle();
  expect(await room.target.text("/zms/topic/t1")).toBe(topicData("rmq-idc2"));
  expect((await driftOf(room)).map(({ path }) => path)).toEqual(["/zms/topic/t1"]);
});

test("an engaged brake is engaged in the process that takes over, for the same reason", async () => {
  const { room, daemon } = await planted();
  await using _ = room;
  await room.source.multi(
    ["t0", "t1", "t2", "t3", "t4", "t5"].map((name) => ({ kind: "remove", path: `/zms/topic/${name}` })),
  );
  const { brake } = await daemon.until((link) => expect(link.brake.held).toBeGreaterThan(3));
  const left = await room.target.children("/zms/topic");
  await daemon.process.kill("SIGKILL");
  const next = await room.start();
  const again = await next.until((link) => expect(link.idle && link.brake.engaged).toBe(true));
  expect(again.brake).toEqual(brake);
  expect(await room.target.children("/zms/topic")).toEqual(left);
  expect(await room.idcctl("resume", "--accept-deletes", "--reason", "a drill")).toMatchObject({ code: 0 });
  await next.until((link) => expect(link.idle && !link.brake.engaged).toBe(true));
  expect(await room.target.children("/zms/topic")).toEqual(["t6", "t7", "t8", "t9"]);
});
