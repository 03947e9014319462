import { createServer } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "#lib/clock.ts";
import { createConnections } from "#lib/remoting/connections.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import { freePort } from "../../test/integration/harness/ports.ts";
import { createTestRouter } from "../core/router.fixture.ts";
import { createNameServers } from "./name-server-set.ts";

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
    let lookUps = 0;
    // A name server that never answers: what counts is that it is asked.
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        if (chunk.includes("orders")) lookUps += 1;
      });
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const stop = new AbortController();
    try {
      await using connections = createConnections({
        clock: systemClock,
        prepare: (request) => request,
        connectionsMax: 4,
        idleMs: 1_000,
      });
      const nameServers = createNameServers({
        clusters: [{ name: "C2", nameservers: [`127.0.0.1:${port}`] }],
        poll: { everyMs: 60_000, timeoutMs: 100, routeRefreshMs: 1_000, lookupTimeoutMs: 100, topicsMax: 100 },
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
      const running = nameServers.run(stop.signal);
      const before = router.table;
      router.tell({ kind: "homes", homes: [{ topic: "orders", ...home, zxid: 1n }] });
      expect(lookUps).toBe(0);
      nameServers.follow(router.table, before);
      await eventually(() => expect(lookUps).toBeGreaterThan(1), { withinMs: 15_000 });
      stop.abort();
      await running;
    } finally {
      server.close();
    }
  },
);
