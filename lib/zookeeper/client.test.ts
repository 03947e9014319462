import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../log.ts";
import { createZooKeeper } from "./client.ts";
import type { ZooKeeperOptions } from "./options.ts";
import { decodeAddWatchRequest } from "./records/add-watch.ts";
import { decodeAuthRequest } from "./records/auth.ts";
import { encodeGetDataResponse } from "./records/get-data.ts";
import { encodeMultiResponse } from "./records/multi.ts";
import { opcodes, xids } from "./records/opcodes.ts";
import { decodePathRequest } from "./records/path-request.ts";
import { decodeSetWatches2Request } from "./records/set-watches2.ts";
import { encodeWatcherEvent } from "./records/watcher-event.ts";
import { type FakeServer, type FakeServerScript, grant, reply, startFakeServer } from "./testing/fake-server.ts";
import { createManualClock } from "./testing/manual-clock.ts";
import type { SessionState, Stat, WatchEvent, Zxid } from "./zookeeper.ts";

const sessionTimeoutMs = 9_000;
const connectTimeoutMs = 1_000;
const stat: Stat = {
  czxid: 1n as Zxid,
  mzxid: 1n as Zxid,
  pzxid: 1n as Zxid,
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
};

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function serve(script?: FakeServerScript): Promise<FakeServer> {
  const server = await startFakeServer(script);
  open.push(server);
  return server;
}

/** A client with a clock that stands still, its server, and all it tells. */
function connect(servers: readonly FakeServer[], options: Partial<ZooKeeperOptions> = {}) {
  const clock = createManualClock();
  const life = new AbortController();
  const states: SessionState[] = [];
  const events: WatchEvent[] = [];
  const errors: object[] = [];
  const zk = createZooKeeper({
    servers: servers.map((server) => server.address),
    sessionTimeoutMs,
    connectTimeoutMs,
    auth: [],
    clock,
    random: () => 0.999,
    log: { ...silentLogger, error: (fields) => errors.push(fields) },
    limits: { closeReplyMs: 0 },
    signal: life.signal,
    onState: (state) => states.push(state),
    onWatch: (event) => events.push(event),
    ...options,
  });
  open.push({
    async [Symbol.asyncDispose]() {
      const closed = zk.close();
      await clock.advance(sessionTimeoutMs * 2);
      await closed;
    },
  });
  const signal = AbortSignal.timeout(15_000);
  return { zk, clock, life, states, events, errors, options: { signal }, signal };
}

test("a request before the first connection fails at once", async () => {
  const server = await serve({ connect: () => "hangUp" });
  const { zk, options } = connect([server]);
  await expect(zk.getData("/a", options)).rejects.toThrow("Cannot read /a: connectionLoss (-4): not connected");
});

test("credentials go out before everything else, then watches, then requests, on every connection", async () => {
  const log: string[] = [];
  const server = await serve({
    reply: ({ xid, opcode }, body) => {
      if (opcode === opcodes.auth) log.push(`auth ${decodeAuthRequest(body).scheme}`);
      if (opcode === opcodes.addWatch) log.push(`addWatch ${decodeAddWatchRequest(body).path}`);
      if (opcode === opcodes.setWatches2) {
        const { persistent, persistentRecursive } = decodeSetWatches2Request(body);
        log.push(`setWatches2 ${persistent.join()} ${persistentRecursive.join()}`);
      }
      if (opcode === opcodes.sync) log.push("sync");
      return reply({ xid });
    },
  });
  const auth = ["digest", "ip"].map((scheme) => ({ scheme, credential: Buffer.from("user:secret") }));
  const { zk, options, signal, states, clock } = connect([server], { auth, chroot: "/dc" });
  await zk.connected(options);
  await zk.addWatch("/a", { recursive: true, signal });
  await zk.addWatch("/b", { recursive: false, signal });
  await clock.advance(5_000);
  const again = untilState(zk.connected, states, "connecting");
  server.dropConnections();
  await again;
  await zk.sync("/", options);
  expect(log).toEqual([
    "auth digest",
    "auth ip",
    "addWatch /dc/a",
    "addWatch /dc/b",
    "auth digest",
    "auth ip",
    "setWatches2 /dc/b /dc/a",
    "sync",
  ]);
  expect(states.map((state) => state.kind === "connected" && state.resumed)).toEqual([false, false, true]);
});

