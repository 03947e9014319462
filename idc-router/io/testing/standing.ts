import type { AddressInfo } from "node:net";
import { type Instant, systemClock } from "#lib/clock.ts";
import { silentLogger } from "#lib/log.ts";
import { createClients } from "../../core/clients.ts";
import { cluster, type TestRouter, twoSets } from "../../core/router.fixture.ts";
import { createMetrics } from "../../metrics.ts";
import { createRouterHttp } from "../http.ts";
import { createRouteTexts } from "../route-texts.ts";
import { createSlots } from "../slots.ts";
import { createSubscribers } from "../subscribers.ts";

/** The HTTP door over a real socket, on a table that a test changes: C1 with bs1 in idc1 and bs2 in idc2, and a Kafka cluster K1. */
export interface Standing {
  readonly router: TestRouter;
  readonly base: string;
  /** How late the loop is. */
  lagMs: number;
  readonly lookedUp: string[];
  /** Tells those who wait that the table is another one. */
  tell(): void;
  close(): Promise<void>;
}

export const subscribersMax = 3;

const idcs = ["idc1", "idc2", "idc3"];
const orderOf = (idc: string): readonly string[] => [idc, ...idcs.filter((each) => each !== idc)];
const kafka = { name: "K1", kind: "kafka", servers: { idc1: ["k1:9092"], idc2: ["k2:9092"] } } as const;
const rocketmq = { name: cluster, kind: "rocketmq", servers: { idc1: ["ns1:1"] } } as const;

export async function createStanding(): Promise<Standing> {
  const router = twoSets();
  const lookedUp: string[] = [];
  const stop = new AbortController();
  const table = () => router.table;
  const wallTime = () => 1_000_000 + router.now;
  const slots = createSlots({ table, answers: { rules: [], orderOf, clusters: [cluster] }, wallTime, slotsMax: 100 });
  const texts = createRouteTexts({
    slots,
    table,
    kafka: new Map([["K1", kafka]]),
    proxies: new Map([
      [cluster, { name: cluster, kind: "rocketmq", servers: { idc1: ["p1:8081"], idc2: ["p2:8081"] } }],
    ]),
    rules: [{ match: "events", mode: "prefer-local", overprovision: 1.4, client: { concurrency: 3 } }],
    orderOf,
    instance: "me",
    metadataOf: (topic) => {
      const zxid = router.state.homes.homes.get(topic)?.zxid;
      return zxid === undefined ? null : { source: "zk", zxid: String(zxid) };
    },
    wallTime,
  });
  const metrics = createMetrics("test");
  const subscribers = createSubscribers({
    texts,
    revision: () => router.table.revision,
    instance: "me",
    subscribersMax,
    bufferedBytesMax: 100_000,
    clock: systemClock,
    log: silentLogger,
    onSlow: metrics.slowSubscriber,
    signal: stop.signal,
  });
  const late = { ms: 0 };
  const http = createRouterHttp({
    listen: "127.0.0.1:0",
    site: "idc1",
    version: "1.2.3",
    daemon: {
      get state() {
        return router.state;
      },
      get table() {
        return router.table;
      },
      moment: () => ({ now: router.now, wall: wallTime() }),
      get lastStepAt() {
        return router.now as Instant;
      },
      get lagMs() {
        return late.ms;
      },
    },
    metrics,
    texts,
    subscribers,
    clients: createClients(),
    clusters: new Map<string, typeof kafka | typeof rocketmq>([
      ["K1", kafka],
      [cluster, rocketmq],
    ]),
    doors: { idc1: ["r1:9886"], idc2: ["r2:9886"] },
    idcs,
    orderOf,
    callerIdc: () => "idc1",
    lookUp: async (topic) => {
      lookedUp.push(topic);
      if (topic === "late") router.topic("late", "bs2");
      return topic !== "silent";
    },
    requestsPerSecond: 100,
    subscribersMax,
    connections: () => 0,
    // It stands still: buckets are not refilled.
    clock: { ...systemClock, now: () => 0 as Instant },
    log: silentLogger,
  });
  await http.listen({ host: "127.0.0.1", port: 0 });
  return {
    router,
    base: `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`,
    get lagMs() {
      return late.ms;
    },
    set lagMs(ms) {
      late.ms = ms;
    },
    lookedUp,
    tell: subscribers.tell,
    async close() {
      stop.abort();
      http.server.closeAllConnections();
      await http.close();
    },
  };
}
