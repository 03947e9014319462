import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import type { Daemon } from "./daemon.ts";
import { plantSource, releasedBrake, topicData } from "./link-file.ts";
import { plantMany } from "./plant.ts";
import { openRoom, startWorld, type World } from "./room.ts";
import { snapshot } from "./snapshot.ts";

const full = process.env["CROSSIDC_FULL"] === "1";
const megabyte = 1_024 * 1_024;
const syncMsMax = 60_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({ source: "3.8", target: "3.9" }, { jvmArgs: ["-Xmx512m"] });
});
afterAll(async () => await world?.[Symbol.asyncDispose]());

// A large heap that is collected on a busy machine must not cost a session.
const patient = { sessionTimeoutMs: 30_000 };
const options = {
  source: patient,
  target: patient,
  link: { deletes: releasedBrake, compareEveryMs: 86_400_000 },
};

test("60,000 children of one node, more than a packet of names, are copied, followed and compared", async () => {
  await using room = await openRoom(world, options);
  await plantSource(room.source);
  const nameOf = (index: number) => `child-${String(index).padStart(21, "0")}`;
  await plantMany(room.source, { parent: "/app/wide", nodes: 60_000, nameOf });
  const daemon = await room.start();
  await idle(daemon);
  await room.source.remove(`/app/wide/${nameOf(0)}`);
  await room.source.create("/app/wide/new", "late");
  await room.source.set(`/app/wide/${nameOf(59_999)}`, "changed");
  await room.carried();
  const [source, target] = await Promise.all([
    room.source.children("/app/wide"),
    room.target.children("/mirror/app/wide"),
  ]);
  expect(source).toHaveLength(60_000);
  expect(target).toEqual(source);
  expect(await room.target.text(`/mirror/app/wide/${nameOf(59_999)}`)).toBe("changed");
  expect(await room.idcctl("verify")).toMatchObject({ code: 0, stdout: expect.stringContaining("Equal") });
  await room.expectRightHistory();
});

test("nodes up to the limit of a packet are copied, one byte more is reported, and the link goes on", async () => {
  await using room = await openRoom(world, options);
  await plantSource(room.source);
  const limit = 1_040_000;
  const sizes = [limit - 1, limit, limit + 1, 1_048_400];
  const fill = (bytes: number, letter: string) => Buffer.alloc(bytes, letter);
  for (const size of sizes) await room.source.mkdirp(`/app/big/of-${size}`, fill(size, "a"));
  // Far more than one multi, or one answer of a scan, can hold.
  const many = 30;
  await plantMany(room.source, { parent: "/app/heavy", nodes: 0 });
  for (let index = 0; index < many; index += 1)
    await room.source.create(`/app/heavy/n${index}`, fill(limit - index, "h"));
  const before = await snapshot(room.target);
  const daemon = await room.start();
  await idle(daemon);
  const oversize = sizes.filter((size) => size > limit).map((size) => `/mirror/app/big/of-${size}`);
  const expectOversize = async () => {
    const { problems } = await idle(daemon);
    expect(problems.map(({ kind, path }) => `${kind} ${path}`).sort()).toEqual(
      oversize.map((path) => `oversize ${path}`).sort(),
    );
  };
  await expectOversize();
  for (const path of oversize) expect(await room.target.stat(path)).toBeNull();
  for (let index = 0; index < many; index += 1) await room.source.set(`/app/heavy/n${index}`, fill(limit - index, "i"));
  await room.source.set(`/app/big/of-${limit}`, fill(limit, "b"));
  await room.source.set(`/app/big/of-${limit + 1}`, "small now");
  await room.source.set("/zms/topic/t1", topicData("kafka-idc1"));
  await room.carried();
  oversize.shift();
  await expectOversize();
  expect((await room.target.get(`/mirror/app/big/of-${limit}`))?.equals(fill(limit, "b"))).toBe(true);
  for (const path of oversize) await room.source.remove(path.slice("/mirror".length));
  await room.carried();
  expect((await idle(daemon)).problemCounts).toEqual({});
  await room.expectEqual(before);
  await room.expectRightHistory();
});

// As many as go into one answer would be more than a client takes in: 140 MB, which is much for a test among others.
const hugeNodes = full ? [20] : [];
test.for(hugeNodes)(
  "%i nodes of a source with larger packets than ours are reported, and the link goes on",
  async (huge) => {
    await using generous = await startWorld(
      { source: "3.9", target: "3.9" },
      { jvmArgs: ["-Xmx2g", `-Djute.maxbuffer=${8 * megabyte}`] },
    );
    await using room = await openRoom(generous, options);
    await plantSource(room.source);
    const fill = async (data: string | Buffer) => {
      for (let index = 0; index < huge; index += 1) await room.source.set(`/app/huge${index}`, data);
    };
    for (let index = 0; index < huge; index += 1) await room.source.create(`/app/huge${index}`);
    await fill(Buffer.alloc(7 * megabyte, "x"));
    const daemon = await room.start();
    await eventually(async () => expect((await daemon.link()).problemCounts).toEqual({ oversize: huge }), {
      withinMs: syncMsMax,
    });
    await fill(Buffer.alloc(7 * megabyte, "y"));
    await room.carried();
    expect((await idle(daemon)).problemCounts).toEqual({ oversize: huge });
    await fill("small now");
    await room.carried();
    expect((await idle(daemon)).problemCounts).toEqual({});
    await room.expectRightHistory();
  },
);

