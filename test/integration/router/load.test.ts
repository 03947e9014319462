import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { connectRemoting, type RemotingClient } from "#lib/remoting/connection.ts";
import { encodeFrame, frameLimits } from "#lib/remoting/frame.ts";
import { encodeGetRouteInfoRequest } from "#lib/remoting/records/get-route-info.ts";
import type { RouteReport } from "../../../idc-router/io/api.ts";
import { type EtcdCluster, startEtcd } from "../harness/etcd.ts";
import { eventually } from "../harness/eventually.ts";
import { type NameServer, startBrokers, startNameServer } from "../harness/name-server.ts";
import { createWishes, ownIdc, type RouterUnderTest, startRouter } from "./router.ts";
import { dial } from "./telling.ts";
import { openWaits } from "./waits.ts";
import { openWatches } from "./watches.ts";

/** A router as its launcher starts it, with more clients than it should have, some of which behave badly. */

const isFull = process.env["CROSSIDC_FULL"] === "1";
const clients = isFull ? 5_000 : 500;
const changes = 4;
/** On a machine that does much else; figures are for `./run bench router`. */
const toldMsMax = isFull ? 30_000 : 5_000;
const settleMsMax = 30_000;
const topics = Array.from({ length: 100 }, (_, nth) => `t${nth}`);
const usually = { withinMs: settleMsMax, everyMs: 50 };

const stop = new AbortController();
let etcd: EtcdCluster;
let nameServer: NameServer;
let client: Etcd3;
let wishes: ReturnType<typeof createWishes>;

beforeAll(async () => {
  const brokers = await startBrokers(stop.signal);
  [etcd, nameServer] = await Promise.all([startEtcd({ size: 1 }), startNameServer(brokers, topics, stop.signal)]);
  client = new Etcd3({ hosts: etcd.endpoints.map((endpoint) => `http://${endpoint}`) });
  wishes = createWishes(async (key, value) => void (await client.put(key).value(value)));
}, 120_000);

afterAll(async () => {
  stop.abort();
  client?.close();
  await Promise.all([etcd?.[Symbol.asyncDispose](), nameServer?.[Symbol.asyncDispose]()]);
});

const start = (limits: Readonly<Record<string, number>> = {}): Promise<RouterUnderTest> =>
  startRouter({ nameServer: nameServer.address, etcd: etcd.endpoints }, { limits });

async function routeOf(router: RouterUnderTest, topic: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://${router.http}/v1/topics/${topic}/route?idc=${ownIdc}`, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function metric(router: RouterUnderTest, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`http://${router.http}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}

test(`${clients} watches and ${clients} waiting requests all hear of each change, and nothing else`, {
  timeout: 300_000,
}, async () => {
  await using router = await start();
  const options = { address: router.http, count: clients, topics, idc: ownIdc };
  const [watches, waits] = await Promise.all([openWatches(options), openWaits(options)]);
  const lastMs: number[] = [];
  for (let change = 0; change < changes; change += 1) {
    const isDrained = change % 2 === 0;
    const chosen = isDrained ? "idc2" : "idc1";
    const told = Promise.all([watches.next(chosen), waits.next(chosen)]);
    const startedAt = performance.now();
    await wishes.drain(isDrained);
    const [watched, waited] = await told;
    lastMs.push(performance.now() - startedAt);
    expect([watched.wrong, waited.wrong]).toEqual([0, 0]);
  }
  console.log(`${2 * clients} clients heard of a change after ${lastMs.map((ms) => Math.round(ms)).join(", ")} ms`);
  expect(Math.max(...lastMs)).toBeLessThan(toldMsMax);
  expect(await metric(router, /^idc_router_subscribers\{kind="watch".*\} (\d+)/m)).toBe(clients);
  watches.close();
  waits.close();
  for (const kind of ["watch", "wait"]) {
    const count = new RegExp(`^idc_router_subscribers\\{kind="${kind}".*\\} (\\d+)`, "m");
    await eventually(async () => expect(await metric(router, count)).toBe(0), usually);
  }
});

test("watches whose clients do not read are ended at bufferedBytesMax, and others hear of each change meanwhile", {
  timeout: 120_000,
}, async () => {
  const deaf = 20;
  await using router = await start({ bufferedBytesMax: 65_536 });
  const watches = await openWatches({ address: router.http, count: 100, topics, idc: ownIdc });
  const ended = new Set<number>();
  const deafSockets: Socket[] = [];
  for (let nth = 0; nth < deaf; nth += 1) {
    const socket = await dial(router.http);
    socket.write(`GET /v1/watch?topics=${topics.join(",")}&idc=${ownIdc} HTTP/1.1\r\nHost: x\r\n\r\n`);
    // Nobody reads: the kernel's buffers fill, then the router's. Its end is an error of the connection, or seen by whoever reads on.
    socket.pause();
    socket.once("close", () => ended.add(nth));
    deafSockets.push(socket);
  }
  const count = /^idc_router_subscribers\{kind="watch".*\} (\d+)/m;
  await eventually(async () => expect(await metric(router, count)).toBe(100 + deaf), usually);
  const slow = /^idc_router_slow_subscribers_total\{.*\} (\d+)/m;
  const lastMs: number[] = [];
  for (let change = 0; (await metric(router, slow)) < deaf; change += 1) {
    expect(change).toBeLessThan(200);
    const isDrained = change % 2 === 0;
    const told = watches.next(isDrained ? "idc2" : "idc1");
    const startedAt = performance.now();
    await wishes.drain(isDrained);
    expect((await told).wrong).toBe(0);
    lastMs.push(performance.now() - startedAt);
  }
  console.log(`${deaf} were ended within ${lastMs.length} changes; the others heard within ${Math.max(...lastMs)} ms`);
  expect(Math.max(...lastMs)).toBeLessThan(toldMsMax);
  await eventually(async () => expect(await metric(router, count)).toBe(100), usually);
  for (const socket of deafSockets) socket.resume();
  await eventually(() => expect(ended.size).toBe(deaf), usually);
  watches.close();
  await wishes.drain(false);
});

test("a client that asks for routes and never reads them loses its connection, and others are served", async () => {
  await using router = await start();
  const other = await connect(router);
  const request = encodeGetRouteInfoRequest({ topic: topics[0] ?? "" });
  const first = await other.ask(request, call);
  const socket = await dial(router.door);
  socket.pause();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  let isOpen = true;
  void closed.then(() => {
    isOpen = false;
  });
  const frame = { ...request, ...envelope };
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => encodeFrame(frame, frameLimits)));
  for (let round = 0; isOpen && round < 1_000; round += 1) {
    socket.write(many);
    expect((await other.ask(request, call)).body).toEqual(first.body);
    await delay(1);
  }
  socket.resume();
  await closed;
  expect(await metric(router, /^idc_router_door_ended_total\{.*why="slow".*\} (\d+)/m)).toBe(1);
  other.close();
});

