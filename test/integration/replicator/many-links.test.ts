import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Application, connectApplication } from "../harness/application.ts";
import { eventually } from "../harness/eventually.ts";
import { freePort } from "../harness/ports.ts";
import { startProxy } from "../harness/proxy.ts";
import { type Daemon, type LinkAnswer, startDaemon } from "./daemon.ts";
import { startWorld, type World } from "./room.ts";

/** Links in one process; each has a part of both servers for itself. */
const links = 40;
const largeNodes = 20_000;
const nodesPerMulti = 500;
/** The large link's first copy, on a busy machine. */
const copiedMsMax = 120_000;
/** Longest way of a healthy link's change while another link copies and a third one's target is frozen. A bucket of the metric. */
const lagSecondsMax = 2.5;
const frozenMs = 5_000;
const pendingPaths = 1_000;
const streamedNodes = 10_000;
/** More than the process breathes by itself, far less than all that was streamed would take with its paths. */
const rssGrowthMax = 100 * 1024 * 1024;

test("a link that copies a large tree and one whose target is frozen do not slow the others down", async () => {
  await using world = await startWorld({ source: "3.9", target: "3.9" });
  await using largeLine = await startProxy({ target: world.target.address });
  await using frozenLine = await startProxy({ target: world.target.address });
  const names = ["large", "frozen", ...Array.from({ length: links - 2 }, (_, index) => `calm-${index}`)];
  await using source = await connectApplication(world.source.address, { sessionTimeoutMs: 60_000 });
  await using target = await connectApplication(world.target.address, { sessionTimeoutMs: 60_000 });
  for (const name of names) {
    await source.mkdirp(`/${name}/tree/node`, "first");
    await target.mkdirp(`/${name}`);
  }
  await plant(source, "/large/tree", largeNodes);

  await largeLine.cut();
  await using daemon = await start(world, names, { large: largeLine.address, frozen: frozenLine.address });
  for (const name of names.slice(1)) await follows(daemon, name);

  frozenLine.freeze();
  await source.set("/frozen/tree/node", "unseen");
  await largeLine.heal();
  let writes = 0;
  await eventually(
    async () => {
      writes += 1;
      await source.set("/calm-0/tree/node", String(writes));
      const large = await linkOf(daemon, "large");
      expect(large).toMatchObject({ phase: "following", idle: true });
    },
    { withinMs: copiedMsMax },
  );
  await eventually(async () => expect(await target.text("/calm-0/tree/node")).toBe(String(writes)), {
    withinMs: lagSecondsMax * 1_000,
  });
  expect(writes).toBeGreaterThan(10);
  const { within, all } = await lags(daemon, "calm-0");
  expect(all).toBeGreaterThan(10);
  expect(within).toBe(all);
  expect((await linkOf(daemon, "frozen")).pending).toBe(1);
  expect((await daemon.get("/livez")).status).toBe(200);

  frozenLine.thaw();
  await eventually(async () => expect(await target.text("/frozen/tree/node")).toBe("unseen"), { withinMs: 20_000 });
  const large = await linkOf(daemon, "large");
  expect({ nodes: large.targetNodes, created: large.counts["created"] }).toEqual({
    nodes: largeNodes + 1,
    created: largeNodes + 2,
  });
});

