import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes, resultCodes } from "#lib/remoting/codes.ts";
import { connectRemoting, type RemotingClient } from "#lib/remoting/connection.ts";
import type { Frame } from "#lib/remoting/frame.ts";
import { encodeFrame, frameLimits } from "#lib/remoting/frame.ts";
import { request, success } from "#lib/remoting/message.ts";
import { decodeGetRouteInfoResponse, encodeGetRouteInfoRequest } from "#lib/remoting/records/get-route-info.ts";
import type { RemotingServer } from "#lib/remoting/server-options.ts";
import { cluster, type TestRouter, twoSets } from "../core/router.fixture.ts";
import { openDoor } from "./door.ts";
import { createSlots } from "./slots.ts";

/** The door over a real socket, on a table that the test changes. */

const idcs = ["idc1", "idc2"];
const clusters = [cluster, "C2"];
const call = { timeoutMs: 5_000, signal: AbortSignal.timeout(60_000) };

let router: TestRouter;
let door: RemotingServer<unknown>;
let client: RemotingClient;
let idc: string;
let outcomes: string[];
let lookedUp: string[];
let stop: AbortController;

beforeEach(async () => {
  router = twoSets({ clusters });
  idc = "idc1";
  outcomes = [];
  lookedUp = [];
  stop = new AbortController();
  const orderOf = (own: string): string[] => [own, ...idcs.filter((each) => each !== own)];
  door = await openDoor({
    listen: "127.0.0.1:0",
    connectionsMax: 100,
    requestsPerSecond: 100_000,
    slots: createSlots({
      table: () => router.table,
      answers: { rules: [], orderOf, clusters },
      wallTime: () => 0,
      slotsMax: 100,
    }),
    callerIdc: () => idc,
    async lookUp(topic) {
      lookedUp.push(topic);
      if (topic === "late") router.topic("late", "bs2");
      return topic !== "silent";
    },
    passOn: async (frame): Promise<Frame> => ({
      ...frame,
      ...success({ passed: String(frame.code) }),
      isResponse: true,
    }),
    onAnswer: (outcome) => void outcomes.push(outcome),
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
  client = await connect1();
});

afterEach(async () => {
  stop.abort();
  await door.close();
});

async function connect1(): Promise<RemotingClient> {
  const port = Number(door.address.split(":")[1]);
  return await connectRemoting({
    host: "127.0.0.1",
    port,
    connectTimeoutMs: 5_000,
    clock: systemClock,
    signal: stop.signal,
  });
}

async function permsOf(topic: string, from = client): Promise<Record<string, number>> {
  const route = decodeGetRouteInfoResponse(await from.ask(encodeGetRouteInfoRequest({ topic }), call));
  return Object.fromEntries(route?.queues.map(({ brokerName, perm }) => [brokerName, perm]) ?? []);
}

test("a client sees its own IDC's sets writable, the others to be read, by the IDC of its connection", async () => {
  expect(await permsOf("orders")).toEqual({ bs1: 6, bs2: 4 });
  idc = "idc2";
  expect(await permsOf("orders", await connect1())).toEqual({ bs1: 4, bs2: 6 });
  expect(await permsOf("orders")).toEqual({ bs1: 6, bs2: 4 });
  expect(outcomes).toEqual(["served", "served", "served"]);
});

test("an answer follows the table, and addresses with it", async () => {
  await permsOf("orders");
  router.show({ bs1: null, bs2: "idc2:7" });
  const route = decodeGetRouteInfoResponse(await client.ask(encodeGetRouteInfoRequest({ topic: "orders" }), call));
  expect(route?.queues.map(({ perm }) => perm)).toEqual([4, 6]);
  expect(route?.brokers.map(({ addresses }) => addresses.get(0))).toEqual([undefined, "idc2:7"]);
});

test("when nobody is there the last master stands in the answer, so that a producer has somebody to try (I9)", async () => {
  router.show({ bs1: null });
  const route = decodeGetRouteInfoResponse(await client.ask(encodeGetRouteInfoRequest({ topic: "orders" }), call));
  expect(route?.brokers.map(({ brokerName, addresses }) => [brokerName, addresses.get(0)])).toEqual([
    ["bs1", "idc1:1"],
  ]);
  expect(route?.queues.map(({ perm }) => perm)).toEqual([6]);
});

test("a client whose address is behind the topic's gate is led to its cluster, and back when the gate is gone", async () => {
  const queues = [{ set: "bs9", perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 }];
  const sets = new Map([["bs9", new Map([[0, "idc1:9"]])]]);
  const seen = { orderConf: null, staticBody: null, queues };
  router.tell(
    { kind: "brokers", cluster: "C2", nameServer: "ns2:1", askedAt: router.now, sets },
    { kind: "topic", cluster: "C2", topic: "orders", askedAt: router.now, seen },
  );
  const gate = (zxid: bigint, ...ips: string[]) =>
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster, gate: { cluster: "C2", ips }, zxid }] });
  gate(1n, "10.1.0.4");
  expect(Object.keys(await permsOf("orders"))).toEqual(["bs1", "bs2"]);
  gate(2n, "127.0.0.1");
  expect(Object.keys(await permsOf("orders"))).toEqual(["bs9"]);
  router.tell({ kind: "homes", homes: [{ topic: "orders", cluster, zxid: 3n }] });
  expect(Object.keys(await permsOf("orders"))).toEqual(["bs1", "bs2"]);
});

