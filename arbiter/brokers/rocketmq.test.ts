import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { requestCodes } from "#lib/remoting/codes.ts";
import { createConnections } from "#lib/remoting/connections.ts";
import { RemotingError } from "#lib/remoting/errors.ts";
import { encodeGetBrokerEpochCacheRequest } from "#lib/remoting/records/get-broker-epoch-cache.ts";
import { createManualClock } from "#lib/zookeeper/testing/manual-clock.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { probeBroker } from "./rocketmq/probe.ts";
import { signRequest } from "./rocketmq/signature.ts";
import { createRocketmqPort } from "./rocketmq.ts";
import { startFakeBroker, startFakeNameServer } from "./testing/fake-broker.ts";

const { signal } = new AbortController();
const options = { timeoutMs: 2_000, signal };
const demoted = { id: 2, info: { master: 1, address: "127.0.0.1:1", epoch: 8, inSync: [1], inSyncEpoch: 8 } };

test("calls to one broker share a connection", async () => {
  await using broker = await startFakeBroker();
  await using port = openPort();
  await port.settings(broker.address, options);
  await Promise.all([port.probe(broker.address, options), port.settings(broker.address, options)]);
  expect(broker.connections).toBe(1);
});

test("a broker that was restarted is asked over a new connection, without delay", async () => {
  const before = await startFakeBroker();
  await using port = openPort();
  await port.probe(before.address, options);
  await before.stop();
  await using after = await startFakeBroker(before.address);
  after.epoch = 9;
  expect(await port.probe(after.address, options)).toMatchObject({ kind: "answered", reading: { epoch: 9 } });
});

test("a kept connection whose other end is gone without a word does not make a living broker silent", async () => {
  await using broker = await startFakeBroker();
  await using relay = await startRelay(broker.address);
  await using port = openPort();
  await port.probe(relay.address, options);
  relay.forget();
  expect(await port.probe(relay.address, { timeoutMs: 1_000, signal })).toMatchObject({ kind: "answered" });
  expect(relay.accepted).toBe(2);
});

test("a connection that is reset twice is silence, not a refusal", async () => {
  let accepted = 0;
  await using server = await listen((socket) => {
    accepted += 1;
    socket.once("data", () => socket.resetAndDestroy());
  });
  await using port = openPort();
  expect(await port.probe(server.address, options)).toMatchObject({ kind: "timedOut" });
  expect(accepted).toBe(2);
});

test("a process that ends while it is asked is refused: the second try finds nobody", async () => {
  await using server = await listen((socket) => {
    socket.once("data", () => {
      server.server.close();
      socket.resetAndDestroy();
    });
  });
  await using port = openPort();
  expect(await port.probe(server.address, options)).toMatchObject({ kind: "refused" });
});