test("a link whose target is frozen keeps no more than its bounds allow, and makes up for it afterwards", async () => {
  await using world = await startWorld({ source: "3.9", target: "3.9" });
  await using line = await startProxy({ target: world.target.address });
  await using source = await connectApplication(world.source.address, { sessionTimeoutMs: 60_000 });
  await using target = await connectApplication(world.target.address, { sessionTimeoutMs: 60_000 });
  await source.mkdirp("/one/tree/node", "first");
  await target.mkdirp("/one");
  await using daemon = await start(world, ["one"], { one: line.address }, { pendingPaths, bufferBytes: 65_536 });
  await follows(daemon, "one");

  const before = await rss(daemon);
  line.freeze();
  const since = performance.now();
  let streamed = 0;
  let pendingMax = 0;
  while (performance.now() - since < frozenMs || streamed < streamedNodes) {
    if (streamed < streamedNodes) {
      await plant(source, "/one/tree", nodesPerMulti, streamed);
      streamed += nodesPerMulti;
    } else await delay(100);
    pendingMax = Math.max(pendingMax, (await linkOf(daemon, "one")).pending);
  }
  expect(pendingMax).toBeGreaterThan(pendingPaths / 2);
  expect(pendingMax).toBeLessThanOrEqual(2 * pendingPaths);
  expect((await rss(daemon)) - before).toBeLessThan(rssGrowthMax);

  line.thaw();
  await eventually(
    async () => {
      const { idle, targetNodes } = await linkOf(daemon, "one");
      expect({ idle, targetNodes }).toEqual({ idle: true, targetNodes: streamedNodes + 1 });
    },
    { withinMs: copiedMsMax },
  );
});

/** All links of one template, each in its own chroot; `lines` has those with a line of their own to the target. */
async function start(
  world: World,
  names: readonly string[],
  lines: Readonly<Record<string, string>>,
  limits: object = {},
): Promise<Daemon> {
  const word = (name: string): string => `\${${name}}`;
  const side = (server: string) => ({
    servers: [server],
    chroot: `/${word("name")}`,
    sessionTimeoutMs: 3_000,
    connectTimeoutMs: 1_000,
  });
  const port = await freePort();
  const file = join(world.folder, `links-${port}.yaml`);
  const config = {
    site: "idc2",
    http: { listen: `127.0.0.1:${port}` },
    templates: {
      tree: {
        kind: "zookeeper",
        source: side(world.source.address),
        target: side(word("target")),
        rules: [{ match: "/tree/**", to: "/tree/**" }],
        limits,
      },
    },
    links: names.map((name) => ({
      name,
      template: "tree",
      with: { name, target: lines[name] ?? world.target.address },
    })),
  };
  await writeFile(file, JSON.stringify(config));
  return await startDaemon(file, `http://127.0.0.1:${port}`);
}

async function linkOf(daemon: Daemon, name: string): Promise<LinkAnswer> {
  return (await (await daemon.get(`/v1/links/${name}`)).json()) as LinkAnswer;
}

async function follows(daemon: Daemon, name: string): Promise<void> {
  await eventually(async () => expect(await linkOf(daemon, name)).toMatchObject({ phase: "following", idle: true }), {
    withinMs: 20_000,
  });
}

/** The changes of a link that were carried over within the bound, and all of them. */
async function lags(daemon: Daemon, link: string): Promise<{ within: number; all: number }> {
  return {
    within: await metric(daemon, "idc_replicator_lag_seconds_bucket", `le="${lagSecondsMax}"`, `link="${link}"`),
    all: await metric(daemon, "idc_replicator_lag_seconds_count", `link="${link}"`),
  };
}

async function rss(daemon: Daemon): Promise<number> {
  return await metric(daemon, "process_resident_memory_bytes");
}

/** The value of the one series of this name with these labels. */
async function metric(daemon: Daemon, name: string, ...labels: readonly string[]): Promise<number> {
  const lines = (await (await daemon.get("/metrics")).text()).split("\n");
  const found = lines.filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  expect(found).toHaveLength(1);
  return Number(found[0]?.split(" ").at(-1));
}

async function plant(source: Application, root: string, count: number, first = 0): Promise<void> {
  for (let from = first; from < first + count; from += nodesPerMulti) {
    const size = Math.min(nodesPerMulti, first + count - from);
    await source.multi(
      Array.from({ length: size }, (_, index) => ({
        kind: "create" as const,
        path: `${root}/some-name-of-the-usual-length-${from + index}`,
        data: `data of node ${from + index}`,
      })),
    );
  }
}
