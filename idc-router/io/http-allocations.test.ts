import { afterEach, beforeEach, expect, test } from "vitest";
import { memberAgeMsMax } from "../core/clients.ts";
import { reports } from "./api.ts";
import { askAt } from "./testing/asking.ts";
import { createStanding, type Standing } from "./testing/standing.ts";

/** Which consumer reads which queue, over the HTTP door. */

let standing: Standing;
let base: string;

beforeEach(async () => {
  standing = await createStanding();
  ({ base } = standing);
});
afterEach(() => standing.close());

async function allocate(body: object) {
  const response = await fetch(`${base}/v1/allocations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}
const consumers = [
  { id: "a", idc: "idc1" },
  { id: "b", idc: "idc2", has: ["bs2:0"] },
];

test("an allocation gives a topic's queues to consumers of their own IDC", async () => {
  const { status, body } = await allocate({ topic: "orders", consumers });
  expect(status).toBe(200);
  expect(reports.allocation.parse(body).allocation).toEqual({
    a: ["bs1:0", "bs1:1", "bs1:2", "bs1:3"],
    b: ["bs2:0", "bs2:1", "bs2:2", "bs2:3"],
  });
});

test("an allocation gives out queues that the caller names", async () => {
  const queues = [{ id: "0", idc: "idc2" }, { id: "1", idc: "idc1" }, { id: "2" }];
  expect(await allocate({ queues, consumers })).toMatchObject({
    status: 200,
    body: { allocation: { a: ["1", "2"], b: ["0"] } },
  });
});

test.each([
  [{ topic: "orders" }, 400, "RTR_BAD_ALLOCATION"],
  [{ consumers }, 400, "RTR_BAD_ALLOCATION"],
  [{ topic: "orders", queues: [], consumers }, 400, "RTR_BAD_ALLOCATION"],
  [{ topic: "orders", consumers: [...consumers, ...consumers] }, 400, "RTR_BAD_ALLOCATION"],
  [{ topic: "orders", group: "billing", by: "stranger", consumers }, 400, "RTR_BAD_ALLOCATION"],
  [{ topic: "none", consumers }, 404, "RTR_NO_TOPIC"],
])("an allocation for %j is refused", async (body, status, code) => {
  expect(await allocate(body)).toMatchObject({ status, body: { error: { code } } });
});

test("a group that spans two IDCs is not taken for a mixed one, and one with a member beside it that never asks is", async () => {
  const asking = async (...members: object[]): Promise<unknown> => {
    for (let nth = 0; nth < 4; nth += 1) {
      await allocate({ topic: "orders", group: "billing", by: "a", consumers: members });
      standing.router.pass(memberAgeMsMax / 2);
    }
    return (await askAt(base, "/v1/status")).body.mixedGroups;
  };
  expect(await asking(...consumers)).toEqual([]);
  // The address of who asks is in idc1.
  expect(await asking({ id: "a" }, { id: "b", idc: "idc2" })).toEqual([]);
  expect(await asking(...consumers, { id: "c", idc: "idc1" })).toMatchObject([{ group: "billing" }]);
});
