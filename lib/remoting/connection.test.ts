import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../clock.ts";
import { createManualClock } from "../zookeeper/testing/manual-clock.ts";
import { type ClientLimits, connectRemoting, overSocket, type RemotingClient } from "./connection.ts";
import { RemotingError } from "./errors.ts";
import { encodeFrame, type Frame, frameLimits } from "./frame.ts";
import { createFrameStream } from "./frame-stream.ts";
import { request } from "./message.ts";

const signal = new AbortController().signal;
const timeoutMs = 5_000;
const what = request(1005);

test("a request goes out as a stock peer writes it", async () => {
  const { client, server } = await pair();
  client.ask(request(1004, { brokerName: "bs1" }), { timeoutMs, signal }).catch(() => {});
  expect(await server.next()).toEqual({
    code: 1004,
    language: "OTHER",
    version: 479,
    opaque: 1,
    isResponse: false,
    isOneway: false,
    serialize: "json",
    remark: undefined,
    fields: { brokerName: "bs1" },
    body: Buffer.alloc(0),
  });
});

test("answers find their requests by number, in whatever order they come", async () => {
  const { client, server } = await pair();
  const asked = Array.from({ length: 100 }, () => client.ask(what, { timeoutMs, signal }));
  const opaques: number[] = [];
  for (const _each of asked) opaques.push((await server.next()).opaque);
  for (const opaque of opaques.toReversed()) server.answer({ opaque, code: opaque });
  expect((await Promise.all(asked)).map(({ code }) => code)).toEqual(opaques);
});

test("an answer that comes after the timeout is thrown away, and the connection goes on", async () => {
  const clock = createManualClock();
  const { client, server } = await pair({ clock });
  const late = client.ask(what, { timeoutMs: 100, signal });
  late.catch(() => {});
  const { opaque } = await server.next();
  await clock.advance(100);
  await expect(late).rejects.toMatchObject({
    code: "REMOTING_TIMEOUT",
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ did not answer CONTROLLER_GET_METADATA_INFO \(1005\) in 100 ms$/),
  });
  server.answer({ opaque });
  const next = client.ask(what, { timeoutMs, signal });
  server.answer({ opaque: (await server.next()).opaque, code: 7 });
  expect(await next).toMatchObject({ code: 7 });
});

test("an aborted request is rejected with the reason, and the connection goes on", async () => {
  const { client } = await pair();
  const stop = new AbortController();
  const asked = client.ask(what, { timeoutMs, signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
  await expect(client.ask(what, { timeoutMs, signal: stop.signal })).rejects.toThrow("enough");
  expect(client.open).toBe(true);
});

test("when the connection ends all that was asked is rejected, and so is what is asked after", async () => {
  const { client, server } = await pair();
  const asked = [client.ask(what, { timeoutMs, signal }), client.ask(what, { timeoutMs, signal })];
  await server.next();
  server.socket.destroy();
  for (const each of asked) {
    await expect(each).rejects.toMatchObject({
      code: "REMOTING_DISCONNECTED",
      message: expect.stringContaining("the server closed the connection"),
    });
  }
  expect(await client.closed).toBe("the server closed the connection");
  expect(client.open).toBe(false);
  await expect(client.ask(what, { timeoutMs, signal })).rejects.toThrow(RemotingError);
  expect(() => client.send(what)).toThrow(RemotingError);
});

test("close, and the signal, end it at once", async () => {
  const stop = new AbortController();
  for (const end of [(client: RemotingClient) => client.close(), () => stop.abort()]) {
    const { client } = await pair({ signal: stop.signal });
    const asked = client.ask(what, { timeoutMs, signal });
    end(client);
    await expect(asked).rejects.toMatchObject({ code: "REMOTING_DISCONNECTED" });
    expect(await client.closed).toBe("this side closed the connection");
  }
});

test("bytes that make no sense end it", async () => {
  const { client, server } = await pair();
  server.socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  expect(await client.closed).toContain("the server sent bytes that make no sense");
});

test("what the server asks, and answers to nothing, are passed over", async () => {
  const { client, server } = await pair();
  const asked = client.ask(what, { timeoutMs, signal });
  const { opaque } = await server.next();
  server.answer({ opaque, isResponse: false, code: 40 });
  server.answer({ opaque: 4_711 });
  server.answer({ opaque, code: 5 });
  expect(await asked).toMatchObject({ code: 5 });
});

test("a one-way frame says so, and is not waited for", async () => {
  const { client, server } = await pair();
  client.send(what);
  expect(await server.next()).toMatchObject({ code: 1005, isOneway: true, isResponse: false });
});

test("more in flight than allowed is refused before it is sent", async () => {
  const { client } = await pair({ limits: { requestsInFlightMax: 1 } });
  client.ask(what, { timeoutMs, signal }).catch(() => {});
  await expect(client.ask(what, { timeoutMs, signal })).rejects.toMatchObject({
    code: "REMOTING_BUSY",
    message: expect.stringContaining("1 requests are unanswered"),
  });
});

test("nothing more is put before a server that takes nothing", async () => {
  const { client, server } = await pair({ limits: { writeBufferBytesMax: 100_000 } });
  server.socket.pause();
  const large = request(25, {}, new Uint8Array(1_000_000));
  const fill = () => {
    for (let turn = 0; turn < 100; turn += 1) client.send(large);
  };
  expect(fill).toThrow(expect.objectContaining({ code: "REMOTING_BUSY" }));
});

test("a server that is not there is told with address and reason", async () => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, "close");
  await expect(
    connectRemoting({ host: "127.0.0.1", port, connectTimeoutMs: 1_000, clock: systemClock, signal }),
  ).rejects.toMatchObject({
    code: "REMOTING_UNREACHABLE",
    message: expect.stringMatching(`^Cannot connect to 127.0.0.1:${port}: .*ECONNREFUSED`),
  });
});

test("an abort while it connects ends the attempt with the reason", async () => {
  const stop = AbortSignal.abort(new Error("enough"));
  const options = { host: "127.0.0.1", port: 1, connectTimeoutMs: 1_000, clock: systemClock, signal: stop };
  await expect(connectRemoting(options)).rejects.toThrow("enough");
});

interface FakeServer {
  readonly socket: Socket;
  next(): Promise<Frame>;
  answer(parts: Partial<Frame>): void;
}

/** A client over a socket of loopback, and the far end of it. */
async function pair(
  options: { limits?: Partial<ClientLimits>; clock?: typeof systemClock; signal?: AbortSignal } = {},
): Promise<{ client: RemotingClient; server: FakeServer }> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const near = connect(port, "127.0.0.1");
  const [far] = await accepted;
  if (near.connecting) await once(near, "connect");
  listener.close();
  const client = overSocket(near, { clock: systemClock, signal, ...options });
  onTestFinished(() => {
    client.close();
    far.destroy();
  });
  return { client, server: fakeServer(far) };
}

function fakeServer(socket: Socket): FakeServer {
  const stream = createFrameStream(frameLimits);
  const frames: Frame[] = [];
  let wake = (): void => {};
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    stream.push(chunk);
    for (let each = stream.next(); each !== undefined; each = stream.next()) frames.push(each);
    wake();
  });
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
    answer(parts) {
      const frame: Frame = {
        code: 0,
        language: "JAVA",
        version: 0,
        opaque: 0,
        isResponse: true,
        isOneway: false,
        serialize: "json",
        fields: {},
        body: new Uint8Array(),
        ...parts,
      };
      socket.write(encodeFrame(frame, frameLimits));
    },
  };
}
