import { describe, expect, test } from "vitest";
import {
  answerKey,
  auditKey,
  clusterKey,
  decisionId,
  decisionKey,
  drainKey,
  idcKey,
  parseKey,
  pauseKey,
  policyKey,
  proofKey,
  protectionKey,
  questionKey,
  refusalKey,
  setKey,
  siteKey,
  switchKey,
} from "./keys.ts";
import { setName } from "./model.ts";

const set = setName("C1", "broker-a");

describe("a key", () => {
  test.each([
    [clusterKey, { kind: "cluster" }],
    [policyKey, { kind: "policy" }],
    [pauseKey, { kind: "pause" }],
    [siteKey("idc1"), { kind: "site", site: "idc1" }],
    [proofKey("idc1"), { kind: "proof", site: "idc1" }],
    [setKey(set), { kind: "set", name: set }],
    [questionKey(set), { kind: "question", set }],
    [idcKey("idc1"), { kind: "idc", idc: "idc1" }],
    [drainKey(set), { kind: "drain", set }],
    [switchKey(set), { kind: "switch", set }],
    [refusalKey(set), { kind: "refusal", set }],
    [protectionKey(set), { kind: "protection", set }],
    [answerKey(set, "idc2"), { kind: "answer", set, site: "idc2" }],
    [decisionKey(decisionId(set, 7)), { kind: "decision", id: "C1/broker-a/7", set, epoch: 7 }],
    [auditKey("idc1", 12), { kind: "audit", site: "idc1", n: 12 }],
  ])("%s says what lies there", (key, parsed) => {
    expect(parseKey(key)).toEqual(parsed);
  });

  test.each([
    "",
    "sets",
    "sets/C1",
    "sets/C1/",
    "sets//a",
    "sets/C1/a/b",
    "cluster/x",
    "sites/",
    "decisions/C1/a/07",
    "decisions/C1/a/x",
    "decisions/C1/a/1e3",
    "audit/idc1/-1",
    "idcs/idc1/x",
    "drains/C1",
    "constructor",
  ])("%j is none of the arbiter's", (key) => {
    expect(parseKey(key)).toBeUndefined();
  });
});
