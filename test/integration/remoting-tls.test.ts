import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { connectRemoting, type RemotingClient, type RemotingTlsOptions } from "#lib/remoting/connection.ts";
import { request, success } from "#lib/remoting/message.ts";
import { listenRemoting } from "#lib/remoting/server.ts";
import type { RemotingServer, ServerTlsOptions } from "#lib/remoting/server-options.ts";
import { type Certificates, makeCertificates } from "./harness/certificates.ts";

const timeoutMs = 10_000;
const signal = new AbortController().signal;
let certificates: Certificates;
let pem: { key: string; cert: string };

beforeAll(async () => {
  certificates = await makeCertificates();
  const both = await readFile(certificates.files.server, "utf8");
  pem = { key: both, cert: both };
});

afterAll(() => certificates[Symbol.asyncDispose]());

test("one port serves TLS and plain connections, and knows which is which", async () => {
  await using server = await serve({ ...pem, requireTls: false });
  await using plain = await dial(server);
  await using secret = await dial(server, { ca: certificates.client.ca, verify: true });
  expect(await ask(plain)).toEqual({ isTls: "false" });
  expect(await ask(secret)).toEqual({ isTls: "true" });
  expect(server.counters.tlsRefused).toBe(0);
});

test("where TLS is required a plain connection is ended, and counted", async () => {
  await using server = await serve({ ...pem, requireTls: true });
  await using plain = await dial(server);
  await expect(ask(plain)).rejects.toMatchObject({ code: "REMOTING_DISCONNECTED" });
  await using secret = await dial(server, { ca: certificates.client.ca, verify: true });
  expect(await ask(secret)).toEqual({ isTls: "true" });
  expect(server.counters.tlsRefused).toBe(1);
});

test("a client trusts only the authority it was given, unless it is told to verify nothing", async () => {
  await using server = await serve({ ...pem, requireTls: true });
  await expect(dial(server, { verify: true })).rejects.toMatchObject({ code: "REMOTING_UNREACHABLE" });
  await using trusting = await dial(server, { verify: false });
  expect(await ask(trusting)).toEqual({ isTls: "true" });
});

test("with an authority for clients, one without a certificate is refused", async () => {
  const { ca, cert, key } = certificates.client;
  await using server = await serve({ ...pem, ca, requireTls: true });
  await using known = await dial(server, { ca, cert, key, verify: true });
  expect(await ask(known)).toEqual({ isTls: "true" });
  await using unknown = await dial(server, { ca, verify: true });
  await expect(ask(unknown)).rejects.toMatchObject({ code: "REMOTING_DISCONNECTED" });
  expect(server.counters.tlsRefused).toBe(1);
});

test("TLS connections count among the connections, and are forgotten when they have ended", async () => {
  await using server = await serve({ ...pem, requireTls: true }, 1);
  const first = await dial(server, { verify: false });
  await ask(first);
  const refused = connect(portOf(server), "127.0.0.1").on("error", () => {});
  await ended(refused);
  expect(server.counters.connectionsRefused).toBe(1);
  first.close();
  await expect.poll(() => server.connections.size).toBe(0);
  await expect
    .poll(async () => ask(await dial(server, { verify: false })).catch(() => "refused"))
    .toEqual({
      isTls: "true",
    });
});

test("a hello that makes no sense ends its own connection only", async () => {
  await using server = await serve({ ...pem, requireTls: true });
  const socket = connect(portOf(server), "127.0.0.1").on("error", () => {});
  socket.write(Buffer.from("160301ffff00112233445566778899", "hex"));
  socket.write(Buffer.alloc(70_000));
  await ended(socket);
  await using secret = await dial(server, { verify: false });
  expect(await ask(secret)).toEqual({ isTls: "true" });
});

function serve(tls: ServerTlsOptions, connectionsMax = 100): Promise<RemotingServer<undefined>> {
  return listenRemoting<undefined>({
    listen: "127.0.0.1:0",
    context: () => undefined,
    onRequest: (_frame, { isTls }) => success({ isTls: String(isTls) }),
    limits: { connectionsMax },
    tls,
    clock: systemClock,
    log: silentLogger,
    signal,
  });
}

function dial(server: RemotingServer<undefined>, tls?: RemotingTlsOptions): Promise<RemotingClient> {
  const where = { host: "127.0.0.1", port: portOf(server), connectTimeoutMs: timeoutMs };
  return connectRemoting({ ...where, ...(tls === undefined ? {} : { tls }), clock: systemClock, signal });
}

async function ask(client: RemotingClient): Promise<unknown> {
  const { fields } = await client.ask(request(1005), { timeoutMs, signal });
  return fields;
}

function portOf({ address }: RemotingServer<undefined>): number {
  return Number(address.split(":").at(-1));
}

/** Reset or closed in order, either is the end. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}
