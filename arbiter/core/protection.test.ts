import { expect, test } from "vitest";
import { losslessSettings } from "./decision.fixture.ts";
import type { BrokerSettings } from "./events.ts";
import type { SetRecord } from "./model.ts";
import { protectionOf } from "./protection.ts";

/** Brokers 1 and 3 are in idc1, 2 in idc2; 1 is master. */
const record: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2, 3],
  unconfirmed: [],
  replicas: {},
  decision: null,
  frozen: null,
  failoversAt: [],
};
const strict = losslessSettings;
const lax = { ...strict, allAckInSyncStateSet: false };
const idcOf = (id: number) => (id === 9 ? "" : id % 2 === 0 ? "idc2" : "idc1");
const levelOf = (changes: Partial<SetRecord>, settings: Record<number, BrokerSettings | null> = {}) => {
  const known = new Map(
    Object.entries({ 1: strict, 2: strict, 3: strict, ...settings }).map(([id, of]) => [Number(id), of]),
  );
  return protectionOf({ ...record, ...changes }, known, idcOf);
};

test("a set whose in-sync set spans two IDCs survives an IDC", () => {
  expect(levelOf({})).toEqual({ level: "idc", why: "" });
  expect(levelOf({ inSync: [1, 2] })).toEqual({ level: "idc", why: "" });
});

test("a set within one IDC survives a broker", () => {
  expect(levelOf({ inSync: [1, 3] })).toEqual({ level: "broker", why: "the in-sync set is within idc1" });
  expect(levelOf({ inSync: [1, 9] })).toEqual({ level: "broker", why: "the in-sync set is within idc1" });
});

test("a master alone survives nothing", () => {
  expect(levelOf({ inSync: [1] })).toEqual({ level: "none", why: "the in-sync set is broker 1 alone" });
});

test("members that the master may not count yet protect nothing", () => {
  expect(levelOf({ inSync: [1, 2], unconfirmed: [2] })).toEqual({
    level: "none",
    why: "the in-sync set is broker 1 alone; broker 2 is not confirmed yet",
  });
  expect(levelOf({ unconfirmed: [2] }).level).toBe("broker");
  expect(levelOf({ unconfirmed: [3] }).level).toBe("idc");
});

test("an in-sync member that acknowledges on its own protects nothing: it may be the next master", () => {
  expect(levelOf({}, { 3: lax, 1: lax })).toEqual({
    level: "none",
    why: "allAckInSyncStateSet is false at broker 1 and 3",
  });
  expect(levelOf({}, { 2: lax }).level).toBe("none");
  expect(levelOf({ inSync: [1, 2] }, { 3: lax }).level).toBe("idc");
});

test("only the master's settings must be known: who does not answer is waited for by every acknowledgement", () => {
  expect(levelOf({}, { 2: null }).level).toBe("idc");
  expect(levelOf({}, { 1: null })).toEqual({ level: "none", why: "the settings of broker 1 are not known" });
  expect(protectionOf(record, new Map(), idcOf).level).toBe("none");
});

test("a set without a master is not protected", () => {
  expect(levelOf({ master: null })).toEqual({ level: "none", why: "the set has no master" });
});

test("minInSyncReplicas and asynchronous flush take nothing away", () => {
  expect(levelOf({}, { 1: { ...strict, minInSyncReplicas: 2, flushDiskType: "SYNC_FLUSH" } }).level).toBe("idc");
});
