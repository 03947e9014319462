import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { LinkAnswer, SurveyAnswer } from "./daemon.ts";
import { plantSource, topicData } from "./link-file.ts";
import { openRoom, type Room, startWorld, type World } from "./room.ts";
import { snapshot, type Tree, textsOf } from "./snapshot.ts";

const fences = "/crossidc/links/zms/fence";

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.9", target: "3.9" });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

describe("the config file", () => {
  test("--check prints the effective config, which is a config file again, and the times it implies", async () => {
    await using room = await openRoom(world);
    const { code, stdout, stderr } = await room.run("--check");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("# What follows from it, per link, in the worst case:");
    expect(parse(stdout)).toMatchObject({
      links: [{ name: "zms", compareEveryMs: 300_000, deletes: { mode: "mirror", maxDeletes: 500 } }],
    });
    await writeFile(room.configFile, stdout);
    expect(await room.run("--check")).toEqual({ code, stdout, stderr });
  });

  test("a fault in it is told with file, line and column, and ends with 1", async () => {
    await using room = await openRoom(world);
    await writeFile(room.configFile, "site: idc2\nlinks:\n  - name: zms\n    compareEveryMs: soon\n");
    const wrong = await room.run("--check");
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain(`${room.configFile}:4:21`);
  });

  test("an unknown option ends with 2 and says which was meant", async () => {
    await using room = await openRoom(world);
    const [daemon, idcctl] = await Promise.all([room.run("--onec"), room.idcctl("stauts")]);
    expect(daemon).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("did you mean --once?") });
    expect(idcctl.code).toBe(2);
  });
});

describe("--dry-run", () => {
  test("tells all that --once would do, and writes nothing at all on either side", async () => {
    await using room = await openRoom(world, {
      link: {
        rules: [
          { match: "/zms/topic/{name}", to: "/zms/topic/{name}" },
          { match: "/flat/{one}/{two}", to: "/flat/{one}-{two}" },
        ],
      },
    });
    await plantSource(room.source, 3);
    await room.source.mkdirp("/flat/a-b/c", "first");
    await room.source.mkdirp("/flat/a/b-c", "second");
    await room.target.mkdirp("/zms/topic/t0", "old");
    await room.target.mkdirp("/zms/topic/gone", "old");
    await room.target.mkdirp("/zms/topic/kept", "old");
    const before = { source: await snapshot(room.source), target: await snapshot(room.target) };

    const [text, json] = await Promise.all([room.run("--dry-run"), room.run("--dry-run", "-o", "json")]);
    expect({ source: await snapshot(room.source), target: await snapshot(room.target) }).toEqual(before);
    expect(before.target.has("/crossidc")).toBe(false);

    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/\+ create {2}\/zms\/topic\/t1/);
    expect(text.stdout).toMatch(/~ update {2}\/zms\/topic\/t0/);
    expect(text.stdout).toMatch(/! conflict {2}\/flat\/a-b-c/);
    const { links } = JSON.parse(json.stdout) as { links: SurveyAnswer[] };
    expect(links).toMatchObject([
      { link: "zms", equal: false, counts: { update: 1, delete: 2 }, problemCounts: { conflict: 1 } },
    ]);
    expect(links[0]?.differences.filter(({ braked }) => braked).map(({ target }) => target)).toEqual([
      "/zms/topic/gone",
      "/zms/topic/kept",
    ]);
    expect(links[0]?.problems).toEqual([
      { kind: "conflict", path: "/flat/a-b-c", detail: expect.stringContaining("/flat/a/b-c") },
    ]);
    // And --once does just that: the conflict is written by neither, the deletes wait.
    expect((await room.once()).code).toBe(3);
    expect(textsOf(await snapshot(room.target, "/zms"))).toMatchObject({ "/zms/topic/gone": "old" });
    expect(await room.target.stat("/flat/a-b-c")).toBeNull();
  });
});

describe("--once", () => {
  test("ends with 0 when all is equal, 6 when paths are held back, and does not write the second time", async () => {
    await using room = await openRoom(world);
    await plantSource(room.source);
    const before = await snapshot(room.target);
    expect(await room.once()).toMatchObject({ code: 0, stderr: expect.stringContaining("17 created, 0 updated") });
    expect(await room.target.children(fences)).toEqual([expect.stringMatching(/^e-1-[0-9a-f]{8}$/)]);
    await room.source.create("/zms/topic/lost", topicData("nobody-knows"));
    const second = await room.once();
    expect(second).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("0 created, 0 updated, 0 deleted, 12 nodes in the target; 1 paths held back"),
    });
    expect(await room.target.children(fences)).toEqual([expect.stringMatching(/^e-2-[0-9a-f]{8}$/)]);
    await room.expectEqual(before);
    await room.expectRightHistory();
  });
});

