import { describe, expect, test } from "vitest";
import type { ControllerAnswer, MasterInfo, SetRequest } from "./controller-messages.ts";
import { answerIn, contextOf, frozenAs, refusalIn, without } from "./requests.fixture.ts";
import { type Judgement, judge, type RequestContext } from "./requests.ts";
import { heldSet } from "./site.fixture.ts";

/** Who is master: 1002, 1003, 1004. Codes stand here as numbers, as brokers read them. */

const named: MasterInfo = { master: 1, address: "10.1.0.1:10911", epoch: 7, inSync: [1, 2, 3], inSyncEpoch: 20 };
const nobody: MasterInfo = { master: null, address: null, epoch: 0, inSync: [], inSyncEpoch: 0 };
const neverElected = { ...heldSet, epoch: 0, inSyncEpoch: 0, master: null, inSync: [] };
const vacant = { ...heldSet, master: null };
const deposed = { ...heldSet, master: 2 };
const nobodyYet = { kind: "wait" };

describe("1002: a broker asks for a master", () => {
  type Election = Extract<SetRequest, { kind: "electMaster" }>;
  const elect = (changes: Partial<Election> = {}, context: Partial<RequestContext> = {}): Judgement =>
    judge({ kind: "electMaster", cluster: "C1", set: "bs1", id: 2, designate: false, ...changes }, contextOf(context));
  const unregistered = { code: 2_010, remark: "Broker hasn't been registered" };
  const frozen = { code: 2_012, remark: "The set is frozen: for this test" };
  const unnamed = { code: 2_005, remark: "Name the broker that is to become master" };
  const elected = (code: number): ControllerAnswer => ({
    kind: "electMaster",
    code,
    cluster: "C1",
    set: "bs1",
    info: named,
    members: { 1: "10.1.0.1:10911", 2: "10.2.0.1:10911", 3: "10.1.0.2:10911" },
  });

  test("of an unknown set, or as a broker that the set does not have: 2010", () => {
    expect(refusalIn(elect({}, { record: null }))).toEqual(unregistered);
    expect(refusalIn(elect({ id: null }, { record: null }))).toEqual(unregistered);
    expect(refusalIn(elect({ id: 9 }))).toEqual(unregistered);
  });

  test.for(["operator", "ledger-behind", "duplicate-id"] as const)("of a set frozen as %s: 2012", (code) => {
    expect(refusalIn(elect({}, { record: frozenAs(code) }))).toEqual(frozen);
  });

  test("of a ledger that was restored: 2012", () => {
    const remark = "The set is frozen: the ledger was restored";
    expect(refusalIn(elect({}, { restored: true }))).toEqual({ code: 2_012, remark });
  });

  test("of a tool that names nobody: 2005", () => {
    expect(refusalIn(elect({ id: null, designate: true }))).toEqual(unnamed);
  });

  test("is refused for what is unknown before what is frozen, and for that before who is not named", () => {
    const record = frozenAs("operator");
    expect(refusalIn(elect({ id: 9 }, { record }))).toEqual(unregistered);
    expect(refusalIn(elect({ id: null, designate: true }, { record: null }))).toEqual(unregistered);
    expect(refusalIn(elect({ id: null, designate: true }, { record }))).toEqual(frozen);
  });

  test("is told who is master, once that is proven: 2011", () => {
    expect(elect()).toEqual({ kind: "prove", answer: elected(2_011) });
    expect(elect({ id: null })).toEqual({ kind: "prove", answer: elected(2_011) });
  });

  test.for([
    { when: "there never was one", context: { record: neverElected } },
    { when: "there is none now", context: { record: vacant } },
    { when: "all are asked whether he is down", context: { undecided: true } },
    { when: "the route does not show him yet", context: { mayBeTold: (id: number | null) => id !== 2 } },
  ])("waits while $when", ({ context }) => {
    expect(elect({}, context)).toEqual(nobodyYet);
  });

  test("as the recorded master: has he restarted?", () => {
    expect(elect({ id: 1 })).toEqual({ kind: "check" });
    expect(elect({ id: 1 }, { askedEpoch: 7 })).toEqual(nobodyYet);
    expect(elect({ id: 1 }, { askedEpoch: 6 })).toEqual({ kind: "prove", answer: elected(0) });
  });

  test("as another one: in which epoch it began to ask makes no difference", () => {
    expect(elect({}, { askedEpoch: 7 })).toEqual({ kind: "prove", answer: elected(2_011) });
  });

  test("by name waits until that one is master, and needs no route", () => {
    expect(elect({ designate: true })).toEqual(nobodyYet);
    const now = elect({ id: 1, designate: true }, { mayBeTold: () => false });
    expect(now).toEqual({ kind: "prove", answer: elected(0) });
  });
});

