import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, type ConnectOptions, connect, type SdkEvent } from "../../../sdk/main.ts";
import { eventually } from "../harness/eventually.ts";
import { type Catch, createCatch, type Load, startLoad } from "./load.ts";
import { openStage, type Stage } from "./stage.ts";

/**
 * A live topic moves between two real Kafka clusters under load: nothing is restarted, and what was acknowledged is consumed.
 */

const producers = 4;
const everyMs = 10;
const loadMs = 3_000;
const catchUpMsMax = 30_000;
const lingerQuietMs = 2_000;
/** From the metadata's write to the first message that the other cluster acknowledged. */
const movedMsMax = 3_000;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 120_000);
afterAll(() => stage?.[Symbol.asyncDispose]());

const events: SdkEvent[] = [];

function open(options: Partial<ConnectOptions> = {}): Promise<Client> {
  return connect({
    routers: stage.routers,
    idc: "idc1",
    limits: { lingerQuietMs, lingerCheckEveryMs: 500 },
    onEvent: (event) => events.push(event),
    ...options,
  });
}

const sentTo = (load: Load, cluster: string): number =>
  [...load.acknowledged.values()].filter((each) => each === cluster).length;

async function untilSentTo(load: Load, cluster: string): Promise<number> {
  const startedAt = performance.now();
  const before = sentTo(load, cluster);
  await eventually(() => expect(sentTo(load, cluster)).toBeGreaterThan(before), { withinMs: 20_000, everyMs: 5 });
  return performance.now() - startedAt;
}

async function allConsumed(load: Load, got: Catch): Promise<void> {
  await eventually(
    () => expect([...load.acknowledged.keys()].filter((id) => !got.counts.has(id)).slice(0, 10)).toEqual([]),
    { withinMs: catchUpMsMax, everyMs: 100 },
  );
}

