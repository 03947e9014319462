import { describe, expect, test } from "vitest";
import type { SetRequest } from "./controller-messages.ts";
import type { SetRecord } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import { contextOf, frozenAs, refusalIn, without } from "./requests.fixture.ts";
import { judge, type RequestContext } from "./requests.ts";
import { heldSet } from "./site.fixture.ts";
import { wishWaitMsMax } from "./timing.ts";

/** 1001: a master's wish to change the in-sync set. Codes stand here as numbers, as brokers read them. */

type Wish = Extract<SetRequest, { kind: "alterInSync" }>;

interface Asked {
  readonly wish: Wish;
  readonly context: RequestContext;
}

const twoInSync: SetRecord = { ...heldSet, inSync: [1, 2] };
/** Broker 3 comes for broker 2. */
const wish: Wish = { kind: "alterInSync", set: "bs1", master: 1, epoch: 7, inSync: [1, 3], inSyncEpoch: 20 };
const asked = (changes: Partial<Wish> = {}, context: Partial<RequestContext> = {}): Asked => ({
  wish: { ...wish, ...changes },
  context: contextOf({ record: twoInSync, ...context }),
});
const judged = ({ wish: request, context }: Asked) => judge(request, context);
const recordOf = ({ context }: Asked): SetRecord => context.record ?? twoInSync;
const withRecord = (of: Asked, record: SetRecord): Asked => ({ ...of, context: { ...of.context, record } });
const withWish = (of: Asked, changes: Partial<Wish>): Asked => ({ ...of, wish: { ...of.wish, ...changes } });

const survivesIdc = { ...usualPolicy, survive: "idc", degradeAfterMs: 30_000 } as const;
const rejecting = "Rejecting alter syncStateSet request because";

interface Fault {
  readonly fault: string;
  readonly code: number;
  readonly remark: string;
  readonly in: (of: Asked) => Asked;
}

/**
 * In the order of a stock controller's checks; the two that it does not have stand where ours makes them. What is wrong is put
 * into a wish so that a later fault stays one.
 * @source ReplicasInfoManager.alterSyncStateSet 5.3.3
 */
const faults: readonly Fault[] = [
  {
    fault: "the set is unknown",
    code: 2_013,
    remark: "Broker metadata is not existed",
    in: (of) => ({ ...of, context: { ...of.context, record: null } }),
  },
  {
    fault: "the ledger was restored",
    code: 2_013,
    remark: "The set is frozen: the ledger was restored",
    in: (of) => ({ ...of, context: { ...of.context, restored: true } }),
  },
  {
    fault: "the set is the same",
    code: 2_013,
    remark: "The newSyncStateSet is equal with oldSyncStateSet, no needed to update syncStateSet",
    in: (of) => withRecord(of, { ...recordOf(of), inSync: of.wish.inSync }),
  },
  {
    fault: "another one is master",
    code: 2_002,
    remark: `${rejecting} the current leader is:{2}, not {1}`,
    in: (of) => withRecord(of, { ...recordOf(of), master: 2 }),
  },
  {
    fault: "nobody is master",
    code: 2_002,
    remark: `${rejecting} the current leader is:{null}, not {1}`,
    in: (of) => withRecord(of, { ...recordOf(of), master: null }),
  },
  {
    fault: "the master's epoch is another",
    code: 2_000,
    remark: `${rejecting} the current master epoch is:{7}, not {6}`,
    in: (of) => withWish(of, { epoch: 6 }),
  },
  {
    fault: "the set's epoch is another",
    code: 2_001,
    remark: `${rejecting} the current syncStateSet epoch is:{20}, not {19}`,
    in: (of) => withWish(of, { inSyncEpoch: 19 }),
  },
  {
    fault: "a replica is unknown",
    code: 2_003,
    remark: `${rejecting} the replicas {3} don't exist`,
    in: (of) => withRecord(of, without(recordOf(of), 3)),
  },
  {
    fault: "a replica is not alive",
    code: 2_006,
    remark: `${rejecting} the replicas {3} don't alive`,
    in: (of) => ({ ...of, context: { ...of.context, isAlive: (id) => id !== 3 } }),
  },
  {
    fault: "the master is not in it",
    code: 2_013,
    remark: `${rejecting} the newSyncStateSet don't contains origin leader {1}`,
    in: (of) => withWish(of, { inSync: [3] }),
  },
  {
    fault: "it would leave the other IDC too early",
    code: 2_013,
    remark: `${rejecting} policy survive: idc keeps the set across IDCs for degradeAfterMs = 30000 ms`,
    in: (of) => ({ ...of, context: { ...of.context, policy: survivesIdc } }),
  },
];

const pairs = faults.flatMap((first, index) => faults.slice(index + 1).map((second) => ({ first, second })));