describe("the daemon", () => {
  test("SIGTERM carries over what was written before it, however slow the line, and ends with 0", async () => {
    await using room = await openRoom(world);
    await plantSource(room.source);
    const before = await snapshot(room.target);
    const daemon = await room.start();
    await daemon.idle();
    world.sourceLine.setDelay(100);
    try {
      await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "last=1\n"));
      expect(await daemon.process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
    } finally {
      world.sourceLine.setDelay(0);
    }
    await room.expectEqual(before);
    await room.expectRightHistory();
    expect(daemon.process.output("stdout")).toBe("");
  });

  test("a fence that somebody deletes stops the link for good; nothing of it is written again", async () => {
    await using room = await openRoom(world);
    await plantSource(room.source);
    {
      await using daemon = await room.start();
      await daemon.idle();
      await room.target.remove(`${fences}/${(await room.target.children(fences))[0]}`);
      const before = await snapshotWithoutLatch(room);
      await room.source.set("/zms/topic/t1", topicData("rmq-idc1", "late=1\n"));
      expect((await daemon.stopped()).code).toBe("fenced");
      expect((await daemon.get("/readyz")).status).toBe(503);
      expect((await daemon.get("/livez")).status).toBe(200);
      expect(await (await daemon.get("/metrics")).text()).toMatch(
        /idc_replicator_link_stopped\{[^}]*code="fenced"[^}]*\} 1/,
      );
      const status = await room.idcctl("status");
      expect(status).toMatchObject({ code: 6, stdout: expect.stringContaining("stopped: fenced") });
      expect(await snapshotWithoutLatch(room)).toEqual(before);
    }
    const before = await snapshotWithoutLatch(room);
    expect(await room.once()).toMatchObject({ code: 3, stderr: expect.stringContaining("stopped, fence-missing") });
    await using again = await room.start();
    expect((await again.stopped()).code).toBe("fence-missing");
    expect(await snapshotWithoutLatch(room)).toEqual(before);
  });
});

describe("idcctl link", () => {
  test("shows status, plan, verify and explain as table, JSON and YAML, and ends with 6 when not all is well", async () => {
    await using room = await openRoom(world);
    await plantSource(room.source);
    const daemon = await room.start();
    await daemon.idle();

    const [table, json, equal] = await Promise.all([
      room.idcctl("status"),
      room.idcctl("status", "-o", "json"),
      room.idcctl("verify"),
    ]);
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/^LINK +PHASE .*\nzms +following +0 /);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      links: [{ name: "zms", phase: "following", brake: { engaged: false, held: 0 } }],
    });
    expect(equal).toMatchObject({ code: 0, stdout: expect.stringContaining("Equal: 0 differences") });

    await room.source.create("/zms/topic/lost", topicData("nobody-knows"));
    await daemon.until(({ problemCounts }) => expect(problemCounts).toEqual({ unmapped: 1 }));
    const [yaml, verify] = await Promise.all([
      room.idcctl("status", "zms", "-o", "yaml"),
      room.idcctl("verify", "-o", "json"),
    ]);
    expect((parse(yaml.stdout) as { links: LinkAnswer[] }).links).toMatchObject([{ problemCounts: { unmapped: 1 } }]);
    expect(verify.code).toBe(6);
    expect(JSON.parse(verify.stdout)).toMatchObject({ equal: false, problemCounts: { unmapped: 1 } });

    const [plan, equalPath, heldPath, nowhere, noReason] = await Promise.all([
      room.idcctl("plan"),
      room.idcctl("explain", "/zms/topic/t1"),
      room.idcctl("explain", "zms", "/zms/topic/lost", "-o", "yaml"),
      room.idcctl("status", "nowhere"),
      room.idcctl("resume", "--accept-deletes"),
    ]);
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining("! unmapped  /zms/topic/lost") });
    expect(equalPath).toMatchObject({ code: 0, stdout: expect.stringContaining("clusterName=rmq-idc2") });
    expect(equalPath.stdout).toContain("in the target: yes, equal");
    expect(parse(heldPath.stdout)).toMatchObject({
      sourceExists: true,
      problem: expect.stringContaining("nobody-knows"),
    });
    expect(nowhere).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("Links here: zms") });
    expect(noReason.code).toBe(2);
  });
});

/** Whoever starts takes his place in the latch: that is no write of the link. */
async function snapshotWithoutLatch(room: Room): Promise<Tree> {
  const latches = /^\/crossidc\/latches(\/|$)/;
  return new Map([...(await snapshot(room.target))].filter(([path]) => !latches.test(path)));
}