/** Resolves when connected again after a state of that kind was told. */
async function untilState(
  connected: (options: { signal: AbortSignal }) => Promise<void>,
  states: readonly SessionState[],
  kind: SessionState["kind"],
): Promise<void> {
  const signal = AbortSignal.timeout(15_000);
  await expect.poll(() => states.some((state) => state.kind === kind), { timeout: 15_000, interval: 5 }).toBe(true);
  await connected({ signal });
}

test("refused credentials close the client for good", async () => {
  const server = await serve({ reply: ({ xid }) => reply({ xid, err: -115 }) });
  const { zk, options, states } = connect([server], { auth: [{ scheme: "nix", credential: Buffer.from("secret") }] });
  await expect(zk.connected(options)).rejects.toThrow("Cannot authenticate by scheme nix: authFailed (-115)");
  expect(states.at(-1)).toEqual({ kind: "closed", reason: "Cannot authenticate by scheme nix: authFailed (-115)" });
  await expect(zk.sync("/", options)).rejects.toThrow("the client is closed");
});

test("an expired session is replaced by a new one with the same watches", async () => {
  let expire = false;
  const armed: string[] = [];
  const server = await serve({
    connect: (request) => {
      const isExpired = expire && request.sessionId !== 0n;
      return isExpired ? { ...grant(request), sessionTimeoutMs: 0, sessionId: 0n } : grant(request);
    },
    reply: ({ xid, opcode }, body) => {
      if (opcode === opcodes.setWatches2) armed.push(...decodeSetWatches2Request(body).persistentRecursive);
      return reply({ xid });
    },
  });
  const { zk, options, signal, states, clock } = connect([server]);
  await zk.connected(options);
  await zk.addWatch("/a", { recursive: true, signal });
  await clock.advance(5_000);
  expire = true;
  const again = untilState(zk.connected, states, "connecting");
  server.dropConnections();
  await again;
  expect(server.connects.map((request) => request.sessionId === 0n)).toEqual([true, false, true]);
  expect(armed).toEqual(["/a"]);
  expect(states.map((state) => state.kind)).toEqual(["connected", "connecting", "connecting", "connected"]);
  expect(states.at(-2)).toEqual({ kind: "connecting", reason: "the session has expired" });
  expect(states.at(-1)).toMatchObject({ resumed: false });
});

test("a server that falls silent is left after two thirds of the session timeout, and what was in flight fails", async () => {
  const server = await serve({ reply: () => undefined, answerPings: false });
  const { zk, options, clock, states } = connect([server]);
  await zk.connected(options);
  const lost = expect(zk.getData("/a", options)).rejects.toThrow(
    "connectionLoss (-4): the server was silent for 6000 ms",
  );
  await clock.advance(5_999);
  expect(states.at(-1)?.kind).toBe("connected");
  await clock.advance(2);
  await lost;
  expect(states[1]).toMatchObject({ kind: "connecting", reason: expect.stringContaining("silent for 6000 ms") });
});

test("the state has changed before the requests that were lost with the connection are told", async () => {
  const server = await serve({ reply: () => undefined });
  const { zk, options } = connect([server]);
  await zk.connected(options);
  const stateAtLoss = zk.getData("/a", options).catch(() => zk.state.kind);
  server.dropConnections();
  expect(await stateAtLoss).toBe("connecting");
});

test("a server that hangs up on the connect request is said to be perhaps behind us", async () => {
  const server = await serve({ connect: () => "hangUp" });
  const { states } = connect([server], { lastZxidSeen: 0x5_0000_0001n as Zxid });
  await expect.poll(() => states.length, { interval: 5 }).toBe(1);
  expect(states[0]).toMatchObject({ reason: expect.stringContaining("perhaps its zxid is behind ours (0x500000001)") });
  expect(server.connects[0]?.lastZxidSeen).toBe(0x5_0000_0001n);
});

test("the highest zxid any reply has shown is asked for at the next connect", async () => {
  const server = await serve({ reply: ({ xid }) => reply({ xid, zxid: 77n }) });
  const { zk, options, clock, states } = connect([server], { lastZxidSeen: 70n as Zxid });
  await zk.connected(options);
  await zk.sync("/", options);
  expect(zk.lastZxid).toBe(77n);
  await clock.advance(5_000);
  const again = untilState(zk.connected, states, "connecting");
  server.dropConnections();
  await again;
  expect(server.connects.map((request) => request.lastZxidSeen)).toEqual([70n, 77n]);
});

