import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../clock.ts";
import { silentLogger } from "../log.ts";
import { createManualClock } from "../zookeeper/testing/manual-clock.ts";
import { requestCodes, resultCodes } from "./codes.ts";
import { connectRemoting, type RemotingClient } from "./connection.ts";
import { encodeFrame, type Frame, frameLimits } from "./frame.ts";
import { createFrameStream } from "./frame-stream.ts";
import { notSupported, type RemotingAnswer, request, success } from "./message.ts";
import { decodeGetReplicaInfoRequest } from "./records/get-replica-info.ts";
import { listenRemoting } from "./server.ts";
import type { RemotingServer, RemotingServerOptions } from "./server-options.ts";

const signal = new AbortController().signal;
const answerMsMax = 5_000;

test("answers come back in the order in which they are ready, each to its request", async () => {
  const gates = new Map<string, PromiseWithResolvers<RemotingAnswer>>();
  const { client } = await serverAndClient({
    onRequest: ({ fields }) => gateOf(gates, fields["key"] ?? "").promise,
  });
  const order: string[] = [];
  const asked = ["a", "b", "c"].map(async (key) => {
    const { fields } = await ask(client, { key });
    order.push(fields["key"] ?? "");
    return fields["key"];
  });
  await until(() => gates.size === 3);
  for (const key of ["c", "a", "b"]) gateOf(gates, key).resolve(success({ key }));
  expect(await Promise.all(asked)).toEqual(["a", "b", "c"]);
  expect(order).toEqual(["c", "a", "b"]);
});

test("an answer has the request's number and kind of header", async () => {
  const { server } = await start({ onRequest: () => success({ a: "1" }) });
  const raw = await dial(server);
  for (const serialize of ["json", "rocketmq"] as const) {
    raw.socket.write(frame({ opaque: -7, serialize }));
    expect(await raw.next()).toMatchObject({ opaque: -7, serialize, isResponse: true, isOneway: false, code: 0 });
  }
});

test("requests that come in one chunk, and one that comes byte by byte, are answered in their order", async () => {
  const { server } = await start({ onRequest: () => success() });
  const raw = await dial(server);
  raw.socket.write(Buffer.concat([frame({ opaque: 1 }), frame({ opaque: 2 }), frame({ opaque: 3 })]));
  for (const byte of frame({ opaque: 4 })) raw.socket.write(Buffer.from([byte]));
  for (const opaque of [1, 2, 3, 4]) expect(await raw.next()).toMatchObject({ opaque });
});

test("a one-way frame reaches the handler and is not answered, whatever that says or throws", async () => {
  const seen: number[] = [];
  const { server } = await start({
    onRequest: ({ opaque, isOneway }) => {
      seen.push(opaque);
      if (isOneway && opaque === 2) throw new Error("no");
      return success();
    },
  });
  const raw = await dial(server);
  raw.socket.write(
    Buffer.concat([frame({ opaque: 1, isOneway: true }), frame({ opaque: 2, isOneway: true }), frame({ opaque: 3 })]),
  );
  expect(await raw.next()).toMatchObject({ opaque: 3 });
  expect(seen).toEqual([1, 2, 3]);
});

test("a handler that throws, now or later, is answered with SYSTEM_ERROR and its message", async () => {
  const { server, client } = await serverAndClient({
    onRequest: ({ fields }) => {
      if (fields["later"] === undefined) throw new Error("now");
      return Promise.reject(new Error("later"));
    },
  });
  expect(await ask(client)).toMatchObject({ code: resultCodes.SYSTEM_ERROR, remark: "now" });
  expect(await ask(client, { later: "" })).toMatchObject({ code: resultCodes.SYSTEM_ERROR, remark: "later" });
  expect(server.counters.failed).toBe(2);
});

test("a request whose field is missing is answered with the field's name", async () => {
  const { client } = await serverAndClient({
    onRequest: (asked) => success({ ...decodeGetReplicaInfoRequest(asked) }),
  });
  const { code, remark } = await ask(client);
  expect({ code, remark }).toEqual({
    code: resultCodes.SYSTEM_ERROR,
    remark: "CONTROLLER_GET_REPLICA_INFO (1004): field brokerName is missing, where a text was due",
  });
});