test("a static topic is passed on as it came", async () => {
  const staticBody = '{"brokerDatas":[],"queueDatas":[],"topicQueueMappingByBroker":{"bs1":{"x":1}}}';
  const queues = [{ set: "bs1", perm: 6, readQueues: 1, writeQueues: 1, topicSysFlag: 0 }];
  const seen = { orderConf: null, staticBody, queues };
  router.tell({ kind: "topic", cluster, topic: "mapped", askedAt: router.now, seen });
  const answer = await client.ask(encodeGetRouteInfoRequest({ topic: "mapped" }), call);
  expect(Buffer.from(answer.body).toString()).toBe(staticBody);
});

test("an unknown topic is looked up, and answered with 17 when nobody knows it, and with an error when nobody answers", async () => {
  expect(await permsOf("late")).toEqual({ bs2: 6 });
  const answer = await client.ask(encodeGetRouteInfoRequest({ topic: "none" }), call);
  expect(answer.code).toBe(resultCodes.TOPIC_NOT_EXIST);
  const silent = await client.ask(encodeGetRouteInfoRequest({ topic: "silent" }), call);
  expect(silent.code).toBe(resultCodes.SYSTEM_ERROR);
  expect(lookedUp).toEqual(["late", "none", "silent"]);
});

test("reads are passed on, and what would change a name server is refused", async () => {
  const passed = await client.ask(request(requestCodes.GET_BROKER_CLUSTER_INFO), call);
  expect(passed.fields).toEqual({ passed: "106" });
  for (const code of [requestCodes.REGISTER_BROKER, requestCodes.UNREGISTER_BROKER, 100, 102, 205, 318, 4_711]) {
    expect((await client.ask(request(code), call)).code).toBe(resultCodes.REQUEST_CODE_NOT_SUPPORTED);
  }
});

test("a request without a topic is answered with an error, and the connection lives", async () => {
  expect((await client.ask(request(requestCodes.GET_ROUTEINFO_BY_TOPIC), call)).code).toBe(resultCodes.SYSTEM_ERROR);
  expect(await permsOf("orders")).toEqual({ bs1: 6, bs2: 4 });
});

test("ten thousand random frames and bytes end nothing but their own connections", async () => {
  const port = Number(door.address.split(":")[1]);
  const frames = fc.record({
    code: fc.oneof(fc.constantFrom(105, 106, 206, 901, 103), fc.integer({ min: 0, max: 32_767 })),
    opaque: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fields: fc.dictionary(fc.constantFrom("topic", "cluster", "x", "__proto__"), fc.string({ maxLength: 20 }), {
      maxKeys: 3,
    }),
    serialize: fc.constantFrom("json" as const, "rocketmq" as const),
    isOneway: fc.boolean(),
    body: fc.uint8Array({ maxLength: 40 }),
  });
  const bytes = fc.oneof(
    {
      weight: 20,
      arbitrary: frames.map((frame) =>
        encodeFrame({ ...frame, language: "JAVA", version: 479, isResponse: false }, frameLimits),
      ),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((raw) => Buffer.from(raw)) },
  );
  const runs = 100;
  const samples = fc.sample(fc.array(bytes, { minLength: 100, maxLength: 100, size: "max" }), runs);
  for (const sample of samples) {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "connect");
    socket.end(Buffer.concat(sample));
    await once(socket, "close");
  }
  expect(await permsOf("orders")).toEqual({ bs1: 6, bs2: 4 });
}, 120_000);
