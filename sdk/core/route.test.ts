import fc from "fast-check";
import { expect, test } from "vitest";
import { readRoute } from "./route.ts";

const good = { topic: "orders", cluster: "K1", kind: "kafka", brokers: [], bootstrap: ["k:1", "k:1"], revision: 3 };

test("a route is read as far as it goes, and what is not known is left alone", () => {
  expect(readRoute({ ...good, later: { more: 1 }, client: { concurrency: 3.7, sendTimeoutMs: 1 } })).toMatchObject({
    topic: "orders",
    bootstrap: ["k:1"],
    chosen: "",
    stale: false,
    settings: { concurrency: 3 },
    order: { router: "", revision: 3, metadata: null },
  });
});

test.each([
  [null, "it is no object"],
  [{ ...good, topic: "" }, "topic is no name"],
  [{ ...good, cluster: 3 }, "cluster is no name"],
  [{ ...good, kind: "pulsar" }, 'kind is "pulsar"'],
  [{ ...good, brokers: [1] }, "brokers is no list of brokers"],
  [{ ...good, bootstrap: [1] }, "bootstrap is no list of addresses"],
  [{ ...good, revision: -1 }, "revision is no number"],
])("what is no route says why: %j", (value, why) => {
  expect(readRoute(value)).toBe(why);
});

test("whatever it is, reading throws nothing", () => {
  const broken = fc.record(
    {
      topic: fc.anything(),
      cluster: fc.anything(),
      kind: fc.constantFrom("kafka", "rocketmq", 1),
      brokers: fc.anything(),
      bootstrap: fc.anything(),
      revision: fc.anything(),
      metadata: fc.anything(),
      client: fc.anything(),
      decision: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        broken,
        broken.map((some) => ({ ...good, ...some })),
      ),
      (value) => {
        const read = readRoute(value);
        expect(typeof read === "string" || read.topic !== "").toBe(true);
      },
    ),
  );
});
