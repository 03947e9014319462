import { expect, test } from "vitest";
import { decide } from "./decide.ts";
import { candidate, down, input } from "./decision.fixture.ts";
import type { CandidateFacts, DecisionInput } from "./decision.ts";

/** Who becomes master where the record is of no use; recoveries by name and by progress are in decide.test.ts. */

const at = (maxOffset: bigint, epoch = 7): Partial<CandidateFacts> => ({
  reading: { epoch, maxOffset },
  reported: { epoch, maxOffset },
});
const unknown: Partial<CandidateFacts> = { inSync: false, confirmed: false };
const recovery = (candidates: readonly CandidateFacts[], changes: Partial<DecisionInput> = {}) =>
  decide(input({ kind: "recover", question: null, answers: [], candidates, ...changes }));
const outcome = (...of: Parameters<typeof recovery>) => {
  const verdict = recovery(...of);
  return verdict.kind === "elect" ? verdict.winner : verdict.reason;
};

test("who acts as master stays it, though a replica that was read a moment later has more", () => {
  const candidates = [candidate(1, at(1_000n)), candidate(2, at(1_400n)), candidate(3)];
  expect(recovery(candidates, { acting: [1] })).toMatchObject({
    winner: 1,
    why: "broker 1 acts as master, at epoch 7, offset 1,000",
  });
  expect(outcome(candidates, { acting: [] })).toBe(2);
});

test("who acts as master does not stay it where another one knows of a later epoch", () => {
  expect(outcome([candidate(1, at(1_000n)), candidate(2, at(1n, 8))], { acting: [1] })).toBe("behind");
});

test("a stale master outside a known in-sync set does not become master for acting as one", () => {
  const stale = candidate(1, { ...at(900n), inSync: false });
  expect(outcome([stale, candidate(2), candidate(3, down)], { acting: [1], inSync: [2, 3] })).toBe(2);
});

test("another one than who acts as master is named with force only: that one acknowledges messages", () => {
  const candidates = [candidate(1), candidate(2)];
  expect(recovery(candidates, { acting: [1], designated: 2 })).toMatchObject({
    reason: "behind",
    why: "broker 1 acts as master, and acknowledges messages",
  });
  expect(outcome(candidates, { acting: [1], designated: 2, forced: true })).toBe(2);
  expect(outcome(candidates, { acting: [1], designated: 1 })).toBe(1);
});

test("where nobody knows who is in sync every broker has to be read, and the furthest is elected", () => {
  const all = [candidate(1, { ...unknown, ...at(5n) }), candidate(2, { ...unknown, ...at(9n) })];
  expect(outcome(all, { inSync: [] })).toBe(2);
  expect(recovery([...all, candidate(3, { ...unknown, ...down })], { inSync: [] })).toMatchObject({
    reason: "unread",
    why: "nobody knows who is in sync, and broker 3 did not tell how far it is",
  });
  const named = { inSync: [], designated: 1 };
  expect(outcome(all, named)).toBe("behind");
  expect(outcome([...all, candidate(3, { ...unknown, ...down })], { ...named, forced: true })).toBe(1);
});

test("where nobody knows who is in sync, one that has less than it has told is not elected", () => {
  const cut = candidate(2, { ...unknown, reading: { epoch: 7, maxOffset: 900n } });
  expect(outcome([candidate(1, { ...unknown, ...at(5n) }), cut], { inSync: [] })).toBe("behind");
  expect(outcome([cut], { inSync: [] })).toBe("no-candidate");
});
