import { expect, test } from "vitest";
import { input, question } from "../../../arbiter/core/decision.fixture.ts";
import type { DecisionRecord } from "../../../arbiter/core/decision.ts";
import { encodeDecision, encodeRefusal } from "../../../arbiter/core/decision-records.ts";
import type { LedgerEntry } from "../../../arbiter/core/events.ts";
import { type SetRecord, setName } from "../../../arbiter/core/model.ts";
import { encodeQuestion, encodeSet } from "../../../arbiter/core/records.ts";
import { decidedSet, decision, heldSet } from "../../../arbiter/core/site.fixture.ts";
import { judgePhases } from "./phases.ts";
import { cluster, set } from "./places.ts";

const name = setName(cluster, set);
const ofSet = (record: SetRecord): [string, string] => [`sets/${name}`, encodeSet({ ...record, cluster, set })];
const ofQuestion: [string, string] = [`questions/${name}`, encodeQuestion({ ...question, cluster, set })];
const ofDecision = (changes: Partial<DecisionRecord> = {}): [string, string] => [
  `decisions/${name}/8`,
  encodeDecision({ ...decision, ...changes }),
];
const ofRefusal: [string, string] = [
  `refusals/${name}`,
  encodeRefusal({ question: question.id, site: "idc1", at: 1, reason: "no-candidate", why: "", rejected: [] }, name),
];

function judge(
  before: readonly [string, string][],
  puts: readonly [string, string][],
  deletes: readonly string[] = [],
): void {
  const ledger = new Map<string, LedgerEntry>(before.map(([key, text]) => [key, { key, text, revision: 1n }]));
  judgePhases({ compares: [], puts: puts.map(([key, text]) => ({ key, text, onLease: false })), deletes }, ledger);
}

test("a move that the arbiters' table has passes, and so does what moves nothing", () => {
  judge([], [ofSet({ ...heldSet, epoch: 0, master: null })]);
  judge([ofSet(heldSet)], [ofQuestion]);
  judge([ofSet(heldSet), ofQuestion], [ofRefusal]);
  judge([ofSet(heldSet), ofQuestion, ofRefusal], [ofDecision(), ofSet(decidedSet)], [ofQuestion[0], ofRefusal[0]]);
  judge([ofSet(decidedSet)], [ofSet({ ...decidedSet, decision: null })]);
  judge([ofSet(heldSet)], [], [`sets/${name}`]);
});

test("a move that the table does not have is reported, with both phases and epochs", () => {
  expect(() => judge([ofSet(heldSet)], [ofQuestion, ofRefusal])).toThrow(
    "the set went from held, epoch 7, to blocked, epoch 7 (nothing decided): no row says why",
  );
});

test("a decision out of a phase in which nobody is elected is reported, where a recovery is not", () => {
  expect(() => judge([ofSet(heldSet)], [ofDecision(), ofSet(decidedSet)])).toThrow(
    "the set went from held, epoch 7, to installing, epoch 8 (an election): no row says why",
  );
  judge([ofSet(heldSet)], [ofDecision({ input: input({ kind: "recover" }) }), ofSet(decidedSet)]);
});

test("another epoch without a decision's phase is reported, although the table has that way under one epoch", () => {
  expect(() =>
    judge([ofSet(heldSet), ofQuestion], [ofDecision(), ofSet({ ...decidedSet, decision: null })], [ofQuestion[0]]),
  ).toThrow("the set went from suspected, epoch 7, to held, epoch 8 (an election): no row says why");
});