describe("a wish is refused where", () => {
  test.for(faults)("$fault: $code", ({ in: put, code, remark }) => {
    expect(refusalIn(judged(put(asked())))).toEqual({ code, remark });
  });

  test.for(pairs)("$first.fault, whether or not $second.fault", ({ first, second }) => {
    const { code, remark } = first;
    expect(refusalIn(judged(first.in(second.in(asked()))))).toEqual({ code, remark });
  });

  test.for(["ledger-behind", "duplicate-id"] as const)("the set is frozen as %s", (code) => {
    const remark = "The set is frozen: for this test";
    expect(refusalIn(judged(asked({}, { record: frozenAs(code) })))).toEqual({ code: 2_013, remark });
  });

  test("nobody is master", () => {
    expect(refusalIn(judged(asked({}, { record: { ...twoInSync, master: null } })))).toMatchObject({ code: 2_002 });
  });

  test.for([6, 8])("the master has epoch %i, and the record 7", (epoch) => {
    expect(refusalIn(judged(asked({ epoch })))).toMatchObject({ code: 2_000 });
  });

  test.for([19, 21])("the set that the master has is of epoch %i, and the record's of 20", (inSyncEpoch) => {
    expect(refusalIn(judged(asked({ inSyncEpoch })))).toMatchObject({ code: 2_001 });
  });

  test("the same set is told in another order, or twice", () => {
    const remark = "The newSyncStateSet is equal with oldSyncStateSet, no needed to update syncStateSet";
    expect(refusalIn(judged(asked({ inSync: [2, 1, 2] })))).toEqual({ code: 2_013, remark });
  });

  test("one replica is not alive, and one with a higher id unknown: the lower one is looked at first", () => {
    const context = { isAlive: (id: number) => id !== 3 };
    expect(refusalIn(judged(asked({ inSync: [9, 3, 1] }, context)))).toMatchObject({ code: 2_006 });
    const record = without(twoInSync, 2);
    expect(refusalIn(judged(asked({ inSync: [3, 2, 1] }, { ...context, record })))).toMatchObject({ code: 2_003 });
  });
});

describe("a wish is granted", () => {
  test("that takes a replica out: the set's epoch rises, and everybody in it is confirmed", () => {
    const record = { ...heldSet, unconfirmed: [3] };
    expect(judged(asked({ inSync: [1, 3] }, { record }))).toEqual({
      kind: "commit",
      next: { ...heldSet, inSync: [1, 3], inSyncEpoch: 21, unconfirmed: [] },
      answer: { kind: "alterInSync", inSync: [1, 3], inSyncEpoch: 21 },
      why: "in-sync set shrinks",
    });
  });

  test("that takes one in: that one is not confirmed yet", () => {
    expect(judged(asked({ inSync: [3, 2, 1] }))).toEqual({
      kind: "commit",
      next: { ...heldSet, inSync: [1, 2, 3], inSyncEpoch: 21, unconfirmed: [3] },
      answer: { kind: "alterInSync", inSync: [1, 2, 3], inSyncEpoch: 21 },
      why: "in-sync set grows",
    });
  });

  test("that takes one in for another", () => {
    expect(judged(asked())).toMatchObject({
      kind: "commit",
      next: { inSync: [1, 3], unconfirmed: [3] },
      why: "in-sync set grows",
    });
  });

  test("of a master that is not heard otherwise: it asks, so it is there", () => {
    expect(judged(asked({ inSync: [1] }, { isAlive: () => false }))).toMatchObject({ kind: "commit" });
  });

  test("while an operator has frozen the set: the freeze is about masters", () => {
    expect(judged(asked({}, { record: frozenAs("operator") }))).toMatchObject({ kind: "commit" });
  });
});

describe("with survive: idc a wish to leave the other IDC", () => {
  const wishedFor = (degradingMs: number) => judged(asked({}, { policy: survivesIdc, degradingMs }));
  const { degradeAfterMs } = survivesIdc;

  test("waits for its answer when it will be due before the master asks again, and not longer", () => {
    expect(refusalIn(wishedFor(degradeAfterMs - wishWaitMsMax - 1))).toMatchObject({ code: 2_013 });
    expect(wishedFor(degradeAfterMs - wishWaitMsMax)).toEqual({ kind: "wait" });
    expect(wishedFor(degradeAfterMs - 1)).toEqual({ kind: "wait" });
  });

  test("is granted when it is due", () => {
    expect(wishedFor(degradeAfterMs)).toMatchObject({ kind: "commit" });
  });

  test("is granted at once where the set is in one IDC already, or stays in both", () => {
    const inOne = asked({ inSync: [1] }, { policy: survivesIdc, record: { ...heldSet, inSync: [1, 3] } });
    expect(judged(inOne)).toMatchObject({ kind: "commit" });
    expect(judged(asked({ inSync: [1, 2, 3] }, { policy: survivesIdc }))).toMatchObject({ kind: "commit" });
  });
});
