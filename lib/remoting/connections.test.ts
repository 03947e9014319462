import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { type Clock, type Instant, systemClock } from "../clock.ts";
import { createConnections } from "./connections.ts";
import { request } from "./message.ts";

test("what has waited for its connection for too long is not sent any more", async () => {
  let bytes = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let stoodStillMs = 0;
  const clock: Clock = { ...systemClock, now: () => (systemClock.now() + stoodStillMs) as Instant };
  const prepare = (asked: ReturnType<typeof request>) => asked;
  await using connections = createConnections({ clock, prepare, connectionsMax: 4, idleMs: 60_000 });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { timeoutMs: 8_000, signal: new AbortController().signal };

  const late = connections.ask(address, request(1008), { ...options, sendMsMax: 1_000 });
  stoodStillMs = 5_000;
  await expect(late).rejects.toMatchObject({
    code: "REMOTING_UNREACHABLE",
    message: expect.stringMatching(/was reached only after \d+ ms: request 1008 is not sent any more$/),
  });
  expect(bytes).toBe(0);
  await expect(connections.ask(address, request(1008), { ...options, sendMsMax: 1_000 })).rejects.toMatchObject({
    code: "REMOTING_DISCONNECTED",
  });
  expect(bytes).toBeGreaterThan(0);
  server.close();
});