describe("too much", () => {
  test("is answered with 503 and Retry-After; when a client goes there is room again", async () => {
    await using router = await start({ subscribersMax: 50 });
    const options = { address: router.http, topics, idc: ownIdc };
    const watches = await openWatches({ ...options, count: 25 });
    const waits = await openWaits({ ...options, count: 25 });
    const full = /^idc_router_subscribers\{kind="wait".*\} (\d+)/m;
    await eventually(async () => expect(await metric(router, full)).toBe(25), usually);
    const { headers } = await routeOf(router, "t0");
    const waiting = `http://${router.http}/v1/topics/t0/route?idc=${ownIdc}&wait=30s`;
    for (const url of [waiting, `http://${router.http}/v1/watch?topics=t0`]) {
      const refused = await fetch(url, { headers: { "if-none-match": headers.get("etag") ?? "" } });
      expect(refused.status).toBe(503);
      expect(refused.headers.get("retry-after")).toBe("1");
      expect(await refused.json()).toMatchObject({ error: { code: "RTR_OVERLOADED" } });
    }
    // Who only asks is served.
    expect((await routeOf(router, "t0")).status).toBe(200);
    waits.close();
    await eventually(async () => expect(await metric(router, full)).toBe(0), usually);
    await eventually(async () => {
      const again = await openWatches({ ...options, count: 20 });
      again.close();
    }, usually);
    watches.close();
  });

  test("held up for seconds, it sends who asks for a route away with 503, answers health, and has caught up soon", async () => {
    await using router = await start();
    expect((await routeOf(router, "t0")).status).toBe(200);
    router.process.stop();
    await delay(3_000);
    router.process.signal("SIGCONT");
    await eventually(
      async () => {
        const { status, headers } = await routeOf(router, "t0");
        expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
      },
      { withinMs: 5_000, everyMs: 1 },
    );
    expect((await fetch(`http://${router.http}/livez`)).status).toBe(200);
    await eventually(async () => expect((await routeOf(router, "t0")).status).toBe(200), usually);
  });
});

test("started again with every source away, both doors answer what they answered before", {
  timeout: 120_000,
}, async () => {
  await using router = await start();
  const asked = await Promise.all(topics.map((topic) => routeOf(router, topic)));
  expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]));
  const before = await bodies(router);
  const brokersOf = (text: string): unknown => {
    const { brokers, decision } = JSON.parse(text) as RouteReport;
    return { brokers, chosen: decision.idc };
  };
  // The last good table is written once a second.
  await delay(1_500);
  for (const member of etcd.members) member.stop();
  nameServer.process.stop();
  try {
    await router.restart();
    expect((await fetch(`http://${router.http}/readyz`)).status).toBe(200);
    const again = await Promise.all(topics.map((topic) => routeOf(router, topic)));
    expect(again.map(({ text }) => brokersOf(text))).toEqual(asked.map(({ text }) => brokersOf(text)));
    expect(await bodies(router)).toEqual(before);
  } finally {
    for (const member of etcd.members) member.cont();
    nameServer.process.signal("SIGCONT");
  }
});

const call = { timeoutMs: 20_000, signal: stop.signal };
const envelope = {
  ...{ opaque: 1, language: "JAVA", version: 479, isResponse: false, isOneway: false },
  serialize: "json",
} as const;

async function connect({ door }: RouterUnderTest): Promise<RemotingClient> {
  const [host = "", port = ""] = door.split(":");
  const options = { host, port: Number(port), connectTimeoutMs: call.timeoutMs, clock: systemClock };
  return await connectRemoting({ ...options, signal: stop.signal });
}

async function bodies(router: RouterUnderTest): Promise<string[]> {
  const connection = await connect(router);
  const answers = await Promise.all(topics.map((topic) => connection.ask(encodeGetRouteInfoRequest({ topic }), call)));
  connection.close();
  return answers.map(({ body }) => Buffer.from(body).toString());
}
