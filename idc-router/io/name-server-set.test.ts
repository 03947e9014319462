import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { createConnections } from "#lib/remoting/connections.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { freePort } from "../../test/integration/harness/ports.ts";
import { createTestRouter, type TestRouter } from "../core/router.fixture.ts";
import { createNameServers } from "./name-server-set.ts";

/** A name server for each cluster that never answers: what counts is that it is asked for "orders". */
async function standing(router: TestRouter, names: readonly string[], routeRefreshMs: number) {
  const lookUps = new Map(names.map((name) => [name, 0]));
  const servers: Server[] = [];
  const clusters: { name: string; nameservers: string[] }[] = [];
  for (const name of names) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        if (chunk.includes("orders")) lookUps.set(name, (lookUps.get(name) ?? 0) + 1);
      });
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    servers.push(server);
    clusters.push({ name, nameservers: [`127.0.0.1:${port}`] });
  }
  const connections = createConnections({
    clock: systemClock,
    prepare: (request) => request,
    connectionsMax: 4,
    idleMs: 1_000,
  });
  const nameServers = createNameServers({
    clusters,
    poll: { everyMs: 60_000, timeoutMs: 100, routeRefreshMs, lookupTimeoutMs: 100, topicsMax: 100 },
    connections,
    clock: systemClock,
    daemon: {
      get table() {
        return router.table;
      },
      push: () => {},
      settled: async () => {},
    },
  });
  const stop = new AbortController();
  const running = nameServers.run(stop.signal);
  return {
    nameServers,
    lookUps: () => names.map((name) => lookUps.get(name) ?? 0),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await connections[Symbol.asyncDispose]();
      for (const server of servers) server.close();
    },
  };
}

test.each([
  ["moved", { cluster: "C2" }, true],
  ["moved for a few clients", { cluster: "C1", gate: { cluster: "C2", ips: ["10.1.0.4"] } }, true],
  // Nobody has ever asked for it at a name server.
  ["led out of Kafka for a few clients", { cluster: "K1", gate: { cluster: "C2", ips: ["10.1.0.4"] } }, false],
])(
  "a topic that its metadata have %s is looked up where it is now, again and again while it is not there",
  async (_how, home, isInUse) => {
    const router = createTestRouter();
    if (isInUse) router.topic("orders", "bs1");
    await using set = await standing(router, ["C2"], 1_000);
    const before = router.table;
    router.tell({ kind: "homes", homes: [{ topic: "orders", ...home, zxid: 1n }] });
    expect(set.lookUps()).toEqual([0]);
    set.nameServers.follow(router.table, before);
    await eventually(() => expect(set.lookUps()[0]).toBeGreaterThan(1), { withinMs: 15_000 });
  },
);

test("each cluster's topics are looked up again, though all of them have the same part of a look-up in each tick", async () => {
  const router = createTestRouter();
  router.topic("orders", "bs1");
  router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C2", zxid: 1n }] });
  // Half a look-up in each tick.
  await using set = await standing(router, ["C1", "C2"], 400);
  await eventually(() => expect(Math.min(...set.lookUps())).toBeGreaterThan(1), { withinMs: 15_000 });
});