test("60 levels are made from the top and removed from the bottom", async () => {
  await using room = await openRoom(world, options);
  await plantSource(room.source);
  const deep = (name: string) => `/app/${Array.from({ length: 60 }, (_, level) => `${name}${level}`).join("/")}`;
  await room.source.mkdirp(deep("a"), "bottom");
  const before = await snapshot(room.target);
  const daemon = await room.start();
  await idle(daemon);
  expect(await room.target.text(`/mirror${deep("a")}`)).toBe("bottom");
  await room.source.mkdirp(deep("b"), "bottom too");
  await room.source.removeAll("/app/a0");
  await room.carried();
  await idle(daemon);
  expect(await room.target.stat("/mirror/app/a0")).toBeNull();
  await room.expectEqual(before);
  await room.expectRightHistory();
});

test("names are copied to the byte, whatever characters ZooKeeper allows in them", async () => {
  await using room = await openRoom(world, options);
  await plantSource(room.source);
  const before = await snapshot(room.target);
  const daemon = await room.start();
  await idle(daemon);
  const names = new Set([...telling, ...fc.sample(nameArbitrary, { numRuns: 200, seed: 1 })]);
  for (const name of names) {
    await room.source.create(`/app/${name}`, `in /app: ${name}`);
    await room.source.create(`/zms/topic/${name}`, topicData("rmq-idc1", `name=${name}\n`));
  }
  await room.carried();
  await idle(daemon);
  await room.expectEqual(before);
  for (const name of names) {
    await room.source.set(`/app/${name}`, "changed");
    await room.source.remove(`/zms/topic/${name}`);
  }
  await room.carried();
  expect((await idle(daemon)).problemCounts).toEqual({});
  await room.expectEqual(before);
  await room.expectRightHistory();
  // What it does not allow cannot be there.
  for (const name of ["\u0001", "\u007f", "\ue000", "\uffff", "😀"])
    await expect(room.source.create(`/app/${name}`, "")).rejects.toThrow("BAD_ARGUMENTS");
});

const telling = [
  "a b",
  " a",
  "a%2Fb",
  "%",
  "%%",
  "é",
  "e\u0301",
  "שלום",
  "\u200f\u202eabc",
  "日本語",
  "\u00a0",
  "\ufeff",
  "\uffef",
  "\uf900",
  "\ud7ff",
  "...",
  "{name}",
  "**",
  "a:b",
  "$1",
  "\\",
  "__proto__",
  "'\"",
];

/** @source ZooKeeper 3.9 PathUtils.validatePath */
const allowed: readonly (readonly [from: number, to: number])[] = [
  [0x20, 0x2e],
  [0x30, 0x7e],
  [0xa0, 0xd7ff],
  [0xf900, 0xffef],
];
const letter = fc.oneof(
  ...allowed.map(([min, max]) => fc.integer({ min, max }).map((code) => String.fromCharCode(code))),
);
const nameArbitrary = fc
  .array(letter, { minLength: 1, maxLength: 40 })
  .map((letters) => letters.join(""))
  .filter((name) => name !== "." && name !== "..");

/** Ten times the nodes may take this many times the time and memory: growth is linear, give or take the machine. */
const growthMax = 13;
const millionMsMax = 1_800_000;
const growths = full ? [[100_000, 1_000_000] as const] : [];
test.for(growths)(
  "%i and %i nodes: time and memory of the first sync grow no faster than the tree",
  {
    timeout: millionMsMax,
  },
  async ([small, large]) => {
    const few = await firstSync(small);
    const many = await firstSync(large);
    for (const one of [few, many]) console.log(JSON.stringify(one));
    expect(many.syncMs / few.syncMs).toBeLessThan(growthMax);
    expect(many.peakBytes / few.peakBytes).toBeLessThan(growthMax);
  },
);

const nodesOfAParent = 1_000;

async function firstSync(nodes: number) {
  await using wide = await startWorld({ source: "3.9", target: "3.9" }, { jvmArgs: ["-Xmx3g"] });
  await using room = await openRoom(wide, options);
  await room.source.mkdirp("/app");
  for (let parent = 0; parent < nodes / nodesOfAParent; parent += 1)
    await plantMany(room.source, { parent: `/app/p${parent}`, nodes: nodesOfAParent });
  const daemon = await room.start();
  const startedAt = performance.now();
  const { targetNodes } = await eventually(
    async () => {
      const link = await daemon.link();
      expect(link.idle).toBe(true);
      return link;
    },
    { withinMs: millionMsMax / 3, everyMs: 2_000 },
  );
  const syncMs = Math.round(performance.now() - startedAt);
  expect(targetNodes).toBe(nodes + nodes / nodesOfAParent);
  const status = await readFile(`/proc/${daemon.process.pid}/status`, "utf8");
  const peakBytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  return { nodes, syncMs, peakBytes };
}

async function idle(daemon: Daemon) {
  return await eventually(
    async () => {
      const link = await daemon.link();
      expect(link.idle).toBe(true);
      return link;
    },
    { withinMs: syncMsMax },
  );
}
