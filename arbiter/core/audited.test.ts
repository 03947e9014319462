import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "./arbiter.ts";
import { act, writeChain } from "./audit.fixture.ts";
import { decodeAuditEntry, encodeAuditHead } from "./audit.ts";
import type { Command, Event, Transaction } from "./events.ts";
import { auditHeadKey, auditKey, clusterKey, setKey } from "./keys.ts";
import { createMemoryLedger } from "./ledger.fixture.ts";
import { type SetName, setName } from "./model.ts";
import type { OperatorRequest } from "./operator-messages.ts";
import { encodeCluster, encodeSet } from "./records.ts";
import { heldSet } from "./site.fixture.ts";
import { timing } from "./timing.fixture.ts";

/** One site's core over a ledger whose answers the test gives, one after the other. */
function createSite(sets = 1) {
  const ledger = createMemoryLedger();
  const sent: { token: number; transaction: Transaction }[] = [];
  const answers: Command[] = [];
  let now = 10_000;
  let asks = 0;
  const core = createArbiterCore({
    site: "idc1",
    controller: "idc1:9878",
    version: "test",
    clusters: ["C1"],
    timing: { ...timing, quorumProofMs: 20_000 },
    idcOf: () => "idc1",
    canary: true,
  });
  const step = (event: Event): void => {
    now += 1;
    for (const command of core.step(event, { now: now as Instant, wall: now })) {
      if (command.kind === "commit") sent.push(command);
      if (command.kind === "answerOperator") answers.push(command);
    }
  };
  const isAudited = ({ puts }: Transaction): boolean => puts.some(({ key }) => key.startsWith("audit/"));
  const put = (key: string, text: string): void => ledger.put({ key, text });
  const self = {
    core,
    put,
    answers,
    /** Audited transactions that wait for their answer. */
    get waiting() {
      return sent.filter(({ transaction }) => isAudited(transaction));
    },
    operate(request: OperatorRequest): void {
      asks += 1;
      step({ kind: "operator", ask: asks, who: "alice", request });
    },
    /** Answers what waits, and nothing that follows from it. */
    answerAll(): void {
      for (const { token, transaction } of sent.splice(0)) step({ ...ledger.commit(transaction), token, tookMs: 1 });
    },
    leaveUnanswered(): void {
      for (const { token } of sent.splice(0)) step({ kind: "unanswered", token, detail: "late" });
    },
    entries: () =>
      ledger
        .entries()
        .filter(({ key }) => /^audit\/idc1\/\d+$/.test(key))
        .map(({ key, text }) => decodeAuditEntry(text, key))
        .toSorted((one, other) => one.n - other.n),
    said: () => answers.map((each) => (each.kind === "answerOperator" ? each.answer.kind : "")),
  };
  put(clusterKey, encodeCluster({ sites: ["idc1"], incarnation: "test", at: 1 }));
  for (let nth = 1; nth <= sets; nth += 1) put(setKey(nameOf(nth)), encodeSet({ ...heldSet, set: `bs${nth}` }));
  step({ kind: "ledger", entries: ledger.entries(), revision: ledger.revision });
  step({ kind: "tick" });
  self.answerAll();
  return self;
}

const nameOf = (nth: number): SetName => setName("C1", `bs${nth}`);
const pause: OperatorRequest = { kind: "pause", reason: "network work", untilWall: null };
const freeze = (nth: number): OperatorRequest => ({
  kind: "freeze",
  set: nameOf(nth),
  reason: "work",
  untilWall: null,
});

test("a change and its entry are one transaction, which compares the head's text", () => {
  const site = createSite();
  site.operate(pause);
  site.answerAll();
  site.operate({ kind: "resume", reason: "done" });
  const [resume] = site.waiting;
  expect(resume?.transaction.compares).toEqual([{ key: "audit/idc1/head", text: expect.stringContaining('"n":1') }]);
  expect(resume?.transaction.puts.map(({ key }) => key)).toEqual(["audit/idc1/2", "audit/idc1/head"]);
  expect(resume?.transaction.deletes).toEqual(["pause"]);
  site.answerAll();
  expect(site.entries()).toMatchObject([
    { n: 1, what: "pause", who: "alice", reason: "network work", set: null },
    { n: 2, what: "resume", who: "alice", reason: "done" },
  ]);
});

test("what comes while one is under way goes together in the next one", () => {
  const site = createSite(3);
  site.operate(pause);
  for (const nth of [1, 2, 3]) site.operate(freeze(nth));
  expect(site.waiting).toHaveLength(1);
  site.answerAll();
  expect(site.waiting).toHaveLength(1);
  site.answerAll();
  expect(site.entries().map(({ what, set }) => set ?? what)).toEqual(["pause", "C1/bs1", "C1/bs2", "C1/bs3"]);
  expect(site.said()).toEqual(["done", "done", "done", "done"]);
});

