import { expect, test } from "vitest";
import { readChain } from "../core/audit-faults.ts";
import type { SetName } from "../core/model.ts";
import { createStanding, type Standing } from "./testing/standing.ts";

const set = "C1/bs1" as SetName;
const options = { who: "alice", signal: new AbortController().signal };
const recovery = { kind: "recover", set, master: null, reason: "etcd was restored", force: false } as const;

/** Broker 2 is heard, and all probes so far have been answered with what it had then. */
function withBroker2(): Standing {
  const standing = createStanding();
  const beat = {
    cluster: "C1",
    set: "bs1",
    id: 2,
    address: "10.2.0.21:10911",
    epoch: 7,
    maxOffset: 1_000n,
    priority: 1,
  };
  standing.feed({ kind: "heartbeat", connection: 1, beat });
  answer(standing, standing.probes, 1_000n);
  return standing;
}

function answer(standing: Standing, probes: Standing["probes"], maxOffset: bigint): void {
  for (const { broker, sentAt } of [...probes]) {
    if (broker.id !== 2) continue;
    standing.feed({
      kind: "probed",
      broker,
      sentAt,
      outcome: { kind: "answered", reading: { epoch: 7, maxOffset }, acting: false },
    });
  }
}

test("a recovery waits for what every broker that is heard says now, not some seconds ago", async () => {
  const standing = withBroker2();
  standing.pass(1_000);
  const before = standing.probes.length;
  const done = standing.operate(recovery, options);
  const asked = standing.probes.slice(before);
  expect(asked.map(({ broker }) => broker.id)).toEqual([2]);
  expect(standing.core.state.mirror.sets.get(set)?.record?.value.epoch).toBe(7);
  answer(standing, asked, 4_000n);
  expect(await done).toEqual({ kind: "done", detail: expect.stringMatching(/^broker 2 is master of epoch /) });
  const [decision] = await standing.decisions(null, { limit: 1, signal: new AbortController().signal });
  expect(decision?.input.candidates.find(({ id }) => id === 2)?.reading?.maxOffset).toBe(4_000n);
  const { entries, faults } = readChain("idc1", await standing.auditChain("idc1", options.signal));
  expect(faults).toEqual([]);
  expect(entries).toMatchObject([
    { what: "recover", who: "alice", set, decision: decision?.id, reason: recovery.reason },
  ]);
});

test("a recovery goes on without a broker that does not answer, and refuses a second one meanwhile", async () => {
  const standing = withBroker2();
  standing.pass(1_000);
  const first = standing.operate(recovery, options);
  expect(await standing.operate(recovery, options)).toMatchObject({ kind: "refused", code: "ARB_BUSY" });
  standing.pass(500);
  expect(await first).toMatchObject({
    kind: "refused",
    code: "ARB_REFUSED",
    message: expect.stringContaining("broker 2: it did not tell how far it is"),
  });
});