test("bytes that make no sense are no answer, and no refusal", async () => {
  await using server = await listen((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  await using port = openPort();
  expect(await port.probe(server.address, options)).toMatchObject({ kind: "timedOut" });
});

test.for([
  new RemotingError("REMOTING_UNREACHABLE", "no", { cause: Object.assign(new Error("too many"), { code: "EMFILE" }) }),
  new RemotingError("REMOTING_BUSY", "a limit of our own"),
])("what this process itself lacks is no word about the broker: %s", async (error) => {
  const read = () => Promise.reject(error);
  const connections = { ask: read, read, async [Symbol.asyncDispose]() {} };
  await expect(probeBroker(connections, "a:1", options)).rejects.toBe(error);
});

test("a broker that is not in controller mode lives, and cannot be asked", async () => {
  await using broker = await startFakeBroker();
  broker.epochCacheCode = 1;
  await using port = openPort();
  expect(await port.probe(broker.address, options)).toMatchObject({ kind: "failed" });
});

test("a probe that goes unanswered does not cut the demotion that is under way", async () => {
  await using broker = await startFakeBroker();
  broker.acting = true;
  await using port = openPort();
  await port.probe(broker.address, options);
  const go = Promise.withResolvers<void>();
  broker.answerAfter = go.promise;
  const telling = port.notify(broker.address, demoted, { timeoutMs: 10_000, signal });
  await port.probe(broker.address, { timeoutMs: 100, signal });
  go.resolve();
  expect(await telling).toMatchObject({ answered: true });
});

describe("a broker that may have been started a moment ago", () => {
  test("is told nothing before it has registered: it would fail half-way, and ignore the epoch from then on", async () => {
    await using broker = await startFakeBroker();
    broker.settings.set("brokerRole", "ASYNC_MASTER");
    await using port = openPort();
    const told = await port.notify(broker.address, { ...demoted, mayBeNew: true }, options);
    expect(told).toEqual({ answered: false, detail: expect.stringContaining("has not registered yet") });
    expect(broker.asked).not.toContain(requestCodes.NOTIFY_BROKER_ROLE_CHANGED);
  });

  test("is told when it has a role", async () => {
    await using broker = await startFakeBroker();
    broker.acting = true;
    await using port = openPort();
    const told = await port.notify(broker.address, { ...demoted, mayBeNew: true }, options);
    expect(told).toMatchObject({ answered: true });
    expect(broker.acting).toBe(false);
  });
});

test("who sends heartbeats is not asked for its role before it is told", async () => {
  await using broker = await startFakeBroker();
  await using port = openPort();
  expect(await port.notify(broker.address, demoted, options)).toMatchObject({ answered: true });
  expect(broker.asked).not.toContain(requestCodes.GET_BROKER_CONFIG);
});

test("a demotion is sent once: a second one would be answered before the first has done its work", async () => {
  let requests = 0;
  await using server = await listen((socket) => {
    socket.on("data", () => {
      requests += 1;
      socket.resetAndDestroy();
    });
  });
  await using port = openPort();
  expect(await port.notify(server.address, demoted, options)).toMatchObject({ answered: false });
  expect(requests).toBe(1);
});

test("a broker is made to register with the permission that it has", async () => {
  await using broker = await startFakeBroker();
  await using port = openPort();
  await port.reregister(broker.address, options);
  expect(broker.updates).toEqual([new Map([["brokerPermission", "4"]])]);
});

test("settings of which one is missing are not guessed", async () => {
  await using broker = await startFakeBroker();
  broker.settings.delete("minInSyncReplicas");
  await using port = openPort();
  expect(await port.settings(broker.address, options)).toBeNull();
});

test("the canary's topic is created once", async () => {
  await using broker = await startFakeBroker();
  broker.acting = true;
  await using port = openPort();
  await port.canary(broker.address, "bs1", options);
  await port.canary(broker.address, "bs1", options);
  expect(broker.asked.filter((code) => code === requestCodes.UPDATE_AND_CREATE_TOPIC)).toHaveLength(1);
});

test("a canary that is stored and not replicated is not proof", async () => {
  await using broker = await startFakeBroker();
  broker.acting = true;
  broker.sendKind = "flushSlaveTimeout";
  await using port = openPort();
  expect(await port.canary(broker.address, "bs1", options)).toEqual({
    ok: false,
    detail: "stored, and not safe: flushSlaveTimeout",
  });
});

test.for([
  { shown: ["a:1", "a:1", "a:1"], routed: "a:1" },
  { shown: ["a:1", "b:1", "a:1"], routed: null },
  { shown: ["a:1", null, "a:1"], routed: null },
  { shown: [null, null], routed: null },
])("name servers that show $shown: routed is $routed", async ({ shown, routed }) => {
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(shown.map((master) => startFakeNameServer({ master })));
  for (const server of servers) stack.use(server);
  const port = stack.use(openPort(servers.map(({ address }) => address)));
  expect(await port.routedMaster("C1", "bs1", options)).toBe(routed);
});

test("a name server that is dead or silent has no say in the route, and does not hold it up", async () => {
  await using silent = await listen(() => {});
  await using server = await startFakeNameServer({ master: "a:1" });
  await using port = openPort([silent.address, "127.0.0.1:1", server.address]);
  const startedAt = performance.now();
  expect(await port.routedMaster("C1", "bs1", { timeoutMs: 10_000, signal })).toBe("a:1");
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("without a name server that answers the route is not known", async () => {
  await using port = openPort(["127.0.0.1:1"]);
  await expect(port.routedMaster("C1", "bs1", options)).rejects.toMatchObject({ code: "ARB_NAMESERVERS_SILENT" });
});

test("a hundred sets that ask for their routes at one time are answered by two rounds of asking", async () => {
  await using server = await startFakeNameServer({ master: "a:1" });
  await using port = openPort([server.address]);
  // The first round has begun when the others ask: it may know less than they want to know.
  const first = port.routedMaster("C1", "bs1", options);
  await Promise.resolve();
  const others = Array.from({ length: 100 }, () => port.routedMaster("C1", "bs1", options));
  expect(await Promise.all([first, ...others])).toEqual(Array.from({ length: 101 }, () => "a:1"));
  expect(server.asked).toBeLessThanOrEqual(2);
});

test("a route that is asked for after a round has begun is that of the next one", async () => {
  const shown = { master: "a:1" };
  await using server = await startFakeNameServer(shown);
  await using port = openPort([server.address]);
  const first = port.routedMaster("C1", "bs1", options);
  await eventually(() => expect(server.asked).toBe(1), { withinMs: 5_000, everyMs: 1 });
  shown.master = "b:1";
  const second = port.routedMaster("C1", "bs1", options);
  expect(await Promise.all([first, second])).toEqual(["a:1", "b:1"]);
});

test("a set of the same name in another cluster is another set", async () => {
  await using server = await startFakeNameServer({ master: "a:1", cluster: "C2" });
  await using port = openPort([server.address]);
  expect(await port.routedMaster("C1", "bs1", options)).toBeNull();
});

test("a connection that nobody uses is closed", async () => {
  await using broker = await startFakeBroker();
  const clock = createManualClock();
  await using connections = createConnections({ clock, prepare: (same) => same, connectionsMax: 2, idleMs: 60_000 });
  await connections.ask(broker.address, encodeGetBrokerEpochCacheRequest(), options);
  await clock.advance(59_000);
  expect(broker.connections).toBe(1);
  await clock.advance(31_000);
  await eventually(() => expect(broker.connections).toBe(0), { withinMs: 5_000 });
});

test("one connection too many pushes out the one unused for longest", async () => {
  await using stack = new AsyncDisposableStack();
  const [one, two, three] = await Promise.all([startFakeBroker(), startFakeBroker(), startFakeBroker()]);
  for (const broker of [one, two, three]) stack.use(broker);
  const connections = stack.use(
    createConnections({ clock: systemClock, prepare: (same) => same, connectionsMax: 2, idleMs: 60_000 }),
  );
  for (const { address } of [one, two, one, three]) {
    await connections.ask(address, encodeGetBrokerEpochCacheRequest(), options);
  }
  await eventually(() => expect([one, two, three].map((broker) => broker.connections)).toEqual([1, 0, 1]), {
    withinMs: 5_000,
  });
});

test("when the port is closed, so are its connections", async () => {
  await using broker = await startFakeBroker();
  const port = openPort();
  await port.probe(broker.address, options);
  await port[Symbol.asyncDispose]();
  await eventually(() => expect(broker.connections).toBe(0), { withinMs: 5_000 });
  await expect(port.probe(broker.address, options)).rejects.toThrow();
});

test("a request is signed over its fields in the order of their names, then its body", () => {
  const request = { code: 25, fields: { b: "two", a: "one" }, body: Buffer.from("body") };
  const signed = signRequest(request, { accessKey: "user", secretKey: "secret" });
  // printf 'useronetwobody' | openssl dgst -sha1 -hmac secret -binary | base64
  expect(signed.fields).toEqual({ a: "one", b: "two", AccessKey: "user", Signature: "hU3DE4PpRuB0xK/9mtxMs81McsE=" });
  expect(signed.body).toBe(request.body);
});

function openPort(nameservers: readonly string[] = []) {
  return createRocketmqPort({ nameservers, canaryTopic: "crossidc-canary", clock: systemClock, log: silentLogger });
}

async function listen(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A way that can lose what it carries: connections made before forget() pass nothing on, and nobody is told. */
async function startRelay(target: string) {
  let forgotten = 0;
  let accepted = 0;

  const { address, [Symbol.asyncDispose]: close } = await listen((socket) => {
    accepted += 1;
    const number = accepted;
    const [host = "", port = ""] = target.split(":");
    const onward = connect({ host, port: Number(port) });
    onward.on("error", () => {});
    socket.on("data", (chunk) => number > forgotten && onward.write(chunk));
    onward.on("data", (chunk) => number > forgotten && socket.write(chunk));
    socket.on("close", () => onward.destroy());
  });
  return {
    address,
    get accepted() {
      return accepted;
    },
    forget: () => {
      forgotten = accepted;
    },
    [Symbol.asyncDispose]: close,
  };
}
