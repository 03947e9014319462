import { describe, expect, test } from "vitest";
import type { SetRequest } from "./controller-messages.ts";
import { contextOf, refusalIn, without } from "./requests.fixture.ts";
import { type Judgement, judge, type RequestContext } from "./requests.ts";
import { heldSet } from "./site.fixture.ts";

/** Which brokers a set has: 1011, 1012, 1013. Codes stand here as numbers, as brokers and mqadmin read them. */

describe("1011: a tool cleans brokers away", () => {
  type Cleaning = Extract<SetRequest, { kind: "cleanBroker" }>;
  const clean = (changes: Partial<Cleaning> = {}, context: Partial<RequestContext> = {}): Judgement => {
    const request = { kind: "cleanBroker", cluster: "C1", set: "bs1", ids: [3], living: false } as const;
    return judge({ ...request, ...changes }, contextOf({ isAlive: (id) => id !== 3, ...context }));
  };
  const isCleaned = (why: string) => ({ kind: "commit", answer: { kind: "cleanBroker" }, why });
  const alive = { code: 2_009, remark: "Broker 1, 2 of bs1 is alive, clean broker data failure" };

  test("of an unknown set: 2009", () => {
    const remark = "Broker bs1 is not existed,clean broker data failure.";
    expect(refusalIn(clean({}, { record: null }))).toEqual({ code: 2_009, remark });
  });

  test("of which some are alive: 2009", () => {
    expect(refusalIn(clean({ ids: [1, 2, 3] }))).toEqual(alive);
    expect(refusalIn(clean({ ids: null }))).toEqual(alive);
  });

  test("of which one is the recorded master, and others stay: 2009, also where living ones may go", () => {
    const remark = "Broker 1 is the recorded master of bs1: switch first, or clean the whole set";
    expect(refusalIn(clean({ ids: [1, 3] }, { isAlive: () => false }))).toEqual({ code: 2_009, remark });
    expect(refusalIn(clean({ ids: [1, 3], living: true }))).toEqual({ code: 2_009, remark });
  });

  test("is refused for who is alive before who is master", () => {
    expect(refusalIn(clean({ ids: [1, 2] }))).toEqual(alive);
  });

  test("takes those out of the set, and out of the in-sync set", () => {
    const record = { ...heldSet, unconfirmed: [2, 3] };
    const next = { ...without(heldSet, 3), inSync: [1, 2], unconfirmed: [2], inSyncEpoch: 21 };
    expect(clean({}, { record })).toEqual({ ...isCleaned("brokers are cleaned away"), next });
    const living = clean({ living: true }, { record, isAlive: () => true });
    expect(living).toEqual({ ...isCleaned("brokers are cleaned away"), next });
  });

  test("that were not in sync: the in-sync set has its epoch still", () => {
    const record = { ...heldSet, inSync: [1, 2] };
    expect(clean({}, { record })).toMatchObject({ next: { inSync: [1, 2], inSyncEpoch: 20 } });
  });

  test("that the set does not have: nothing changes", () => {
    expect(clean({ ids: [9] }, { isAlive: () => true })).toMatchObject({ kind: "commit", next: heldSet });
  });

  test("of a set without a master", () => {
    const record = { ...heldSet, master: null };
    expect(clean({}, { record })).toMatchObject({ kind: "commit", next: { inSync: [1, 2] } });
  });

  test("and with the last of them the set, its master too", () => {
    const gone = { ...isCleaned("the set is cleaned away"), next: null };
    expect(clean({ ids: null, living: true })).toEqual(gone);
    expect(clean({ ids: null }, { isAlive: () => false })).toEqual(gone);
    expect(clean({ ids: [1, 2, 3, 9] }, { isAlive: () => false })).toEqual(gone);
  });
});

