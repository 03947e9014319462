import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Client, type ConnectOptions, connect } from "./client.ts";
import type { SdkEvent } from "./events.ts";
import { createFakeBrokers, type FakeBrokers } from "./testing/fake-driver.ts";
import { type FakeRouter, kafkaRoute, startFakeRouter } from "./testing/fake-router.ts";
import { version } from "./version.ts";

let one: FakeRouter;
let two: FakeRouter;
let brokers: FakeBrokers;
let folder: string;
let events: SdkEvent[];
const clients: Client[] = [];

beforeEach(async () => {
  [one, two] = await Promise.all([startFakeRouter(), startFakeRouter()]);
  brokers = createFakeBrokers();
  folder = await mkdtemp(join(tmpdir(), "crossidc-sdk-"));
  events = [];
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<ConnectOptions> = {}): Promise<Client> {
  const client = await connect({
    routers: [one.url, two.url],
    driverOf: brokers.driverOf,
    onEvent: (event) => events.push(event),
    ...options,
    limits: { requestTimeoutMs: 1_500, backoffMinMs: 10, backoffMaxMs: 50, leaveGraceMs: 100, ...options.limits },
  });
  clients.push(client);
  return client;
}

const until = (check: () => unknown) => vi.waitUntil(check, { timeout: 5_000, interval: 5 });

describe("resolve", () => {
  test("asks the routers in their order until one has a route", async () => {
    one.status = 503;
    two.say("orders", kafkaRoute("orders", "K1"));
    const client = await open({ idc: "idc2", limits: { backoffMaxMs: 60_000 } });
    expect(await client.resolve("orders")).toMatchObject({ cluster: "K1", bootstrap: ["K1:9092"], stale: false });
    expect(one.asked).toEqual(["/v1/topics/orders/route?idc=idc2"]);
    // The one that sent it away is left alone for a while.
    await client.resolve("orders");
    expect(one.asked).toHaveLength(1);
  });

  test("goes on to the next router when one does not answer", async () => {
    one.status = 0;
    two.say("orders", kafkaRoute("orders", "K1"));
    expect(await (await open()).resolve("orders")).toMatchObject({ cluster: "K1" });
  });

  test("gives what was known, as stale, when no router answers or knows it any more", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const client = await open();
    await client.resolve("orders");
    one.status = 503;
    expect(await client.resolve("orders")).toMatchObject({ cluster: "K1", stale: true });
  });

  test("says whether nobody knows the topic or nobody answers", async () => {
    const client = await open();
    await expect(client.resolve("none")).rejects.toMatchObject({ name: "SdkError", code: "SDK_TOPIC_UNKNOWN" });
    one.status = 503;
    two.status = 503;
    await expect(client.resolve("none")).rejects.toMatchObject({ code: "SDK_ROUTE_UNAVAILABLE" });
  });

  test("ends with the caller's signal", async () => {
    one.status = 0;
    const client = await open({ limits: { requestTimeoutMs: 60_000 } });
    const stop = new AbortController();
    const asking = client.resolve("orders", { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(asking).rejects.toThrow("enough");
  });

  test("an answer that is no route is a failure of that router", async () => {
    one.say("orders", { topic: "orders" });
    two.say("orders", kafkaRoute("orders", "K1"));
    expect(await (await open()).resolve("orders")).toMatchObject({ cluster: "K1" });
    expect(events).toContainEqual(expect.objectContaining({ kind: "router", router: one.url, ok: false }));
  });
});

describe("watch", () => {
  test("gives what is there and each change, over the loss of a router, and takes no older word", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    two.say("orders", kafkaRoute("orders", "K0", { zxid: 0, router: "r2" }));
    const client = await open();
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { cluster } of client.watch("orders", { signal: stop.signal })) seen.push(cluster);
    })();
    await until(() => seen.length === 1);
    one.say("orders", kafkaRoute("orders", "K2", { zxid: 2 }));
    await until(() => seen.length === 2);
    one.status = 503;
    one.hangUp();
    await until(() => events.some(({ kind }) => kind === "older"));
    two.say("orders", kafkaRoute("orders", "K3", { zxid: 3, router: "r2" }));
    await until(() => seen.length === 3);
    stop.abort();
    await watching;
    expect(seen).toEqual(["K1", "K2", "K3"]);
  });

  test("all topics of a client share a watch", async () => {
    for (const topic of ["a", "b", "c"]) one.say(topic, kafkaRoute(topic, "K1"));
    const client = await open();
    const stop = new AbortController();
    const seen = new Set<string>();
    const watching = ["a", "b", "c"].map(async (topic) => {
      for await (const route of client.watch(topic, { signal: stop.signal })) seen.add(route.topic);
    });
    await until(() => seen.size === 3);
    stop.abort();
    await Promise.all(watching);
    expect(one.asked.at(-1)).toBe("/v1/watch?topics=a%2Cb%2Cc");
  });

  test("a watch that brings nothing for too long is opened anew", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const client = await open({ limits: { silenceMsMax: 50 } });
    const stop = new AbortController();
    const watching = (async () => {
      for await (const _route of client.watch("orders", { signal: stop.signal }));
    })();
    await until(() => one.asked.length + two.asked.length > 3);
    stop.abort();
    await watching;
  });
});

