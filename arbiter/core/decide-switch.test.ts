import { describe, expect, test } from "vitest";
import { decide } from "./decide.ts";
import { candidate, input, planned, question } from "./decision.fixture.ts";
import type { CandidateFacts, DecisionInput } from "./decision.ts";
import { usualPolicy } from "./policy-forms.ts";
import { epochMax } from "./verdict.ts";

const at = (maxOffset: bigint, epoch = 7): Partial<CandidateFacts> => ({
  reading: { epoch, maxOffset },
  reported: { epoch, maxOffset },
});
const candidates = (...list: readonly CandidateFacts[]): Partial<DecisionInput> => ({ candidates: list });
const decided = (...changes: readonly Partial<DecisionInput>[]) => decide(input(Object.assign({}, ...changes)));

describe("a planned switch", () => {
  const asked: Partial<DecisionInput> = {
    kind: "switch",
    planned,
    question: null,
    answers: [],
    designated: 2,
    candidates: [candidate(1), candidate(2), candidate(3, { reading: null })],
  };
  const switched = (...changes: readonly Partial<DecisionInput>[]) => decided(asked, ...changes);
  const two = (changes: Partial<CandidateFacts>) => switched(candidates(candidate(1), candidate(2, changes)));

  test("makes the named replica master when both are at the same end", () => {
    expect(switched()).toEqual({
      kind: "elect",
      winner: 2,
      epoch: 8,
      inSyncEpoch: 21,
      knownLag: 0n,
      rejected: [
        { id: 1, reason: "not-designated", detail: "it is at epoch 7, offset 1,000" },
        { id: 3, reason: "not-designated", detail: "not read" },
      ],
      why: "a switch names broker 2 (an upgrade); broker 1 refuses messages, and both end at 1,000",
    });
  });

  test("is refused while the old master has more, or was not read twice at the same end", () => {
    expect(two(at(999n))).toMatchObject({ reason: "behind", why: "broker 2 lacks 1 byte of broker 1" });
    expect(two(at(1_001n))).toMatchObject({ reason: "behind", why: "broker 2 has 1 byte more than broker 1" });
    expect(switched({ gathered: false })).toMatchObject({ reason: "gathering" });
    expect(switched(candidates(candidate(1, { reading: null }), candidate(2)))).toMatchObject({ reason: "unread" });
    expect(switched(candidates(candidate(2)))).toMatchObject({ reason: "unread" });
  });

  test("does not compare epochs of readings: one without a message is in no broker's file", () => {
    expect(two({ reading: { epoch: 6, maxOffset: 1_000n }, reported: null })).toMatchObject({ winner: 2 });
  });

  test("takes nobody who is out of sync, unconfirmed, cut, unread, or heard nowhere", () => {
    expect(two({ inSync: false })).toMatchObject({ reason: "not-in-sync" });
    expect(two({ confirmed: false })).toMatchObject({ reason: "unconfirmed" });
    expect(two({ reading: { epoch: 7, maxOffset: 999n } })).toMatchObject({ reason: "lost-tail" });
    expect(two({ reading: null })).toMatchObject({ reason: "unread" });
    expect(two({ aliveAt: [] })).toMatchObject({ reason: "not-alive" });
    expect(two({ aliveAt: ["idc1"] })).toMatchObject({ winner: 2 });
    expect(switched(candidates(candidate(1)))).toMatchObject({ reason: "no-candidate" });
  });

  test("is of one master in one epoch", () => {
    expect(switched({ master: 3 })).toMatchObject({ reason: "not-designated" });
    expect(switched({ epoch: 8 })).toMatchObject({
      reason: "not-designated",
      why: "switch 7.1 is from broker 1 of epoch 7 to broker 2; the master is broker 1 of epoch 8",
    });
    expect(switched({ planned: null })).toMatchObject({ reason: "not-designated" });
  });

  test("is refused in a frozen set, by a ledger that is behind, and at the last epoch", () => {
    expect(switched({ policy: { ...usualPolicy, frozen: true } })).toMatchObject({ reason: "frozen" });
    expect(switched(candidates(candidate(1), candidate(2), candidate(3, at(1n, 8))))).toMatchObject({
      reason: "ledger-behind",
    });
    const last = { epoch: epochMax, planned: { ...planned, epoch: epochMax } };
    expect(switched(last)).toMatchObject({ reason: "epoch-limit" });
  });

  test("asks for no majority that says down, and for no protection", () => {
    expect(switched({ question, policy: { ...usualPolicy, rpo: "zero" } })).toMatchObject({ winner: 2 });
  });
});

describe("a switch that is taken back", () => {
  const back: Partial<DecisionInput> = {
    kind: "switch-back",
    planned: { ...planned, stage: "restoring", decided: 8 },
    epoch: 8,
    inSyncEpoch: 21,
    master: 2,
    inSync: [2],
    question: null,
    answers: [],
    designated: 1,
    candidates: [candidate(1, { inSync: false, ...at(1_200n) }), candidate(2)],
  };
  const taken = (...changes: readonly Partial<DecisionInput>[]) => decided(back, ...changes);

  test("gives the set back to the old master when that has more", () => {
    expect(taken()).toMatchObject({
      winner: 1,
      epoch: 9,
      inSyncEpoch: 22,
      knownLag: 0n,
      why: "the switch to broker 2 is taken back before it was promoted: broker 1 has 200 bytes that broker 2 does not have; broker 1 is at epoch 7, offset 1,200",
    });
  });

  test("or when the new one cannot be read", () => {
    const gone = candidate(2, { reading: null, aliveAt: [] });
    expect(taken(candidates(candidate(1, { inSync: false }), gone))).toMatchObject({
      winner: 1,
      why: expect.stringContaining("broker 2 cannot be read"),
    });
  });

  test("is not where there is nothing to lose, or nobody to give it to", () => {
    expect(taken(candidates(candidate(1), candidate(2)))).toMatchObject({ reason: "behind" });
    expect(taken(candidates(candidate(1), candidate(2, at(1_001n))))).toMatchObject({ reason: "behind" });
    expect(taken(candidates(candidate(1, { reading: null }), candidate(2)))).toMatchObject({ reason: "unread" });
    expect(taken(candidates(candidate(1, { aliveAt: [] }), candidate(2)))).toMatchObject({ reason: "not-alive" });
    expect(taken({ planned: null })).toMatchObject({ reason: "not-designated" });
    expect(taken({ epoch: 9 })).toMatchObject({ reason: "not-designated" });
  });
});