test("an answer over the limit becomes SYSTEM_ERROR", async () => {
  const { client } = await serverAndClient({
    onRequest: () => success({}, new Uint8Array(2_000)),
    limits: { frameBytesMax: 1_000 },
  });
  expect(await ask(client)).toMatchObject({ code: resultCodes.SYSTEM_ERROR });
});

test("a code that is not served is answered with code 3 by notSupported", async () => {
  const { client } = await serverAndClient({ onRequest: notSupported });
  expect(await ask(client)).toMatchObject({ code: 3, remark: "request type 1004 not supported" });
});

test("more requests in flight than allowed are answered with SYSTEM_BUSY, and the others in their time", async () => {
  const gate = Promise.withResolvers<RemotingAnswer>();
  const { server, client } = await serverAndClient({
    onRequest: () => gate.promise,
    limits: { requestsInFlightMax: 2 },
  });
  const first = [ask(client), ask(client)];
  expect(await ask(client)).toMatchObject({ code: resultCodes.SYSTEM_BUSY });
  gate.resolve(success());
  expect((await Promise.all(first)).map(({ code }) => code)).toEqual([0, 0]);
  expect(await ask(client)).toMatchObject({ code: 0 });
  expect(server.counters.busy).toBe(1);
});

test("a connection over the limit is closed at once and counted; when one goes another may come", async () => {
  const { server } = await start({ onRequest: () => success(), limits: { connectionsMax: 1 } });
  const first = await dial(server);
  const second = connect(portOf(server), "127.0.0.1").on("error", () => {});
  await ended(second);
  expect(server.counters.connectionsRefused).toBe(1);
  first.socket.destroy();
  await until(() => server.connections.size === 0);
  const third = await dial(server);
  third.socket.write(frame({ opaque: 1 }));
  expect(await third.next()).toMatchObject({ opaque: 1 });
});