describe("1003: a broker starts", () => {
  type Registration = Extract<SetRequest, { kind: "registerBroker" }>;
  const register = (changes: Partial<Registration> = {}, context: Partial<RequestContext> = {}): Judgement => {
    const own = { cluster: "C1", set: "bs1", id: 2, address: "10.2.0.1:10911" };
    return judge({ kind: "registerBroker", ...own, ...changes }, contextOf(context));
  };
  const told = (info: MasterInfo): ControllerAnswer => ({
    kind: "registerBroker",
    cluster: "C1",
    set: "bs1",
    info,
  });
  const moved = { address: "10.2.0.9:10911" };

  test("of an unknown set: 2010, with the names that it gave", () => {
    const remark = "Broker-set: bs1 hasn't been registered in controller";
    const answer = { kind: "refused", code: 2_010, remark, cluster: "C1", set: "bs1" };
    expect(register({}, { record: null })).toEqual({ kind: "answer", answer });
  });

  test("under an id that the set does not have: 2010, wherever it is", () => {
    const remark = "BrokerId: 9 hasn't been registered in broker-set: bs1";
    expect(refusalIn(register({ id: 9 }))).toEqual({ code: 2_010, remark });
    expect(refusalIn(register({ ...moved, id: 9 }))).toEqual({ code: 2_010, remark });
  });

  test("elsewhere than the one of its id is heard: 2014, with the names that it gave", () => {
    const answer = answerIn(register(moved));
    expect(answer).toMatchObject({ kind: "refused", code: 2_014, cluster: "C1", set: "bs1" });
    expect(answer).toHaveProperty("remark", expect.stringContaining("Broker 2 of bs1 is heard at 10.2.0.1:10911"));
  });

  test("elsewhere, and its old address is silent: it has moved", () => {
    expect(register(moved, { isAlive: (id) => id !== 2 })).toEqual({
      kind: "commit",
      next: { ...heldSet, replicas: { ...heldSet.replicas, 2: { ...heldSet.replicas[2], ...moved } } },
      answer: told(named),
      why: "another address",
    });
  });

  test("is told who is master, once that is proven", () => {
    expect(register()).toEqual({ kind: "prove", answer: told(named) });
    expect(register({}, { record: frozenAs("operator") })).toEqual({ kind: "prove", answer: told(named) });
  });

  test.for([
    { when: "there is none", context: { record: vacant } },
    { when: "it is the recorded one itself", context: { record: deposed } },
    { when: "all are asked whether he is down", context: { undecided: true } },
    { when: "the route does not show him yet", context: { mayBeTold: (id: number | null) => id !== 2 } },
  ])("is told of no master where $when", ({ context }) => {
    expect(register({}, context)).toEqual({ kind: "answer", answer: told(nobody) });
  });

  test.for([{ restored: true }, { record: frozenAs("ledger-behind") }, { record: frozenAs("duplicate-id") }])(
    "is told of no master where nobody knows who is right: %j",
    (context) => {
      expect(answerIn(register({}, context))).toEqual(told(nobody));
    },
  );
});

describe("1004: a broker looks", () => {
  const look = (context: Partial<RequestContext> = {}): Judgement =>
    judge({ kind: "replicaInfo", set: "bs1" }, contextOf({ caller: 2, ...context }));
  const told = (info: MasterInfo): ControllerAnswer => ({ kind: "replicaInfo", info });

  test("for an unknown set: 2008", () => {
    const unknown = { code: 2_008, remark: "Broker metadata is not existed" };
    expect(refusalIn(look({ record: null }))).toEqual(unknown);
    expect(refusalIn(look({ record: null, restored: true, mayBeTold: () => false }))).toEqual(unknown);
  });

  test("is told who is master, once that is proven", () => {
    expect(look()).toEqual({ kind: "prove", answer: told(named) });
    expect(look({ record: frozenAs("operator") })).toEqual({ kind: "prove", answer: told(named) });
  });

  test("at a set that never had one is told that", () => {
    const record = { ...neverElected, inSyncEpoch: 3, inSync: [1] };
    expect(look({ record })).toEqual({ kind: "answer", answer: told({ ...nobody, inSync: [1], inSyncEpoch: 3 }) });
  });

  test.for([
    { record: vacant },
    { restored: true },
    { record: frozenAs("ledger-behind") },
    { record: frozenAs("duplicate-id") },
    { mayBeTold: (id: number | null) => id !== 2 },
    { waitsForRoute: (id: number | null) => id === 2 },
  ])("is told of no master, and of no epoch that it could obey: %j", (context) => {
    expect(look(context)).toEqual({ kind: "answer", answer: told(nobody) });
  });

  test("a master whose address is not on record is told without it", () => {
    expect(answerIn(look({ record: without(heldSet, 1) }))).toEqual(told({ ...named, address: null }));
  });
});
