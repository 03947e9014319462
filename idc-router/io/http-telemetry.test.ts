import { afterEach, beforeEach, expect, test } from "vitest";
import { nearestAllocator, telemetryBounds } from "#lib/telemetry.ts";
import { askAt } from "./testing/asking.ts";
import { createStanding, type Standing } from "./testing/standing.ts";

/** What clients tell of themselves, over the HTTP door. */

let standing: Standing;
let base: string;

beforeEach(async () => {
  standing = await createStanding();
  ({ base } = standing);
});
afterEach(() => standing.close());

const ask = (path: string, headers?: Record<string, string>) => askAt(base, path, headers);

const tally = (bounds: readonly number[], at: number, sum: number) => ({
  counts: Array.from({ length: bounds.length + 1 }, (_, nth) => Number(nth === at)),
  sum,
});
const report = (more: object = {}) => ({
  client: "c1",
  number: 1,
  version: "0.1.0",
  idc: "idc1",
  produced: [
    {
      idc: "idc2",
      acknowledged: 1,
      failed: 2,
      seconds: tally(telemetryBounds.seconds, 2, 0.004),
      bytes: tally(telemetryBounds.bytes, 0, 20),
    },
  ],
  consumed: [],
  groups: [],
  ...more,
});
async function post(path: string, body: object) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const series = async (name: string): Promise<string[]> =>
  (await ask("/metrics")).body.split("\n").filter((line: string) => line.startsWith(name));

test("what a client reports is in the metrics once, under the config's IDCs, and refused when it is none", async () => {
  expect(await post("/v1/telemetry", report())).toEqual({ status: 200, body: { counted: true } });
  expect(await post("/v1/telemetry", report())).toEqual({ status: 200, body: { counted: false } });
  await post("/v1/telemetry", report({ client: "c2", idc: "made up", version: "9" }));
  const labels = (name: string, way: string) => expect.stringMatching(new RegExp(`^${name}\\{.*${way}.*\\} `));
  const messages = await series("idc_router_client_messages_total{");
  expect(messages).toHaveLength(4);
  expect(messages).toContainEqual(expect.stringMatching(/from="idc1",to="idc2",outcome="failed".*\} 2$/));
  expect(messages).toContainEqual(labels("idc_router_client_messages_total", 'from="other",to="idc2"'));
  const sends = await series("idc_router_client_send_duration_seconds");
  expect(sends).toContainEqual(expect.stringMatching(/_bucket\{le="0.005",from="idc1".*\} 1$/));
  expect(sends).toContainEqual(expect.stringMatching(/_bucket\{le="0.0025",from="idc1".*\} 0$/));
  expect(sends).toContainEqual(expect.stringMatching(/_sum\{from="idc1".*\} 0.004$/));
  expect(await series("idc_router_clients{")).toHaveLength(2);
  const bad = await post("/v1/telemetry", report({ produced: [{ idc: "idc2" }] }));
  expect(bad).toMatchObject({ status: 400, body: { error: { code: "RTR_BAD_TELEMETRY" } } });
});

test("status names groups that mix allocators", async () => {
  const groups = [{ topic: "events", group: "g", allocator: "RoundRobinAssigner" }];
  await post("/v1/telemetry", report({ groups }));
  expect((await series("idc_router_mixed_groups"))[0]).toMatch(/ 1$/);
  expect((await ask("/v1/status")).body.mixedGroups).toMatchObject([{ topic: "events", group: "g" }]);
  await post("/v1/telemetry", report({ number: 2, groups: [{ ...groups[0], allocator: nearestAllocator }] }));
  expect((await ask("/v1/status")).body.mixedGroups).toEqual([]);
});

test("what a newer client tells beyond what is known here is no reason to refuse the rest", async () => {
  const [produced] = report().produced;
  const groups = [{ topic: "events", group: "g", allocator: "RoundRobinAssigner", since: 3 }];
  const newer = report({
    memory: 1,
    produced: [{ ...produced, retried: 1, seconds: { ...produced?.seconds, max: 4 } }],
    groups,
  });
  expect(await post("/v1/telemetry", newer)).toEqual({ status: 200, body: { counted: true } });
  expect(await series("idc_router_client_messages_total{")).toContainEqual(
    expect.stringMatching(/outcome="failed".*\} 2$/),
  );
  expect((await ask("/v1/status")).body.mixedGroups).toHaveLength(1);
});
