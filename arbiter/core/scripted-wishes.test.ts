import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { SetRecord } from "./model.ts";
import { firstMasterMs, type MemberSeen, type WishFacts, wishesOf } from "./scripted-wishes.ts";

const now = 100_000 as Instant;
const members = [
  { id: 2, address: "10.2.0.1:6379" },
  { id: 1, address: "10.1.0.1:6379" },
];
const replicas = Object.fromEntries(members.map(({ id, address }) => [id, { address, checkCode: `${address};${id}` }]));
const record: SetRecord = {
  cluster: "R1",
  set: "cache",
  epoch: 3,
  inSyncEpoch: 9,
  master: 1,
  inSync: [1, 2],
  unconfirmed: [],
  replicas,
  decision: null,
  frozen: null,
  failoversAt: [],
};
const told = (changes: Partial<MemberSeen> = {}): MemberSeen => ({
  at: now,
  reading: { epoch: 3, maxOffset: 10n },
  acting: false,
  inSync: null,
  times: 5,
  ...changes,
});
const master = told({ acting: true, inSync: [1, 2] });
const wishes = (
  changes: Partial<WishFacts> = {},
  seen: Readonly<Record<number, MemberSeen>> = { 1: master, 2: told() },
) =>
  wishesOf({
    cluster: "R1",
    set: "cache",
    record,
    members,
    seen: new Map(Object.entries(seen).map(([id, one]) => [Number(id), one])),
    completeSince: 0 as Instant,
    now,
    ...changes,
  });

describe("members that obey scripts", () => {
  test("wish for nothing while all is as it should be, or while they are not seen", () => {
    expect(wishes()).toEqual([]);
    expect(wishes({}, {})).toEqual([]);
  });

  test("take their ids one after the other, the first first", () => {
    expect(wishes({ record: null })).toEqual([
      {
        by: 1,
        request: { kind: "applyBrokerId", cluster: "R1", set: "cache", id: 1, checkCode: "10.1.0.1:6379;1" },
      },
    ]);
    const { 1: one } = replicas;
    expect(wishes({ record: { ...record, replicas: one === undefined ? {} : { 1: one } } })).toMatchObject([
      { by: 2, request: { kind: "applyBrokerId", id: 2 } },
    ]);
  });

  test("tell that they have moved", () => {
    const [two, one] = members;
    const moved = [two, { ...one, address: "10.1.0.9:6379" }] as typeof members;
    expect(wishes({ members: moved })).toEqual([
      { by: 1, request: { kind: "registerBroker", cluster: "R1", set: "cache", id: 1, address: "10.1.0.9:6379" } },
    ]);
  });

  test("get a first master when all have been there for a while: whoever acts as one, else the first", () => {
    const fresh = { ...record, epoch: 0, master: null, inSync: [] };
    const first = (id: number) => ({ by: id, request: expect.objectContaining({ kind: "electMaster", id }) });
    expect(wishes({ record: fresh }, { 1: told(), 2: told() })).toEqual([first(1)]);
    expect(wishes({ record: fresh }, { 1: told(), 2: told({ acting: true }) })).toEqual([first(2)]);
    expect(wishes({ record: fresh }, { 1: master, 2: master })).toEqual([]);
    expect(wishes({ record: fresh, completeSince: null })).toEqual([]);
    expect(wishes({ record: fresh, completeSince: (now - firstMasterMs + 1) as Instant })).toEqual([]);
  });

  test("tell the in-sync set as the master counts it, in its own epoch only", () => {
    const alone = { ...master, inSync: [] };
    expect(wishes({}, { 1: alone })).toEqual([
      { by: 1, request: { kind: "alterInSync", set: "cache", master: 1, epoch: 3, inSync: [1], inSyncEpoch: 9 } },
    ]);
    expect(wishes({}, { 1: { ...alone, reading: { epoch: 2, maxOffset: 10n } } })).toEqual([]);
    expect(wishes({}, { 1: { ...alone, inSync: null } })).toEqual([]);
    expect(wishes({}, { 1: { ...master, inSync: [7, 2] } })).toEqual([]);
  });

  test("say that a master does not act as one, when it is sure and nothing is under way", () => {
    const idle = { 1: told(), 2: told() };
    expect(wishes({}, idle)).toEqual([
      { by: 1, request: { kind: "electMaster", cluster: "R1", set: "cache", id: 1, designate: false } },
    ]);
    expect(wishes({}, { ...idle, 1: told({ times: 1 }) })).toEqual([]);
    expect(wishes({ record: { ...record, decision: "R1/cache/3" } }, idle)).toEqual([]);
  });

  test("are found out when they act as master out of turn: under an epoch that is over", () => {
    const stray = { 1: master, 2: told({ acting: true, reading: { epoch: -1, maxOffset: 0n } }) };
    expect(wishes({}, stray)).toEqual([
      { by: 2, request: { kind: "alterInSync", set: "cache", master: 2, epoch: 0, inSync: [2], inSyncEpoch: 0 } },
    ]);
    expect(wishes({}, { ...stray, 2: told({ acting: true }) })).toMatchObject([{ request: { epoch: 2 } }]);
    expect(wishes({ record: { ...record, decision: "R1/cache/3" } }, stray)).toEqual([]);
  });

  test("of a frozen set wish for nothing", () => {
    const frozen = { code: "operator", reason: "", at: 0, until: null } as const;
    expect(wishes({ record: { ...record, frozen } }, { 1: told(), 2: told() })).toEqual([]);
  });
});