test("servers that hang up for as long as a session lasts are asked for a new one, as if nothing had been seen", async () => {
  let wiped = false;
  const server = await serve({
    connect: (request) => (wiped && request.lastZxidSeen > 0n ? "hangUp" : grant(request)),
    reply: ({ xid }) => reply({ xid, zxid: wiped ? 3n : 77n }),
  });
  const { zk, options, clock, states } = connect([server]);
  await zk.connected(options);
  await zk.sync("/", options);
  await clock.advance(5_000);
  wiped = true;
  server.dropConnections();
  await expect.poll(() => zk.state.kind, { interval: 2 }).toBe("connecting");
  let ms = 0;
  const passTime = async () => {
    ms += 100;
    await clock.advance(100);
    return zk.state.kind;
  };
  await expect.poll(passTime, { interval: 2, timeout: 15_000 }).toBe("connected");
  expect(ms).toBeGreaterThanOrEqual(sessionTimeoutMs);
  expect(states.at(-1)).toMatchObject({ kind: "connected", resumed: false });
  const asked = server.connects
    .slice(1)
    .map(({ lastZxidSeen, sessionId }) => ({ lastZxidSeen, isNew: sessionId === 0n }));
  expect(asked.slice(0, -1)).toEqual(asked.slice(0, -1).map(() => ({ lastZxidSeen: 77n, isNew: false })));
  expect(asked.at(-1)).toEqual({ lastZxidSeen: 0n, isNew: true });
  await zk.sync("/", options);
  expect(zk.lastZxid).toBe(3n);
});

test("servers that cannot be reached are no reason to forget what was seen", async () => {
  const server = await serve();
  const { zk, options, clock, states } = connect([server], { lastZxidSeen: 70n as Zxid });
  await zk.connected(options);
  const gone = server.address;
  await server[Symbol.asyncDispose]();
  open.splice(open.indexOf(server), 1);
  await expect.poll(() => clock.advance(1_000).then(() => clock.now()), { interval: 2 }).toBeGreaterThan(30_000);
  expect(states.at(-1)).toMatchObject({ kind: "connecting", reason: expect.stringContaining(gone) });
  expect(zk.lastZxid).toBe(70n);
});

test("after all servers failed, the next round waits; a server that answers in it is used", async () => {
  let serving = false;
  const server = await serve({ connect: (request) => (serving ? grant(request) : "hangUp") });
  const { zk, clock, options, states } = connect([server]);
  await expect.poll(() => states.length, { interval: 5 }).toBe(1);
  expect(server.connects).toHaveLength(1);
  serving = true;
  await clock.advance(50);
  await zk.connected(options);
  expect(server.connects).toHaveLength(2);
});

test("a server that fails in the same way round after round is told of once", async () => {
  const server = await serve({ connect: () => "hangUp" });
  const { clock, states } = connect([server], { connectTimeoutMs: Number.MAX_SAFE_INTEGER });
  const passTime = () => clock.advance(2_000).then(() => server.connects.length);
  await expect.poll(passTime, { interval: 5, timeout: 15_000 }).toBeGreaterThan(5);
  expect(states).toHaveLength(1);
});

test("a server that accepts and never answers is left when the connect timeout is over", async () => {
  const silent = await serve({ connect: () => "silence" });
  const other = await serve();
  const { zk, clock, options, states } = connect([silent, other]);
  await clock.advance(connectTimeoutMs);
  await zk.connected(options);
  expect(states[0]).toMatchObject({
    reason: expect.stringContaining("no answer to the connect request within 1000 ms"),
  });
  expect(zk.state).toMatchObject({ server: other.address });
});

test("events are told in the order of the wire, before a reply that came after them, and without the chroot", async () => {
  const told: string[] = [];
  const server = await serve({
    reply: ({ xid }) =>
      Buffer.concat([
        event("created", "/dc/a", 5n),
        event("deleted", "/elsewhere/b", 6n),
        event("dataChanged", "/dc", -1n),
        reply({ xid }),
      ]),
  });
  const { zk, options } = connect([server], {
    chroot: "/dc",
    onWatch: ({ kind, path, zxid }) => told.push(`${kind} ${path} ${zxid}`),
  });
  await zk.connected(options);
  await zk.sync("/", options).then(() => told.push("reply"));
  expect(told).toEqual(["created /a 5", "dataChanged / undefined", "reply"]);
});