describe("1012 and 1013: a broker wants an id", () => {
  const next = (context: Partial<RequestContext> = {}): Judgement =>
    judge({ kind: "nextBrokerId", cluster: "C1", set: "bs1" }, contextOf(context));
  const apply = (id: number, checkCode: string, context: Partial<RequestContext> = {}): Judgement =>
    judge({ kind: "applyBrokerId", cluster: "C1", set: "bs1", id, checkCode }, contextOf(context));
  const heard = (...ids: readonly number[]) => ({ unrecorded: () => ids });
  const free = (id: number) => ({ kind: "answer", answer: { kind: "nextBrokerId", cluster: "C1", set: "bs1", id } });
  const notRegistered = (id: number) => ({
    code: 2_014,
    remark: `Broker-set: bs1 hasn't been registered in controller, but broker try to apply brokerId: ${id}`,
  });
  const taken = (id: number) => ({ code: 2_014, remark: `Fail to apply brokerId: ${id} in broker-set: bs1` });
  const notAdopted = {
    code: 2_014,
    remark: "Brokers of bs1 are heard that are not on record (1, 2): idcctl set adopt C1/bs1",
  };
  const given = { kind: "applyBrokerId", cluster: "C1", set: "bs1" };
  const checkCode = "10.3.0.1:10911;4";
  const replica = { address: "10.3.0.1:10911", checkCode };

  test("the next id is one above those on record, and above those that are heard", () => {
    expect(next({ record: null })).toEqual(free(1));
    expect(next()).toEqual(free(4));
    expect(next({ record: without(heldSet, 2) })).toEqual(free(4));
    expect(next(heard(7))).toEqual(free(8));
  });

  test("while brokers of a set are heard that has no record: 2014", () => {
    expect(refusalIn(next({ record: null, ...heard(1, 2) }))).toEqual(notAdopted);
    expect(refusalIn(apply(1, checkCode, { record: null, ...heard(1, 2) }))).toEqual(notAdopted);
    expect(refusalIn(apply(2, checkCode, { record: null, ...heard(1, 2) }))).toEqual(notAdopted);
  });

  test.for([0, 2])("for %i in a set that begins: 2014", (id) => {
    expect(refusalIn(apply(id, checkCode, { record: null }))).toEqual(notRegistered(id));
  });

  test("for one that another check code has, or that is heard: 2014", () => {
    expect(refusalIn(apply(2, checkCode))).toEqual(taken(2));
    expect(refusalIn(apply(7, checkCode, heard(7)))).toEqual(taken(7));
  });

  test.for([0, -1, 1.5, 2 ** 53])("for %d, which is no id: 2014", (id) => {
    expect(refusalIn(apply(id, checkCode))).toEqual(taken(id));
  });

  test("a refusal has the names that were given", () => {
    expect(apply(2, checkCode)).toMatchObject({ answer: { cluster: "C1", set: "bs1" } });
  });

  test("for one that it has: it is the same broker", () => {
    expect(apply(2, "10.2.0.1:10911;2")).toEqual({ kind: "answer", answer: given });
    expect(apply(2, "10.2.0.1:10911;2", heard(7))).toEqual({ kind: "answer", answer: given });
  });

  test("for a free one", () => {
    const record = { ...heldSet, replicas: { ...heldSet.replicas, 4: replica } };
    expect(apply(4, checkCode)).toEqual({ kind: "commit", next: record, answer: given, why: "new broker" });
    expect(apply(1, checkCode, { record: without(heldSet, 1) })).toMatchObject({ kind: "commit", why: "new broker" });
  });

  test("for the first of a set, which is 1", () => {
    expect(apply(1, checkCode, { record: null })).toEqual({
      kind: "commit",
      next: {
        cluster: "C1",
        set: "bs1",
        epoch: 0,
        inSyncEpoch: 0,
        master: null,
        inSync: [],
        unconfirmed: [],
        replicas: { 1: replica },
        decision: null,
        frozen: null,
        failoversAt: [],
      },
      answer: given,
      why: "first broker",
    });
  });
});