describe("the file", () => {
  test("lets a client start with every router away, and knows nothing of a damaged one", async () => {
    const cacheFile = join(folder, "routes.json");
    one.say("orders", kafkaRoute("orders", "K1"));
    const first = await open({ cacheFile, limits: { saveEveryMs: 10 } });
    await first.resolve("orders");
    await first.close();
    one.status = 503;
    two.status = 503;
    expect(await (await open({ cacheFile })).resolve("orders")).toMatchObject({ cluster: "K1", stale: true });
    await writeFile(cacheFile, (await readFile(cacheFile, "utf8")).replace("K1", "K9"));
    await expect((await open({ cacheFile })).resolve("orders")).rejects.toMatchObject({
      code: "SDK_ROUTE_UNAVAILABLE",
    });
    expect(events).toContainEqual({ kind: "file", file: cacheFile, detail: "not read: its checksum is wrong" });
  });
});

describe("a producer", () => {
  test("sends to where the topic is, and what hangs at the old place is sent again at the new one", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const producer = (await open()).producer("orders");
    expect(await producer.send({ value: "1" })).toEqual({ cluster: "K1", attempts: 1 });
    brokers.mode("K1", "hang");
    const hanging = producer.send({ value: "2" });
    one.say("orders", kafkaRoute("orders", "K2", { zxid: 2 }));
    expect(await hanging).toEqual({ cluster: "K2", attempts: 2 });
    expect(await producer.send([{ value: "3" }, { value: "4" }])).toEqual({ cluster: "K2", attempts: 1 });
    brokers.mode("K1", "well");
    expect(brokers.stored("K2")).toEqual(["2", "3", "4"]);
    await until(() => brokers.open("K1") === 0);
  });

  test("tries again while brokers refuse, and says so when the time is over", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const producer = (await open({ limits: { sendTimeoutMs: 200 } })).producer("orders");
    await producer.send({ value: "1" });
    brokers.mode("K1", "refuse");
    await expect(producer.send({ value: "2" })).rejects.toMatchObject({
      code: "SDK_SEND_TIMEOUT",
      message: expect.stringContaining("the last attempt: refused"),
    });
  });

  test("takes the time that the router pushes, from the next send on", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const producer = (await open({ limits: { sendTimeoutMs: 60_000 } })).producer("orders");
    await producer.send({ value: "1" });
    brokers.mode("K1", "hang");
    one.say("orders", kafkaRoute("orders", "K1", { zxid: 2, client: { sendTimeoutMs: 100 } }));
    await until(() => events.filter(({ kind }) => kind === "route").length === 2);
    await expect(producer.send({ value: "2" })).rejects.toMatchObject({ code: "SDK_SEND_TIMEOUT" });
    expect(events.filter(({ kind }) => kind === "moved")).toHaveLength(1);
  });

  test("bounds what is on its way, ends with the caller's signal, and refuses when it is closed", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const producer = (await open({ limits: { sendsMax: 1 } })).producer("orders");
    await producer.send({ value: "1" });
    brokers.mode("K1", "hang");
    const stop = new AbortController();
    const hanging = producer.send({ value: "2" }, { signal: stop.signal });
    await expect(producer.send({ value: "3" })).rejects.toMatchObject({ code: "SDK_TOO_MANY_SENDS" });
    stop.abort(new Error("enough"));
    await expect(hanging).rejects.toThrow("enough");
    await producer.close();
    await expect(producer.send({ value: "4" })).rejects.toMatchObject({ code: "SDK_CLOSED" });
  });

  test("ignores a route without an address", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const producer = (await open()).producer("orders");
    await producer.send({ value: "1" });
    one.say("orders", kafkaRoute("orders", "K2", { zxid: 2, bootstrap: [] }));
    await until(() => events.filter(({ kind }) => kind === "route").length === 2);
    expect(await producer.send({ value: "2" })).toMatchObject({ cluster: "K1" });
  });
});