/** By all clients of this file, as all routers were told. */
async function counted(use: "produce" | "consume"): Promise<number> {
  const texts = await Promise.all(stage.routers.map(async (url) => await (await fetch(`${url}/metrics`)).text()));
  const lines = texts.flatMap((text) => text.split("\n"));
  return lines
    .filter((line) => line.startsWith(`idc_router_client_messages_total{use="${use}"`) && line.includes('outcome="ok"'))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

function tell(what: string, load: Load, got: Catch): void {
  const twice = [...got.counts.values()].filter((count) => count > 1).length;
  console.log(
    `${what}: ${load.acknowledged.size} acknowledged (${sentTo(load, "K1")} by K1, ${sentTo(load, "K2")} by K2), ` +
      `${got.counts.size} consumed, ${twice} of them more than once; longest gap ${Math.round(load.gapMs)} ms`,
  );
}

test("a topic moves to another cluster and back: sends and reads follow, nothing acknowledged is lost", async () => {
  await stage.topic("orders");
  await using client = await open();
  const got = createCatch();
  const consumer = client.consumer("orders", "billing", got.handle);
  const load = startLoad(client, "orders", { producers, everyMs });
  await untilSentTo(load, "K1");
  await eventually(() => expect(got.counts.size).toBeGreaterThan(0), { withinMs: 20_000 });
  await delay(loadMs);

  await stage.move("orders", "K2");
  const thereMs = await untilSentTo(load, "K2");
  await delay(loadMs);
  const sentToK1 = sentTo(load, "K1");
  await stage.move("orders", "K1");
  const backMs = await untilSentTo(load, "K1");
  await delay(loadMs);
  await load.stop();
  await allConsumed(load, got);
  tell(`moved there in ${Math.round(thereMs)} ms and back in ${Math.round(backMs)} ms`, load, got);

  expect(load.failures).toEqual([]);
  expect(thereMs).toBeLessThan(movedMsMax);
  expect(backMs).toBeLessThan(movedMsMax);
  expect(sentTo(load, "K1")).toBeGreaterThan(sentToK1);
  expect(load.acknowledged.size).toBeGreaterThan(1_000);
  await eventually(() => expect(consumer.places.map(({ cluster }) => cluster)).toEqual(["K1"]), { withinMs: 20_000 });
});

test("a few clients go first: those behind the topic's gate move under load, and no other client does anything", async () => {
  await stage.topic("carts");
  const moves = { few: 0, most: 0 };
  const counting = (who: keyof typeof moves) => (event: SdkEvent) => {
    if (event.kind === "moved") moves[who] += 1;
  };
  const limits = { lingerQuietMs, lingerCheckEveryMs: 500, telemetryEveryMs: 500 };
  await using few = await open({ ip: "10.1.0.4", onEvent: counting("few"), limits });
  await using most = await open({ ip: "10.1.0.5", onEvent: counting("most"), limits });
  const got = createCatch();
  for (const client of [few, most]) client.consumer("carts", "billing", got.handle);
  const [gated, others] = [few, most].map((client) => startLoad(client, "carts", { producers: 2, everyMs }));
  if (gated === undefined || others === undefined) throw new Error("two loads");
  await Promise.all([untilSentTo(gated, "K1"), untilSentTo(others, "K1")]);
  await delay(loadMs);
  const before = { ...moves };

  const gate = "gatedIps=10.1.0.4\ngatedCluster=K2\nsendTimeoutMs=20000\nconcurrency=4\n";
  await stage.metadata("carts", `clusterName=K1\n${gate}`);
  const gatedMs = await untilSentTo(gated, "K2");
  await delay(loadMs);
  // Its two producers and its consumer.
  expect({ few: moves.few - before.few, most: moves.most - before.most }).toEqual({ few: 3, most: 0 });
  expect(sentTo(others, "K2")).toBe(0);
  expect((await most.resolve("carts")).settings).toEqual({ sendTimeoutMs: 20_000, concurrency: 4 });

  // The rest follows.
  await stage.move("carts", "K2");
  const allMs = await untilSentTo(others, "K2");
  await delay(1_000);
  await Promise.all([gated.stop(), others.stop()]);
  await Promise.all([allConsumed(gated, got), allConsumed(others, got)]);
  tell(`a gate moved its clients in ${Math.round(gatedMs)} ms`, gated, got);
  tell(`the rest followed in ${Math.round(allMs)} ms`, others, got);
  expect([...gated.failures, ...others.failures]).toEqual([]);
  // What clients sent and consumed is in a router's metrics.
  const sent = gated.acknowledged.size + others.acknowledged.size;
  await eventually(
    async () => {
      expect(await counted("produce")).toBeGreaterThanOrEqual(sent);
      expect(await counted("consume")).toBeGreaterThanOrEqual(sent);
    },
    { withinMs: 10_000, everyMs: 100 },
  );
});

test("a topic leaves a cluster that hangs: what is on its way is sent again, and what it holds is read when it is back", async () => {
  await stage.topic("pay");
  await using client = await open();
  const got = createCatch();
  client.consumer("pay", "billing", got.handle);
  const load = startLoad(client, "pay", { producers, everyMs });
  await untilSentTo(load, "K1");
  await delay(loadMs);
  const [node] = stage.clusters.K1.nodes;
  node?.stop();
  try {
    await delay(500);
    await stage.move("pay", "K2");
    await untilSentTo(load, "K2");
    await delay(loadMs);
  } finally {
    node?.cont();
  }
  await load.stop();
  await allConsumed(load, got);
  tell("out of a cluster that hung", load, got);
  expect(load.failures).toEqual([]);
  expect(sentTo(load, "K2")).toBeGreaterThan(100);
});

test("routers come and go: the other one is followed, and with both away the last word is good, also after a restart", async () => {
  await stage.topic("bills");
  const cacheFile = join(stage.folder, "routes.json");
  await using client = await open({ cacheFile });
  const got = createCatch();
  client.consumer("bills", "billing", got.handle);
  const load = startLoad(client, "bills", { producers, everyMs });
  await untilSentTo(load, "K1");
  await stage.router(0).kill();
  await stage.move("bills", "K2");
  const movedMs = await untilSentTo(load, "K2");
  await delay(1_500);
  await stage.router(1).kill();
  const before = sentTo(load, "K2");
  await delay(1_500);
  expect(sentTo(load, "K2")).toBeGreaterThan(before);
  await using restarted = await open({ cacheFile });
  expect(await restarted.resolve("bills")).toMatchObject({ cluster: "K2", stale: true });
  expect(await restarted.producer("bills").send({ value: "late" })).toMatchObject({ cluster: "K2" });
  await stage.restartRouter(1);
  await stage.move("bills", "K1");
  await untilSentTo(load, "K1");
  await load.stop();
  await allConsumed(load, got);
  tell(`moved in ${Math.round(movedMs)} ms with one router killed, then none at all, then one`, load, got);
  expect(load.failures).toEqual([]);
  await stage.restartRouter(0);
});