function event(kind: WatchEvent["kind"], path: string, zxid: bigint): Buffer {
  return reply({ xid: xids.notification, zxid }, (writer) => encodeWatcherEvent(writer, { kind, path }));
}

test.each([
  { fault: "a reply to something else", bytes: (xid: number) => reply({ xid: xid + 1, zxid: 9_999n }) },
  { fault: "a reply cut short", bytes: (xid: number) => reply({ xid }, (writer) => writer.i32(100)) },
  { fault: "a frame without a header", bytes: () => Buffer.from([0, 0, 0, 2, 1, 1]) },
  { fault: "a frame of negative length", bytes: () => Buffer.from([255, 0, 0, 0]) },
  { fault: "a watch event of no known kind", bytes: () => reply({ xid: -1 }, (writer) => writer.i64(0n)) },
])("$fault drops the connection, loses what is in flight, and is logged loudly", async ({ bytes }) => {
  const server = await serve({ reply: ({ xid }) => bytes(xid) });
  const { zk, options, errors, states } = connect([server]);
  await zk.connected(options);
  const lost = await Promise.allSettled([zk.getData("/a", options), zk.getData("/b", options)]);
  expect(lost.map((each) => each.status === "rejected" && each.reason.is("connectionLoss"))).toEqual([true, true]);
  expect(errors).toHaveLength(1);
  expect(states[1]).toMatchObject({ kind: "connecting", reason: expect.stringContaining("protocol error") });
  expect(zk.lastZxid).toBe(0n);
});

test("a peer that is no ZooKeeper at all is named as such", async () => {
  const server = await serve({ connect: (request) => ({ ...grant(request), sessionTimeoutMs: 0 }) });
  const { states } = connect([server]);
  await expect.poll(() => states.length, { interval: 5 }).toBe(1);
  expect(states[0]).toMatchObject({ reason: expect.stringContaining("protocol error") });
});

test("a request given up in flight rejects at once, and its reply does not go to another", async () => {
  const held: number[] = [];
  const server = await serve({
    reply: ({ xid, opcode }, body) => {
      if (opcode !== opcodes.getData) return reply({ xid });
      const path = decodePathRequest(body);
      if (path === "/held") held.push(xid);
      else return Buffer.concat([...held.splice(0).map((each) => data(each, "/held")), data(xid, path)]);
      return undefined;
    },
  });
  const { zk, options } = connect([server]);
  await zk.connected(options);
  const giveUp = new AbortController();
  const given = expect(zk.getData("/held", { signal: giveUp.signal })).rejects.toThrow("enough");
  giveUp.abort(new Error("enough"));
  await given;
  const { data: read } = await zk.getData("/next", options);
  expect(Buffer.from(read ?? []).toString()).toBe("/next");
});

function data(xid: number, content: string): Buffer {
  return reply({ xid }, (writer) => encodeGetDataResponse(writer, { data: Buffer.from(content), stat }));
}

test("an answer over the limit fails its own request; the connection goes on with the next", async () => {
  const server = await serve({
    reply: ({ xid, opcode }, body) => {
      if (opcode !== opcodes.getData) return reply({ xid });
      const path = decodePathRequest(body);
      return data(xid, path === "/large" ? "x".repeat(2_000) : path);
    },
  });
  const { zk, options, states } = connect([server], { limits: { replyBytesMax: 1_000, closeReplyMs: 0 } });
  await zk.connected(options);
  const [large, small] = await Promise.allSettled([zk.getData("/large", options), zk.getData("/small", options)]);
  expect(large).toMatchObject({
    reason: { zkCode: -5, message: expect.stringMatching(/the answer has 2\d{3} bytes/) },
  });
  expect(small.status).toBe("fulfilled");
  expect(states.map(({ kind }) => kind)).toEqual(["connected"]);
});