describe("a consumer", () => {
  const limits = { lingerQuietMs: 100, lingerCheckEveryMs: 20 };

  test("goes on at the new place, and reads the old one until it is empty and quiet", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const client = await open({ limits });
    const producer = client.producer("orders");
    await producer.send({ value: "1" });
    const got: string[] = [];
    const consumer = client.consumer("orders", "g", async ({ value }) => void got.push(value.toString()));
    await until(() => got.length === 1);
    one.say("orders", kafkaRoute("orders", "K2", { zxid: 2 }));
    await until(() => consumer.places.length === 2);
    await producer.send({ value: "2" });
    await until(() => got.length === 2);
    // Somebody who has not heard of the move yet.
    const late = await (await brokers.driverOf({ kind: "kafka", cluster: "K1", idc: "", bootstrap: [] })).openProducer({
      place: { kind: "kafka", cluster: "K1", idc: "", bootstrap: [] },
      topic: "orders",
    });
    await late.send([{ value: "3" }], { timeoutMs: 1 });
    await late.close();
    await until(() => got.length === 3);
    await until(() => consumer.places.length === 1);
    expect(events).toContainEqual(expect.objectContaining({ kind: "left", why: "empty" }));
    expect(got).toEqual(["1", "2", "3"]);
    await until(() => brokers.open("K1") === 0);
  });

  test("a message comes again when its handler throws, or when the connection breaks before it is dealt with", async () => {
    one.say("orders", kafkaRoute("orders", "K1"));
    const client = await open({ limits });
    const got: string[] = [];
    const block = Promise.withResolvers<void>();
    client.consumer("orders", "g", async ({ value }) => {
      got.push(value.toString());
      if (got.length === 1) throw new Error("not yet");
      if (value.toString() === "2" && got.length === 3) await block.promise;
    });
    const producer = client.producer("orders");
    await producer.send([{ value: "1" }, { value: "2" }]);
    await until(() => got.length === 3);
    brokers.breakReaders("K1");
    block.resolve();
    await until(() => got.length === 4);
    expect(got).toEqual(["1", "1", "2", "2"]);
  });

  test("takes the concurrency that the router pushes", async () => {
    one.say("orders", kafkaRoute("orders", "K1", { client: { concurrency: 1 } }));
    one.say("pay", kafkaRoute("pay", "K2", { client: { concurrency: 1 } }));
    const client = await open({ limits });
    let atOnce = 0;
    let most = 0;
    client.consumer("orders", "g", async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await delay(30);
      atOnce -= 1;
    });
    const producer = client.producer("orders");
    await producer.send([{ value: "1" }, { value: "2" }]);
    one.say("orders", kafkaRoute("orders", "K2", { zxid: 2, client: { concurrency: 1 } }));
    await until(() => brokers.open("K2") >= 2);
    await producer.send([{ value: "3" }, { value: "4" }]);
    await delay(200);
    expect(most).toBe(1);
  });
});

test.each([
  [{ routers: [] }, "No router is given"],
  [{ routers: ["10.1.0.5:7403"] }, "is no router's address"],
  [{ limits: { sendsMax: 0 } }, "limits.sendsMax is 0"],
  [{ limits: { sendMax: 1 } as object }, "There is no limit"],
])("connect(%j) is refused", async (options, message) => {
  await expect(open(options)).rejects.toMatchObject({
    code: "SDK_BAD_OPTIONS",
    message: expect.stringContaining(message),
  });
});

test("topics and groups without a name are refused", async () => {
  const client = await open();
  expect(() => client.producer("")).toThrow("is no topic's name");
  expect(() => client.consumer("a,b", "g", async () => {})).toThrow("is no topic's name");
  expect(() => client.consumer("a", "", async () => {})).toThrow("The group has no name");
});

describe("telemetry", () => {
  const limits = { telemetryEveryMs: 30 };
  const inIdc1 = { decision: { idc: "idc1", why: "", levels: [{ idc: "idc1", share: 1, bootstrap: ["K1:9092"] }] } };
  const acknowledged = (router: FakeRouter): number =>
    router.reports.flatMap(({ produced }) => produced).reduce((sum, each) => sum + each.acknowledged, 0);

  test("tells a router what was sent and consumed, where, how large and how long", async () => {
    one.say("orders", kafkaRoute("orders", "K1", inIdc1));
    const client = await open({ limits });
    client.consumer("orders", "g", async () => {});
    await client.producer("orders").send([{ value: "12345" }, { value: "1" }]);
    await until(() => one.reports.some(({ consumed }) => consumed.length > 0));
    await until(() => acknowledged(one) === 2);
    const [first] = one.reports;
    expect(first).toMatchObject({ version, idc: "idc1", produced: [{ idc: "idc1", failed: 0, bytes: { sum: 6 } }] });
    expect(new Set(one.reports.map(({ client: id }) => id)).size).toBe(1);
  });

  test("is told at the end, and not at all where nobody wants it", async () => {
    one.say("orders", kafkaRoute("orders", "K1", inIdc1));
    const silent = await open({ limits, telemetry: false });
    await silent.producer("orders").send({ value: "1" });
    const client = await open();
    await client.producer("orders").send({ value: "1" });
    await Promise.all([client.close(), silent.close()]);
    expect(acknowledged(one)).toBe(1);
  });

  test("is told under the version of the package", async () => {
    const own = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8")) as { version: string };
    expect(version).toBe(own.version);
  });
});