test("two changes of one record never go together", () => {
  const site = createSite();
  for (const _ of [1, 2, 3]) site.operate(pause);
  site.answerAll();
  expect(site.waiting[0]?.transaction.puts.map(({ key }) => key)).toEqual(["pause", "audit/idc1/2", "audit/idc1/head"]);
});

test("a transaction stays below the ledger's limits, and all changes are made in the end", () => {
  const site = createSite(60);
  site.operate(pause);
  for (let nth = 1; nth <= 60; nth += 1) site.operate(freeze(nth));
  let rounds = 0;
  for (; site.waiting.length > 0; rounds += 1) {
    expect(site.waiting).toHaveLength(1);
    for (const { transaction } of site.waiting) {
      expect(transaction.puts.length + transaction.deletes.length).toBeLessThanOrEqual(100);
      expect(transaction.compares.length).toBeLessThanOrEqual(100);
    }
    site.answerAll();
  }
  expect(rounds).toBeLessThanOrEqual(4);
  expect(site.entries()).toHaveLength(61);
  expect(new Set(site.said())).toEqual(new Set(["done"]));
});

describe("when another one of the site has moved the head", () => {
  test("the change is sent again at once, after that one's entry", () => {
    const site = createSite();
    const { entries, head } = writeChain(1);
    site.operate(pause);
    for (const entry of entries) site.put(auditKey("idc1", entry.n), JSON.stringify({ schema: 1, ...entry }));
    site.put(auditHeadKey("idc1"), encodeAuditHead(head));
    site.answerAll();
    expect(site.waiting).toHaveLength(1);
    site.answerAll();
    expect(site.entries().map(({ n, reason, previous }) => [n, reason, previous])).toEqual([
      [1, "work 1", ""],
      [2, "network work", head.digest],
    ]);
    expect(site.said()).toEqual(["done"]);
  });

  test("again and again, it ends as outdated", () => {
    const site = createSite();
    site.operate(pause);
    let rounds = 0;
    for (; site.waiting.length > 0; rounds += 1) {
      site.put(auditHeadKey("idc1"), encodeAuditHead({ ...writeChain(1).head, digest: String(rounds) }));
      site.answerAll();
    }
    expect(rounds).toBe(11);
    expect(site.said()).toEqual(["refused"]);
  });
});

test("one of several that is outdated does not keep the others", () => {
  const site = createSite(2);
  site.operate(pause);
  site.operate(freeze(1));
  site.operate(freeze(2));
  site.put(setKey(nameOf(1)), encodeSet({ ...heldSet, set: "bs1", inSyncEpoch: 21 }));
  site.answerAll();
  site.answerAll();
  expect(site.said()).toEqual(["done", "refused"]);
  site.answerAll();
  expect(site.said()).toEqual(["done", "refused", "done"]);
  expect(site.entries().map(({ set }) => set)).toEqual([null, "C1/bs2"]);
});

test("without an answer those that wait behind it are not sent: nobody waits twice", () => {
  const site = createSite(2);
  site.operate(pause);
  site.operate(freeze(1));
  site.leaveUnanswered();
  expect(site.said()).toEqual(["refused", "refused"]);
  expect(site.waiting).toEqual([]);
  site.operate(freeze(1));
  site.answerAll();
  expect(site.entries()).toMatchObject([{ n: 1, ...act, what: "freeze", set: "C1/bs1", detail: "operator" }]);
});

test.each<[string, Transaction["compares"]]>([
  ["cluster", []],
  ["policy", []],
  ["pause", []],
  ["idcs/idc1", []],
  ["drains/C1/bs1", []],
  ["decisions/C1/bs1/8", [{ key: "decisions/C1/bs1/8", revision: 0n }]],
])("%s is never written without an entry", (key, compares) => {
  const { core } = createSite();
  const context = core.context({ now: 20_000 as Instant, wall: 20_000 });
  const put: Transaction = { compares, puts: [{ key, text: "{}", onLease: false }], deletes: [] };
  expect(() => context.commit(put, () => {})).toThrow(`${key}: written without an entry in the audit log`);
  expect(() => context.commit({ compares, puts: [], deletes: [key] }, () => {})).toThrow("without an entry");
});

test("what arbiters note for themselves has no entry: records of sets, questions, and what is done of a decision", () => {
  const { core } = createSite();
  const context = core.context({ now: 20_000 as Instant, wall: 20_000 });
  const keys = ["sets/C1/bs1", "questions/C1/bs1", "protection/C1/bs1", "decisions/C1/bs1/8"];
  const puts = keys.map((key) => ({ key, text: "{}", onLease: false }));
  const compares = [{ key: "decisions/C1/bs1/8", revision: 7n }];
  expect(() => context.commit({ compares, puts, deletes: [] }, () => {})).not.toThrow();
});