test("requests over the window wait their turn; one given up while waiting is never sent", async () => {
  const held: number[] = [];
  const server = await serve({
    reply: ({ xid }) => {
      held.push(xid);
      return undefined;
    },
  });
  const { zk, options } = connect([server], { limits: { requestsInFlightMax: 2, closeReplyMs: 0 } });
  await zk.connected(options);
  const giveUp = new AbortController();
  const reads = ["/1", "/2", "/3", "/4"].map((path) =>
    zk.getData(path, path === "/3" ? { signal: giveUp.signal } : options),
  );
  const settled = Promise.allSettled(reads);
  await expect.poll(() => held.length, { interval: 5 }).toBe(2);
  giveUp.abort(new Error("enough"));
  for (const xid of held.splice(0)) server.send(data(xid, "x"));
  await expect.poll(() => held.length, { interval: 5 }).toBe(1);
  for (const xid of held.splice(0)) server.send(data(xid, "x"));
  expect((await settled).map((each) => each.status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(server.requests).toHaveLength(3);
});

test("a refused multi tells the operation that caused it, not those around it", async () => {
  const results = [0, 0, -110, -2].map((code) => ({ kind: "error" as const, code }));
  const server = await serve({ reply: ({ xid }) => reply({ xid }, (writer) => encodeMultiResponse(writer, results)) });
  const { zk, options } = connect([server]);
  await zk.connected(options);
  const ops = results.map((_result, i) => ({ kind: "delete" as const, path: `/${i}`, version: -1 }));
  expect(await zk.multi(ops, options)).toEqual({ kind: "refused", failedAt: 2, code: -110 });
});

test("a multi refused as a whole throws", async () => {
  const server = await serve({ reply: ({ xid }) => reply({ xid, err: -127 }) });
  const { zk, options } = connect([server]);
  await zk.connected(options);
  const ops = [{ kind: "delete" as const, path: "/a", version: -1 }];
  await expect(zk.multi(ops, options)).rejects.toThrow("1 operations at once, the first on /a: throttled (-127)");
});

test("a watch that the server does not know throws, and is not asked for again on the next connection", async () => {
  const server = await serve({ reply: ({ xid, opcode }) => reply({ xid, err: opcode === opcodes.addWatch ? -6 : 0 }) });
  const { zk, options, signal, clock, states } = connect([server]);
  await zk.connected(options);
  await expect(zk.addWatch("/a", { recursive: true, signal })).rejects.toThrow("unimplemented (-6)");
  await clock.advance(5_000);
  const again = untilState(zk.connected, states, "connecting");
  server.dropConnections();
  await again;
  expect(server.requests.map((request) => request.opcode)).toEqual([opcodes.addWatch]);
});

test("close waits for what is in flight, ends the session, and says so once", async () => {
  const server = await serve();
  const { zk, options, states } = connect([server], { limits: { closeReplyMs: 1_000 } });
  await zk.connected(options);
  const pending = zk.sync("/", options);
  const closed = Promise.all([zk.close(), zk.close(), zk[Symbol.asyncDispose]()]);
  await expect(zk.sync("/", options)).rejects.toThrow("the client is closing");
  await pending;
  await closed;
  expect(server.requests.map((request) => request.opcode)).toEqual([opcodes.sync, opcodes.closeSession]);
  expect(states.map((state) => state.kind)).toEqual(["connected", "closed"]);
});

test("close before the first connection works", async () => {
  const server = await serve({ connect: () => "hangUp" });
  const { zk, states, options } = connect([server]);
  const waiting = expect(zk.connected(options)).rejects.toThrow("the client is closed");
  await zk.close();
  await waiting;
  expect(states).toEqual([{ kind: "closed", reason: undefined }]);
});

test("aborting the client's signal ends it without waiting for what is in flight", async () => {
  const server = await serve({ reply: () => undefined });
  const { zk, options, life, clock } = connect([server]);
  await zk.connected(options);
  const lost = expect(zk.getData("/a", options)).rejects.toThrow("the client was closed");
  life.abort();
  await clock.advance(0);
  await lost;
  expect(zk.state).toEqual({ kind: "closed", reason: undefined });
});

test("connected rejects with the signal's reason when it is aborted first", async () => {
  const server = await serve({ connect: () => "hangUp" });
  const { zk } = connect([server]);
  const giveUp = new AbortController();
  const waiting = expect(zk.connected({ signal: giveUp.signal })).rejects.toThrow("enough");
  giveUp.abort(new Error("enough"));
  await waiting;
});