test.each([
  ["text", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ["a length of 2 GB", Buffer.from("7fffffff00000000", "hex")],
  ["a length below zero", Buffer.from("ffffffff", "hex")],
  ["a header that is no JSON", Buffer.from("0000000600000002616203", "hex")],
])("garbage ends its own connection only: %s", async (_name, garbage) => {
  const closed: string[] = [];
  const { server, client } = await serverAndClient({
    onRequest: () => success(),
    onClose: (_connection, reason) => closed.push(reason),
  });
  const raw = await dial(server);
  raw.socket.write(garbage);
  await ended(raw.socket);
  expect(server.counters.malformed).toBe(1);
  expect(closed).toEqual([expect.stringContaining("it sent bytes that make no sense")]);
  expect(await ask(client)).toMatchObject({ code: 0 });
});

test("a half frame ends its connection after frameWholeMs, and an idle connection stays for ever", async () => {
  const clock = createManualClock();
  const { server } = await start({ onRequest: () => success(), limits: { frameWholeMs: 1_000 }, clock });
  const idle = await dial(server);
  const half = await dial(server);
  half.socket.write(frame({ opaque: 1 }));
  await half.next();
  await clock.advance(600_000);
  const bytes = frame({ opaque: 2 });
  half.socket.write(bytes.subarray(0, bytes.length - 1));
  await until(() => [...server.connections].some(({ pendingBytes }) => pendingBytes > 0));
  await clock.advance(900);
  expect(server.connections.size).toBe(2);
  const closed = ended(half.socket);
  await clock.advance(700);
  await closed;
  expect(server.counters.halfFrames).toBe(1);
  idle.socket.write(frame({ opaque: 3 }));
  expect(await idle.next()).toMatchObject({ opaque: 3 });
});

test("when too much of frames that are not whole is held, the peer that holds most of it is ended", async () => {
  const { server, client } = await serverAndClient({
    onRequest: () => success(),
    limits: { pendingBytesMax: 300_000 },
  });
  const bytes = frame({ opaque: 1, body: new Uint8Array(1_000_000) });
  const [greedy, modest] = [await dial(server), await dial(server)];
  modest.socket.write(bytes.subarray(0, 100_000));
  const pending = () => [...server.connections].map(({ pendingBytes }) => pendingBytes).toSorted();
  await until(() => pending().includes(100_000));
  greedy.socket.write(bytes.subarray(0, 250_000));
  await ended(greedy.socket);
  expect(server.counters.overfull).toBe(1);
  expect(pending()).toEqual([0, 100_000]);
  expect(await ask(client)).toMatchObject({ code: 0 });
  modest.socket.write(bytes.subarray(100_000, 350_000));
  await ended(modest.socket);
  expect(pending()).toEqual([0]);
});

test("many who send large frames at once are read in turns, and all of it is read", async () => {
  const senders = 12;
  const limits = { turnBytesMax: 256 * 1_024 };
  const bytes = frame({ opaque: 1, body: new Uint8Array(4_000_000) });
  const { server } = await start({ onRequest: () => success(), limits });
  const raws = await Promise.all(Array.from({ length: senders }, () => dial(server)));
  const held = (): number => [...server.connections].reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
  for (const { socket } of raws) socket.write(bytes.subarray(0, -1));
  let before = 0;
  let most = 0;
  await until(() => {
    const now = held();
    most = Math.max(most, now - before);
    before = now;
    return now === senders * (bytes.length - 1);
  });
  // One piece that each had been asked for, one that was on its way, and a turn's.
  expect(most).toBeLessThanOrEqual(limits.turnBytesMax + senders * 2 * 65_536);
  for (const { socket } of raws) socket.write(bytes.subarray(-1));
  for (const raw of raws) expect(await raw.next()).toMatchObject({ opaque: 1, code: 0 });
});

test("a peer that goes on sending whole frames is never too slow", async () => {
  const clock = createManualClock();
  const { server } = await start({ onRequest: () => success(), limits: { frameWholeMs: 1_000 }, clock });
  const raw = await dial(server);
  const bytes = frame({ opaque: 1 });
  raw.socket.write(bytes.subarray(0, 10));
  for (let turn = 0; turn < 10; turn += 1) {
    raw.socket.write(Buffer.concat([bytes.subarray(10), bytes.subarray(0, 10)]));
    await raw.next();
    await clock.advance(600);
  }
  expect(server.counters.halfFrames).toBe(0);
});

test("a peer that does not read its answers is ended when too many bytes wait for it", async () => {
  const { server, client } = await serverAndClient({
    onRequest: ({ fields }) => success({}, new Uint8Array(fields["small"] === undefined ? 1_000_000 : 1)),
    limits: { writeBufferBytesMax: 1_000_000 },
  });
  const slow = connect(portOf(server), "127.0.0.1").on("error", () => {});
  await once(slow, "connect");
  slow.pause();
  const bytes = frame({ opaque: 1 });
  while (server.counters.slowReaders === 0) {
    slow.write(bytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => server.connections.size === 1);
  expect(await ask(client, { small: "" })).toMatchObject({ code: 0 });
  slow.destroy();
});

test("each connection keeps what was bound to it until it closes, and onClose is told once", async () => {
  const closed: string[] = [];
  const { server } = await start({
    context: () => ({ broker: "" }),
    onRequest: ({ fields }, connection) => {
      connection.context.broker ||= fields["broker"] ?? "";
      return success({ broker: connection.context.broker, id: String(connection.id) });
    },
    onClose: (connection) => closed.push(connection.context.broker),
  });
  const [a, b] = [await dial(server), await dial(server)];
  for (const [raw, broker] of [
    [a, "a"],
    [b, "b"],
  ] as const) {
    raw.socket.write(Buffer.concat([frame({ opaque: 1, fields: { broker } }), frame({ opaque: 2 })]));
    await raw.next();
    expect((await raw.next()).fields).toEqual({ broker, id: raw === a ? "1" : "2" });
  }
  a.socket.destroy();
  await until(() => closed.length === 1);
  for (const connection of server.connections) connection.close("enough");
  await ended(b.socket);
  expect(closed).toEqual(["a", "b"]);
});

test("answers that come after the connection has ended are thrown away", async () => {
  const gate = Promise.withResolvers<RemotingAnswer>();
  let asked = 0;
  const onRequest = () => {
    asked += 1;
    return gate.promise;
  };
  const { server } = await start({ onRequest });
  const raw = await dial(server);
  raw.socket.write(frame({ opaque: 1 }));
  await until(() => asked === 1);
  raw.socket.destroy();
  await until(() => server.connections.size === 0);
  gate.resolve(success());
  await gate.promise;
  expect(server.counters.failed).toBe(0);
});

test("1,000 idle connections do not disturb one that asks", async () => {
  const { server, client } = await serverAndClient({
    onRequest: () => success(),
    limits: { connectionsMax: 1_100 },
  });
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => dial(server)));
  await until(() => server.connections.size === 1_001);
  for (let turn = 0; turn < 100; turn += 1) expect(await ask(client)).toMatchObject({ code: 0 });
  for (const { socket } of idle) socket.destroy();
  await until(() => server.connections.size === 1);
});

