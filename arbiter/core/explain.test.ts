import { expect, test } from "vitest";
import { decide } from "./decide.ts";
import { answer, candidate, down, input, planned, question, threeSites } from "./decision.fixture.ts";
import type { DecisionInput, DecisionRecord } from "./decision.ts";
import { explainDecision, replayDecision } from "./explain.ts";
import { usualPolicy } from "./policy-forms.ts";

function recordOf(changes: Partial<DecisionInput> = {}): DecisionRecord {
  const of = input(changes);
  const verdict = decide(of);
  if (verdict.kind === "refuse") throw new Error(verdict.why);
  return { id: `C1/bs1/${verdict.epoch}`, input: of, verdict, decidedBy: "idc2", at: 1_003_000, effects: {} };
}

const linesOf = (changes: Partial<DecisionInput>) => explainDecision(recordOf(changes));

test("a record decides the same again", () => {
  const record = recordOf();
  expect(replayDecision(record)).toEqual({ same: true, verdict: record.verdict });
});

test("a record that was altered does not", () => {
  const record = recordOf();
  const others: Partial<DecisionRecord["verdict"]>[] = [
    { winner: 3 },
    { epoch: 9 },
    { knownLag: 1n },
    { knownLag: null },
    { why: "" },
    { rejected: [] },
  ];
  for (const other of others)
    expect(replayDecision({ ...record, verdict: { ...record.verdict, ...other } }).same).toBe(false);
});

test("with another policy it tells what would have been", () => {
  const { same, verdict } = replayDecision(recordOf(), { ...usualPolicy, rpo: "zero" });
  expect([same, verdict]).toMatchObject([false, { kind: "refuse", reason: "not-protected" }]);
  expect(replayDecision(recordOf(), { ...usualPolicy, preferIdcs: ["idc1"] })).toMatchObject({
    same: false,
    verdict: { winner: 3 },
  });
});

test("who did not answer is named, and answers to another question are not told", () => {
  const answers = [
    answer("idc2", "silent", { at: 1_000_250 }),
    answer("witness", "silent", { at: 999_990 }),
    answer("idc1", "alive", { question: "6.1" }),
  ];
  const lines = linesOf({ answers });
  expect(lines.slice(lines.indexOf("Question 7.1: is broker 1 down?") + 2, lines.indexOf("Brokers:"))).toEqual([
    "  idc1     no answer",
    "  idc2     silent, after 250 ms: ",
    "  witness  silent, 10 ms before by its clock: ",
  ]);
});

test("a forced recovery has its reason, and no question", () => {
  const lines = linesOf({
    kind: "recover",
    designated: 2,
    forced: true,
    question: null,
    answers: [],
    reason: "idc1 is moved",
    candidates: [candidate(1), candidate(2, { inSync: false, confirmed: false, idc: "", reported: null })],
    policy: { ...usualPolicy, rpo: "bounded", maxLostBytes: 4_096n, preferIdcs: ["idc2", "idc1"] },
    protection: { level: "broker", why: "the in-sync set is within idc1", at: 0 },
  });
  expect(lines).toEqual([
    "Decision C1/bs1/1003: broker 2 is master of epoch 1003",
    "  a recovery of the record, by an operator; decided by idc2 at 1970-01-01 00:16:43.000 UTC",
    "  reason: idc1 is moved",
    "Before: broker 1 was master of epoch 7; in sync: 1, 2, 3",
    "Brokers:",
    "  broker 1 of idc1: not-designated: it is at epoch 7, offset 1,000",
    "    in sync; read: epoch 7, offset 1,000; told: epoch 7, offset 1,000; priority 0",
    "  broker 2 of no IDC: elected",
    "    not in sync; read: epoch 7, offset 1,000; told nothing; priority 0",
    "Policy: rpo bounded to 4,096 bytes; survive broker; unclean deny; prefers idc2 and idc1; cool-down 60,000 ms; protection broker (the in-sync set is within idc1); forced",
    "Why: an operator forces broker 2, at epoch 7, offset 1,000",
    "Effects:",
    "  demoted   not yet",
    "  promoted  not yet",
    "  routed    not yet",
    "  told      not yet",
    "  proven    not yet",
  ]);
});

test("the first master has nobody before it", () => {
  const lines = linesOf({
    kind: "first-master",
    epoch: 0,
    inSyncEpoch: 0,
    master: null,
    inSync: [],
    candidates: [],
    designated: 2,
    question: null,
    answers: [],
  });
  expect(lines).toContain("Before: nobody was master of epoch 0; in sync: nobody");
});

test("what each site saw of each broker stands under it", () => {
  const seen = { 2: { verdict: "alive", evidence: "heartbeat 12 ms ago" } } as const;
  const answers = threeSites.map((site) => answer(site, "silent", { replicas: seen }));
  const unconfirmed = candidate(3, { confirmed: false });
  const lines = linesOf({
    answers: [...answers, answer("idc1", "silent", { question: "6.1", replicas: seen })],
    candidates: [candidate(1, down), candidate(2), unconfirmed],
  });
  expect(lines.filter((line) => line.includes("heartbeat"))).toEqual(
    threeSites.map((site) => `    ${site}: alive, heartbeat 12 ms ago`),
  );
  expect(lines).toContain(
    "    in sync, unconfirmed; read: epoch 7, offset 1,000; told: epoch 7, offset 1,000; priority 0",
  );
  expect(lines).toContain(
    `  asked by idc2 at ${"1970-01-01 00:16:40.000 UTC"}, decided after 3,000 ms; 2 of 3 sites must say so`,
  );
  expect(question.at).toBe(1_000_000);
});

test("a planned switch has who asked for it, what is given back, and a comparison among its effects", () => {
  const lines = linesOf({
    kind: "switch",
    planned,
    designated: 2,
    question: null,
    answers: [],
    reason: "an upgrade",
    candidates: [candidate(1), candidate(2)],
  });
  expect(lines.slice(0, 6)).toEqual([
    "Decision C1/bs1/8: broker 2 is master of epoch 8",
    "  a planned switch; decided by idc2 at 1970-01-01 00:16:43.000 UTC",
    "  reason: an upgrade",
    "Before: broker 1 was master of epoch 7; in sync: 1, 2, 3",
    "Switch 7.1: from broker 1 to broker 2, asked for at idc1 at 1970-01-01 00:16:40.000 UTC",
    "  broker 1 refused messages from before it was read; it gets back minInSyncReplicas 1",
  ]);
  expect(lines.slice(-6).map((line) => line.trim().split(" ")[0])).toEqual([
    "demoted",
    "compared",
    "promoted",
    "routed",
    "told",
    "proven",
  ]);
});
