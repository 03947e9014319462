import { expect, test } from "vitest";
import { cluster, twoSets } from "../core/router.fixture.ts";
import { createRouteTexts, type RouteKey } from "./route-texts.ts";
import { createSlots } from "./slots.ts";
import { isKept } from "./testing/kept.ts";

const idcs = ["idc1", "idc2"];
const orderOf = (idc: string): readonly string[] => [idc, ...idcs.filter((each) => each !== idc)];

function standing() {
  const router = twoSets();
  let zxid = 0n;
  const texts = createRouteTexts({
    slots: createSlots({
      table: () => router.table,
      answers: { rules: [], orderOf, clusters: [cluster] },
      wallTime: () => router.now,
      slotsMax: 100,
    }),
    table: () => router.table,
    kafka: new Map([["K1", { name: "K1", kind: "kafka", servers: { idc1: ["k1:9092"], idc2: ["k2:9092"] } }]]),
    proxies: new Map(),
    rules: [],
    orderOf,
    instance: "me",
    metadataOf: (topic) => {
      const known = router.state.homes.homes.get(topic);
      return known === undefined ? null : { source: "zk", zxid: String(known.zxid) };
    },
    wallTime: () => router.now,
  });
  return {
    router,
    of: (topic: string) => texts.of({ topic, idc: "idc1", use: "produce" } satisfies RouteKey),
    say(topic: string, home: string) {
      zxid += 1n;
      router.tell({ kind: "homes", homes: [{ topic, cluster: home, zxid }] });
    },
  };
}

test.each([cluster, "K1"])(
  "metadata of a topic of %s that were written again as they were change its zxid, and nothing else",
  (home) => {
    const { router, of, say } = standing();
    say("orders", home);
    const before = of("orders");
    expect(JSON.parse(before?.json ?? "").metadata.zxid).toBe("1");
    expect(of("orders")).toBe(before);
    const { revision } = router.table;
    say("orders", home);
    const after = of("orders");
    expect(router.table.revision).toBe(revision);
    expect(JSON.parse(after?.json ?? "")).toEqual({
      ...JSON.parse(before?.json ?? ""),
      metadata: { source: "zk", zxid: "2" },
    });
    expect(after?.etag).toBe(before?.etag);
    router.topic("pay", "bs1");
    expect(of("orders")).toBe(after);
  },
);

test.each([cluster, "K1"])("a text of a topic of %s that nobody asks for any more keeps no table", async (home) => {
  const { router, of, say } = standing();
  say("orders", home);
  of("orders");
  const old = [router.table, router.table.sets, router.table.topics].map((part) => new WeakRef(part));
  router.topic("pay", "bs1");
  router.show({ bs1: null, bs2: "idc2:1" });
  of("pay");
  for (const part of old) expect(await isKept(part)).toBe(false);
});