test("an aborted signal closes the server and its connections", async () => {
  const stop = new AbortController();
  const { server } = await start({ onRequest: () => success(), signal: stop.signal });
  const raw = await dial(server);
  stop.abort();
  await ended(raw.socket);
  await server.close();
  expect(server.connections.size).toBe(0);
});

test("an address that is taken or is none is refused with what was tried", async () => {
  const { server } = await start({ onRequest: () => success() });
  await expect(start({ onRequest: () => success(), listen: server.address })).rejects.toMatchObject({
    code: "REMOTING_LISTEN",
    message: expect.stringContaining(server.address),
  });
  await expect(start({ onRequest: () => success(), listen: "nowhere" })).rejects.toMatchObject({
    code: "REMOTING_LISTEN",
  });
});

const disposables: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of disposables.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

interface Context {
  broker: string;
}

type StartOptions = Partial<RemotingServerOptions<Context>> & Pick<RemotingServerOptions<Context>, "onRequest">;

async function start(options: StartOptions): Promise<{ server: RemotingServer<Context> }> {
  const server = await listenRemoting<Context>({
    listen: "127.0.0.1:0",
    context: () => ({ broker: "" }),
    clock: systemClock,
    log: silentLogger,
    signal,
    ...options,
  });
  disposables.push(server);
  return { server };
}

async function serverAndClient(
  options: StartOptions,
): Promise<{ server: RemotingServer<Context>; client: RemotingClient }> {
  const { server } = await start(options);
  const client = await connectRemoting({
    host: "127.0.0.1",
    port: portOf(server),
    connectTimeoutMs: answerMsMax,
    clock: systemClock,
    signal,
  });
  disposables.push(client);
  return { server, client };
}

function ask(client: RemotingClient, fields: Record<string, string> = {}): Promise<Frame> {
  const what = request(requestCodes.CONTROLLER_GET_REPLICA_INFO, fields);
  return client.ask(what, { timeoutMs: answerMsMax, signal });
}

function frame(parts: Partial<Frame>): Buffer {
  return encodeFrame(
    {
      code: requestCodes.CONTROLLER_GET_REPLICA_INFO,
      language: "JAVA",
      version: 479,
      opaque: 0,
      isResponse: false,
      isOneway: false,
      serialize: "json",
      fields: {},
      body: new Uint8Array(),
      ...parts,
    },
    frameLimits,
  );
}

/** A peer that sends what it likes. */
async function dial(server: RemotingServer<Context>): Promise<{ socket: Socket; next(): Promise<Frame> }> {
  const known = server.connections.size;
  const socket = connect(portOf(server), "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  const stream = createFrameStream(frameLimits);
  const frames: Frame[] = [];
  let wake = (): void => {};
  socket.on("data", (chunk: Buffer) => {
    stream.push(chunk);
    for (let each = stream.next(); each !== undefined; each = stream.next()) frames.push(each);
    wake();
  });
  await once(socket, "connect");
  await until(() => server.connections.size > known);
  return {
    socket,
    async next() {
      for (;;) {
        const each = frames.shift();
        if (each !== undefined) return each;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function portOf({ address }: RemotingServer<Context>): number {
  return Number(address.split(":").at(-1));
}

function gateOf<T>(gates: Map<string, PromiseWithResolvers<T>>, key: string): PromiseWithResolvers<T> {
  const gate = gates.get(key) ?? Promise.withResolvers<T>();
  gates.set(key, gate);
  return gate;
}

/** Lets the sockets work until it holds. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + answerMsMax;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${answerMsMax} ms: ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Reset or closed in order, either is the end. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}
