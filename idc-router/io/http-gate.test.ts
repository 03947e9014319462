import { afterEach, beforeEach, expect, test } from "vitest";
import type { TestRouter } from "../core/router.fixture.ts";
import { askAt, watchAt } from "./testing/asking.ts";
import { createStanding, type Standing } from "./testing/standing.ts";

/** A topic whose metadata lead some clients to another cluster than the others, over the HTTP door. */

let standing: Standing;
let router: TestRouter;
let base: string;

beforeEach(async () => {
  standing = await createStanding();
  ({ router, base } = standing);
});
afterEach(() => standing.close());

const ask = (path: string, headers?: Record<string, string>) => askAt(base, path, headers);
const watch = (query: string) => watchAt(base, query);
const route = "/v1/topics/orders/route";
const ours = "10.1.0.4";
let zxid = 0n;
const say = (more: object = {}): void => {
  zxid += 1n;
  router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", ...more, zxid }] });
  standing.tell();
};
const gate = (...ips: string[]) => ({ gate: { cluster: "K1", ips } });

test("a gate leads clients at these addresses elsewhere, as seen or as they say", async () => {
  say(gate(ours));
  expect((await ask(`${route}?ip=${ours}`)).body).toMatchObject({ cluster: "K1", kind: "kafka", gated: true });
  expect((await ask(`${route}?ip=10.1.0.5`)).body).toMatchObject({ cluster: "C1", gated: false });
  say(gate("127.0.0.0/8"));
  expect((await ask(route)).body).toMatchObject({ cluster: "K1", gated: true });
  expect(await ask(`${route}?ip=nobody`)).toMatchObject({ status: 400, body: { error: { code: "RTR_BAD_IP" } } });
});

test("a gate tells those whom a change is about, and nobody else", async () => {
  const one = await watch(`topics=orders&ip=${ours}`);
  const other = await watch("topics=orders&ip=10.1.0.5");
  await Promise.all([one.until(1), other.until(1)]);
  const waiting = ask(`${route}?wait=30s&ip=${ours}`, {
    "if-none-match": (await ask(route)).headers.get("etag") ?? "",
  });
  while ((await ask("/metrics")).body.match(/idc_router_subscribers\{kind="wait".*\} 1/) === null);
  say(gate(ours));
  await one.until(2);
  expect((await waiting).body.cluster).toBe("K1");
  say();
  await one.until(3);
  expect(one.seen.map(({ data }) => data.cluster)).toEqual(["C1", "K1", "C1"]);
  // Settings are for all: what came before them would have come first.
  say({ client: { concurrency: 2 } });
  await Promise.all([one.until(4), other.until(2)]);
  expect(other.seen.map(({ data }) => data.client)).toEqual([{}, { concurrency: 2 }]);
});

test("a gate tells whoever comes back to a watch, though both answers were made long ago", async () => {
  await ask(`${route}?ip=${ours}`);
  say(gate("10.9.9.9"));
  await ask(`${route}?ip=10.9.9.9`);
  const first = await watch(`topics=orders&ip=${ours}`);
  await first.until(1);
  first.request.destroy();
  say(gate("10.9.9.9", ours));
  const again = await watchAt(base, `topics=orders&ip=${ours}`, { "last-event-id": first.seen.at(-1)?.id ?? "" });
  await again.until(1);
  expect(again.seen[0]?.data.cluster).toBe("K1");
});

test("a gate's clients are given queues of the cluster that it leads them to", async () => {
  router.tell(
    { kind: "kafkaBrokers", cluster: "K1", address: "k1:9092", askedAt: router.now, brokers: [] },
    {
      kind: "kafkaTopics",
      cluster: "K1",
      askedAt: router.now,
      topics: [{ topic: "orders", partitions: [0, 1].map((partition) => ({ partition, leader: 1 })) }],
    },
  );
  const allocate = async (ip?: string): Promise<string[]> => {
    const response = await fetch(`${base}/v1/allocations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: "orders", consumers: [{ id: "a" }], ip }),
    });
    return ((await response.json()) as { allocation: { a: string[] } }).allocation.a;
  };
  say(gate(ours));
  expect(await allocate(ours)).toEqual(["0", "1"]);
  expect(await allocate("10.1.0.5")).toHaveLength(8);
  expect(await allocate()).toHaveLength(8);
  say(gate("127.0.0.0/8"));
  expect(await allocate()).toEqual(["0", "1"]);
});
