import { expect, test } from "vitest";
import { createStanding, type Standing } from "../io/testing/standing.ts";
import { setName } from "./model.ts";

/** Broker 1 is at this address; a copy of its disk has started at another one. */
const at = "10.1.0.21:10911";
const copyAt = "10.2.0.99:10911";
const name = setName("C1", "bs1");

test("a broker that is heard while another one asks for its place freezes the set", () => {
  const arbiter = createStanding();
  beat(arbiter);
  askAsCopy(arbiter);
  expect(frozenOf(arbiter)).toBeNull();
  beat(arbiter);
  expect(frozenOf(arbiter)).toMatchObject({ code: "duplicate-id", reason: expect.stringContaining(copyAt) });
});

test("a set that is thawed once the copy is off stays so, though the copy asked a moment ago", () => {
  const arbiter = createStanding();
  beat(arbiter);
  askAsCopy(arbiter);
  beat(arbiter);
  askAsCopy(arbiter);
  arbiter.pass(1_000);
  beat(arbiter);
  thaw(arbiter);
  expect(frozenOf(arbiter)).toBeNull();
  arbiter.pass(1_000);
  beat(arbiter);
  expect(frozenOf(arbiter)).toBeNull();
});

test("it stays so also where it was thawed before the next heartbeat", () => {
  const arbiter = createStanding();
  beat(arbiter);
  askAsCopy(arbiter);
  beat(arbiter);
  thaw(arbiter);
  arbiter.pass(100);
  beat(arbiter);
  expect(frozenOf(arbiter)).toBeNull();
});

test("a set that is thawed while the copy runs is frozen again", () => {
  const arbiter = createStanding();
  beat(arbiter);
  askAsCopy(arbiter);
  beat(arbiter);
  thaw(arbiter);
  askAsCopy(arbiter);
  beat(arbiter);
  expect(frozenOf(arbiter)).toMatchObject({ code: "duplicate-id" });
});

function thaw(arbiter: Standing): void {
  const request = { kind: "unfreeze", set: name, reason: "one of them is off" } as const;
  arbiter.feed({ kind: "operator", ask: 7, who: "alice", request });
}

function beat(arbiter: Standing): void {
  const offsets = { epoch: 7, maxOffset: 1_000n, priority: 1 };
  arbiter.feed({
    kind: "heartbeat",
    connection: 1,
    beat: { cluster: "C1", set: "bs1", id: 1, address: at, ...offsets },
  });
}

function askAsCopy(arbiter: Standing): void {
  const request = { kind: "registerBroker", cluster: "C1", set: "bs1", id: 1, address: copyAt } as const;
  arbiter.feed({ kind: "asked", ask: 1, connection: 2, request });
}

function frozenOf({ core }: Standing) {
  return core.state.mirror.sets.get(name)?.record?.value.frozen ?? null;
}
