import { expect, test } from "vitest";
import { decision, firstDecision } from "./made.ts";
import { unfoundedDecisions } from "./masters.ts";
import type { Decision } from "./read.ts";

test("two of three sites are a majority, and the very first master needs none", () => {
  expect(unfoundedDecisions([firstDecision, decision(), decision({ kind: "restart" })])).toEqual([]);
});

const [one, two] = decision().answers;
if (one === undefined || two === undefined) throw new Error("the decision has two answers");

test.each<[string, Partial<Decision>, RegExp]>([
  ["one site's word", { answers: [one] }, /1 of 3 sites/],
  ["one site's word, twice", { answers: [one, one] }, /1 of 3 sites/],
  ["a site that says both", { answers: [one, two, { ...two, verdict: "alive" }] }, /1 of 3 sites/],
  ["sites that do not know", { answers: [one, { ...two, verdict: "unknown" }] }, /1 of 3 sites/],
  ["a site that does not vote", { answers: [one, { ...two, site: "idc9" }] }, /1 of 3 sites/],
  ["an answer to an old question", { answers: [one, { ...two, question: "6.1" }] }, /1 of 3 sites/],
  ["half of four sites", { sites: ["idc1", "idc2", "idc3", "witness"] }, /2 of 4 sites/],
  ["a question about an old epoch", { question: { id: "7.1", epoch: 6, master: 1 } }, /another master/],
  ["a question about another broker", { question: { id: "7.1", epoch: 7, master: 2 } }, /another master/],
  ["no question", { question: null }, /no site was asked/],
  ["an epoch that does not rise", { epoch: 7 }, /epoch 7 after 7/],
  ["a first master after another", { kind: "first-master" }, /there was a master in epoch 7/],
  ["an operator's decision in a run without operators", { kind: "recover" }, /nobody has asked for it/],
])("%s is no majority", (_, change, problem) => {
  expect(unfoundedDecisions([decision(change)])).toEqual([expect.stringMatching(problem)]);
});
