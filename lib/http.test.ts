import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createHttp, listen } from "./http.ts";
import { silentLogger } from "./log.ts";

const metrics = { render: async () => "usual", contentType: "text/plain" };

function door(first?: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const warnings: unknown[] = [];
  const log = { ...silentLogger, warn: (...told: unknown[]) => void warnings.push(told) } as typeof silentLogger;
  const options = { listen: "127.0.0.1:0", log, live: () => [], ready: () => [], metrics };
  return { http: createHttp(first === undefined ? options : { ...options, first }), warnings };
}

async function ask(
  port: number,
  agent: Agent,
  path = "/metrics",
): Promise<{ status: number | undefined; body: string }> {
  const request = httpRequest({ host: "127.0.0.1", port, path, agent });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}

test("whoever is first answers what it wants to, and the rest is answered as usual", async () => {
  const { http, warnings } = door((request, response) => {
    if (request.url === "/throws") throw new Error("broken");
    if (request.url !== "/mine") return false;
    response.end("first");
    return true;
  });
  await listen(http, "127.0.0.1:0");
  const { port } = http.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await ask(port, agent, "/mine")).toEqual({ status: 200, body: "first" });
  expect(await ask(port, agent)).toEqual({ status: 200, body: "usual" });
  expect(warnings).toEqual([]);
  expect(await ask(port, agent, "/throws")).toMatchObject({ status: 404 });
  expect(warnings).toMatchObject([[{ url: "/throws", error: "broken" }, "request failed"]]);
  agent.destroy();
  await http.close();
});

test("while it closes nobody is answered first", async () => {
  const held = Promise.withResolvers<ServerResponse>();
  const { http } = door((request, response) => {
    if (request.url === "/held") held.resolve(response);
    else response.end("first");
    return true;
  });
  await listen(http, "127.0.0.1:0");
  const { port } = http.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const waiting = ask(port, agent, "/held");
  const response = await held.promise;
  const closed = http.close();
  const after = ask(port, agent);
  await new Promise(setImmediate);
  response.end("late");
  expect(await waiting).toEqual({ status: 200, body: "late" });
  expect((await after.catch(() => ({ status: 503 }))).status).toBe(503);
  agent.destroy();
  await closed;
});
