import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { TestRouter } from "../core/router.fixture.ts";
import { reports } from "./api.ts";
import { routes } from "./openapi.ts";
import { askAt, watchAt } from "./testing/asking.ts";
import { createStanding, type Standing, subscribersMax } from "./testing/standing.ts";

let standing: Standing;
let router: TestRouter;
let base: string;
const tell = (): void => standing.tell();
const ask = (path: string, headers?: Record<string, string>) => askAt(base, path, headers);
const watch = (query: string, headers?: Record<string, string>) => watchAt(base, query, headers);

beforeEach(async () => {
  standing = await createStanding();
  ({ router, base } = standing);
});
afterEach(() => standing.close());

const route = "/v1/topics/orders/route";

describe("a route", () => {
  test("names the brokers to send to, and why", async () => {
    const { status, body } = await ask(`${route}?idc=idc2`);
    expect(status).toBe(200);
    expect(reports.route.parse(body)).toMatchObject({
      cluster: "C1",
      idc: "idc2",
      stale: false,
      decision: { idc: "idc2", why: "idc2 is near and well" },
      brokers: [{ set: "bs2", master: "idc2:1", weight: 10_000 }],
      bootstrap: ["p2:8081", "p1:8081"],
    });
  });

  test("when nobody is there names the last master, as the master and under its role (I9)", async () => {
    router.show({ bs1: null });
    const { body } = await ask(route);
    expect(body).toMatchObject({
      stale: true,
      brokers: [{ set: "bs1", master: "idc1:1", addresses: { 0: "idc1:1" } }],
    });
    router.show({ bs2: "idc2:1" });
    const { body: others } = await ask(`${route}?use=consume`);
    expect(others).toMatchObject({ stale: false, brokers: [{ set: "bs2" }] });
  });

  test("for consumers names all of them, nearest first", async () => {
    const { body } = await ask(`${route}?idc=idc2&use=consume`);
    expect(body.brokers.map(({ set }: { set: string }) => set)).toEqual(["bs2", "bs1"]);
  });

  test("is of the caller's address where it does not say its IDC", async () => {
    expect((await ask(route)).body.idc).toBe("idc1");
  });

  test("is the same however it is asked for", async () => {
    router.tell({ kind: "homes", homes: [{ topic: "events", cluster: "K1", zxid: 1n }] });
    for (const [plain, ...others] of [
      [route, "/v1/topics/order%73/route", `${route}?use=produce`, `${route}?idc=idc1`, `${route}?ip=127.0.0.1`],
      [`${route}?idc=idc2`, `${route}?use=produce&idc=idc2`, `${route}?idc=idc2&use=produce`, `${route}?idc=idc%32`],
      [`${route}?idc=idc2&use=consume`, `${route}?use=consume&idc=idc2`, `${route}?idc=idc2&use=consume&wait=1s`],
      ["/v1/topics/events/route?idc=idc2", "/v1/topics/events/route?idc=idc2&ip=127.0.0.1"],
    ] as const) {
      const saidTo = async (path: string) => {
        const { status, headers, body } = await ask(path);
        return { status, headers: { ...Object.fromEntries(headers), date: "" }, body };
      };
      const said = await saidTo(plain);
      expect(said.status).toBe(200);
      for (const other of others) expect(await saidTo(other), other).toEqual(said);
    }
    const { body } = await ask("/metrics");
    expect(body).toMatch(/^idc_router_requests_total\{.*door="http".*outcome="200".*\} 14$/m);
  });

  test("is the same with any query as where fastify answers, which it does when the caller has another route already", async () => {
    const words = [
      "idc=idc2",
      "idc=idc1",
      "idc=idc9",
      "idc=",
      "use=consume",
      "use=produce",
      "use=both",
      "x=1",
      "&",
      "=",
    ];
    const queries = fc.array(fc.constantFrom(...words), { maxLength: 4 }).map((some) => `?${some.join("")}`);
    const joined = fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((some) => `?${some.join("&")}`);
    const saidTo = async (path: string, headers?: Record<string, string>) => {
      const { status, headers: had, body } = await ask(path, headers);
      return { status, headers: { ...Object.fromEntries(had), date: "" }, body };
    };
    await fc.assert(
      fc.asyncProperty(fc.oneof(queries, joined), async (query) => {
        const slowly = await saidTo(route + query, { "if-none-match": '"another"' });
        expect(await saidTo(route + query)).toEqual(slowly);
      }),
      { numRuns: 80 },
    );
  });

  test("is refused when it is asked for wrongly, as it always is", async () => {
    const wrong = ["idc=idc9", "use=both", "idc=idc1&idc=idc2", "ip=x", "wait=long", "idc=idc1use=consume"];
    for (const query of wrong) expect((await ask(`${route}?${query}`)).status, query).toBe(400);
  });

  test("is not sent to a HEAD", async () => {
    const response = await fetch(base + route, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("is not sent again while it is the same, and is when it has changed", async () => {
    const etag = (await ask(route)).headers.get("etag") ?? "";
    router.topic("other", "bs1");
    expect((await ask(route, { "if-none-match": etag })).status).toBe(304);
    router.show({ bs1: null, bs2: "idc2:1" });
    const changed = await ask(route, { "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.body.decision).toMatchObject({ idc: "idc2", why: "bs1: it has no master" });
  });

  test("can be waited for", async () => {
    const etag = (await ask(route)).headers.get("etag") ?? "";
    const startedAt = performance.now();
    expect((await ask(`${route}?wait=100ms`, { "if-none-match": etag })).status).toBe(304);
    expect(performance.now() - startedAt).toBeGreaterThan(90);
    const waiting = ask(`${route}?wait=30s`, { "if-none-match": etag });
    while ((await ask("/metrics")).body.match(/idc_router_subscribers\{kind="wait".*\} 1/) === null);
    router.show({ bs1: null, bs2: "idc2:1" });
    tell();
    expect((await waiting).body.decision.idc).toBe("idc2");
  });

  test("of a topic that the table does not have is looked up, and is 404 when nobody knows it", async () => {
    expect((await ask("/v1/topics/late/route")).body.brokers).toMatchObject([{ set: "bs2" }]);
    expect(await ask("/v1/topics/none/route")).toMatchObject({
      status: 404,
      body: { error: { code: "RTR_NO_TOPIC" } },
    });
    expect(await ask("/v1/topics/silent/route")).toMatchObject({ status: 503 });
    expect(standing.lookedUp).toEqual(["late", "none", "silent"]);
  });

  test("of a Kafka topic is its bootstrap servers", async () => {
    router.tell({ kind: "homes", homes: [{ topic: "events", cluster: "K1", zxid: 1n }] });
    const { body } = await ask("/v1/topics/events/route?idc=idc2");
    expect(reports.route.parse(body)).toMatchObject({
      kind: "kafka",
      bootstrap: ["k2:9092", "k1:9092"],
      router: "me",
      metadata: { source: "zk", zxid: "1" },
      client: { concurrency: 3 },
    });
  });

  test("that comes back to what it was has a higher revision than in between", async () => {
    router.tell({ kind: "homes", homes: [{ topic: "events", cluster: "K1", zxid: 1n }] });
    const revisions: number[] = [];
    for (const [nth, state] of ["active", "drained", "active"].entries()) {
      const text = JSON.stringify({
        schema: 1,
        idc: "idc2",
        state,
        weight: 100,
        epoch: nth + 1,
        reason: "a drill",
        at: 0,
      });
      router.tell({ kind: "ledgerChanged", key: "idcs/idc2", text, revision: BigInt(nth + 1) });
      const { body } = await ask("/v1/topics/events/route?idc=idc2");
      expect(body.bootstrap[0]).toBe(state === "drained" ? "k1:9092" : "k2:9092");
      revisions.push(body.revision);
    }
    expect(revisions).toEqual(revisions.toSorted((one, other) => one - other));
    expect(new Set(revisions).size).toBe(3);
  });

  test.each([
    [`${route}?idc=idc9`, "RTR_BAD_IDC"],
    [`${route}?use=drink`, "RTR_BAD_USE"],
    [`${route}?wait=1h`, "RTR_BAD_WAIT"],
    [`${route}?wait=61s`, "RTR_BAD_WAIT"],
    [`/v1/topics/${"x".repeat(300)}/route`, "RTR_BAD_TOPIC"],
    ["/v1/watch", "RTR_BAD_TOPICS"],
    [`/v1/watch?topics=${Array.from({ length: 101 }, (_, nth) => nth).join(",")}`, "RTR_BAD_TOPICS"],
    ["/v1/explain", "RTR_NO_TOPIC"],
    ["/v1/explain?topic=orders&topic=pay", "RTR_REPEATED"],
    ["/v1/watch?topics=orders&topics=pay", "RTR_REPEATED"],
    [`${route}?idc=idc1&idc=idc2`, "RTR_REPEATED"],
  ])("%s is refused", async (path, code) => {
    expect(await ask(path)).toMatchObject({ status: 400, body: { error: { code } } });
  });
});

describe("a watch", () => {
  test("gets each topic, each change, and after a break only what has changed meanwhile", async () => {
    router.topic("pay", "bs1", "bs2");
    const first = await watch("topics=orders,pay&idc=idc1");
    await first.until(2);
    expect(first.seen.map(({ data }) => data.topic)).toEqual(["orders", "pay"]);
    router.show({ bs1: null, bs2: "idc2:1" });
    tell();
    await first.until(4);
    expect(first.seen.slice(2).map(({ data }) => data.decision.idc)).toEqual(["idc2", "idc2"]);
    first.request.destroy();
    router.topic("pay", "bs2");
    tell();
    const again = await watch("topics=orders,pay&idc=idc1", { "last-event-id": first.seen.at(-1)?.id ?? "" });
    await again.until(1);
    expect(again.seen.map(({ data }) => data.topic)).toEqual(["pay"]);
    const strange = await watch("topics=orders,pay&idc=idc1", { "last-event-id": "another.9" });
    await strange.until(2);
  });

  test("is not begun by HEAD, which would take a place and never be told anything", async () => {
    expect((await fetch(`${base}/v1/watch?topics=orders`, { method: "HEAD" })).status).toBe(404);
  });

  test("is refused when there are too many, and room is made when one goes", async () => {
    const open = await Promise.all(Array.from({ length: subscribersMax }, () => watch("topics=orders")));
    const refused = await ask("/v1/watch?topics=orders");
    expect(refused).toMatchObject({ status: 503, body: { error: { code: "RTR_OVERLOADED" } } });
    expect(refused.headers.get("retry-after")).toBe("1");
    open[0]?.request.destroy();
    while ((await ask("/metrics")).body.match(/idc_router_subscribers\{kind="watch".*\} 2/) === null);
    await (await watch("topics=orders")).until(1);
  });
});

describe("too much", () => {
  test("of one address is answered with 429, and Retry-After", async () => {
    const answers = await Promise.all(Array.from({ length: 260 }, () => ask(route)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(429);
    expect(answers.find(({ status }) => status === 429)?.headers.get("retry-after")).toBe("1");
    expect((await ask("/readyz")).status).toBe(200);
  });

  test("for this process is answered with 503, but for health, until it has caught up", async () => {
    standing.lagMs = 1_500;
    expect(await ask(route)).toMatchObject({ status: 503, body: { error: { code: "RTR_OVERLOADED" } } });
    expect((await ask("/livez")).status).toBe(200);
    standing.lagMs = 10;
    expect((await ask(route)).status).toBe(200);
  });
});

test("nsaddr, bootstrap lists and explanations put the nearest first", async () => {
  expect((await ask("/rocketmq/nsaddr?idc=idc2")).body).toBe("r2:9886;r1:9886");
  const { body } = await ask("/v1/clusters/K1/bootstrap?idc=idc2");
  expect(reports.bootstrap.parse(body)).toMatchObject({ list: "k2:9092,k1:9092" });
  expect((await ask("/v1/clusters/none/bootstrap")).status).toBe(404);
  const explained = reports.explain.parse((await ask("/v1/explain?topic=orders&idc=idc1")).body);
  expect(explained.lines.join("\n")).toContain("So it sends to idc1: idc1 is near and well.");
});

test("readyz says no only when nothing is known at all", async () => {
  expect((await ask("/readyz")).status).toBe(200);
  router.silence();
  const { status, body } = await ask("/readyz?verbose");
  expect(status).toBe(200);
  expect(body).toContain("away: C1/ns1:1");
});

test("openapi.json lists what there is, and answers are as it says", async () => {
  const { body } = await ask("/openapi.json");
  expect(Object.keys(body.paths)).toEqual(routes.map(({ path }) => path));
  const shapes: Record<string, z.ZodType> = reports;
  for (const { path, answer } of routes) {
    if (["/v1/watch", "/v1/allocations", "/v1/telemetry"].includes(path)) continue;
    const real = path.replace("{topic}", "orders").replace("{cluster}", "K1");
    const answered = await ask(`${real}?topic=orders&idc=idc2`);
    expect(answered.status).toBe(200);
    const shape = shapes[answer];
    if (shape === undefined) expect(answered.headers.get("content-type")).toContain(answer);
    else expect(() => shape.parse(answered.body)).not.toThrow();
  }
});
