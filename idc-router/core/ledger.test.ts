import { beforeEach, describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { hearLedger, hearLedgerChange, isCalledDown, type LedgerFacts, noLedger } from "./ledger.ts";
import { setName } from "./model.ts";
import { setRecord } from "./router.fixture.ts";

const bs1 = setName("C1", "bs1");
const key = "sets/C1/bs1";
const json = JSON.stringify;
const idcRecord = (more: object = {}) =>
  json({ schema: 1, idc: "idc1", state: "active", weight: 80, epoch: 3, reason: "work", ...more });

let facts: LedgerFacts;
let now: number;
/** Of the last change. */
let revision: bigint;

beforeEach(() => {
  facts = noLedger;
  now = 0;
  revision = 50n;
});

function read(entries: Readonly<Record<string, string>>, { at = 50n, clusterId = "e" } = {}): readonly Command[] {
  const commands: Command[] = [];
  now += 1_000;
  const listed = Object.entries(entries).map(([each, text]) => ({ key: each, text, revision: 1n }));
  facts = hearLedger(facts, { kind: "ledger", clusterId, revision: at, entries: listed }, now, commands);
  return commands;
}

function change(changed: string, text: string | null): readonly Command[] {
  const commands: Command[] = [];
  now += 1_000;
  revision += 1n;
  facts = hearLedgerChange(facts, { kind: "ledgerChanged", key: changed, text, revision }, now, commands);
  return commands;
}

describe("since when a master is known:", () => {
  test("always, if it stood in the first reading", () => {
    read({ [key]: setRecord(7, 1) });
    expect(facts.sets.get(bs1)?.learnedAt).toBe(Number.NEGATIVE_INFINITY);
    read({ [key]: setRecord(8, 2) });
    expect(facts.sets.get(bs1)).toEqual({ epoch: 8, master: "idc2-b:1", learnedAt: now });
  });

  test("since its record said so first", () => {
    read({});
    change(key, setRecord(7, 1));
    const learnedAt = now;
    change(key, setRecord(7, 1));
    expect(facts.sets.get(bs1)?.learnedAt).toBe(learnedAt);
    change(key, setRecord(7, 2));
    expect(facts.sets.get(bs1)).toMatchObject({ master: "idc2-b:1", learnedAt: now });
    change(key, setRecord(8, 2));
    expect(facts.sets.get(bs1)).toMatchObject({ epoch: 8, learnedAt: now });
  });
});

describe("a reading at a lower revision", () => {
  const older = [{ kind: "older", source: "ledger", detail: "revision 49 after 50" }];

  test("is told of, and epochs that it brings count", () => {
    expect(read({})).toEqual([]);
    expect(read({ [key]: setRecord(7, 1) }, { at: 49n })).toEqual(older);
    expect(facts.sets.get(bs1)?.epoch).toBe(7);
  });

  test("is none where the revision is the same, or the ledger another one", () => {
    read({});
    expect(read({})).toEqual([]);
    expect(read({}, { at: 3n, clusterId: "restored" })).toEqual([]);
  });
});

describe("a change at the revision of the last one", () => {
  test("counts: one transaction may change several keys", () => {
    read({});
    const commands: Command[] = [];
    const event = { kind: "ledgerChanged", key, text: setRecord(7, 1), revision: 50n } as const;
    facts = hearLedgerChange(facts, event, now, commands);
    expect(commands).toEqual([]);
    expect(facts.sets.get(bs1)?.epoch).toBe(7);
  });
});

describe("a lower epoch is told of and changes nothing, the same one says nothing new:", () => {
  test("of a set", () => {
    read({ [key]: setRecord(7, 1) });
    expect(change(key, setRecord(6, 2))).toEqual([
      { kind: "older", source: "ledger", detail: "C1/bs1: epoch 6 after 7" },
    ]);
    expect(change(key, setRecord(7, 1))).toEqual([]);
    expect(facts.sets.get(bs1)).toMatchObject({ epoch: 7, master: "idc1:1" });
  });

  test("of an IDC", () => {
    read({ "idcs/idc1": idcRecord() });
    const known = facts.idcs.get("idc1");
    expect(change("idcs/idc1", idcRecord({ epoch: 2 }))).toEqual([
      { kind: "older", source: "ledger", detail: "IDC idc1: epoch 2 after 3" },
    ]);
    expect(change("idcs/idc1", idcRecord())).toEqual([]);
    expect(facts.idcs.get("idc1")).toBe(known);
  });

  test.each([{ state: "drained" }, { weight: 70 }, { epoch: 4 }, { reason: "other work" }])(
    "of an IDC something new is %o",
    (more) => {
      read({ "idcs/idc1": idcRecord() });
      expect(change("idcs/idc1", idcRecord(more))).toEqual([]);
      expect(facts.idcs.get("idc1")).toMatchObject(more);
    },
  );
});

describe("a record that cannot be read", () => {
  const note = (unread: string) => ({
    kind: "note",
    level: "warn",
    sentence: "record in the ledger cannot be read",
    fields: { key: unread },
  });

  test.each([key, "idcs/idc1", "questions/C1/bs1", "answers/C1/bs1/a", "cluster"])("%s is told of once", (unread) => {
    expect(read({})).toEqual([]);
    expect(change(unread, "{")).toEqual([note(unread)]);
    expect(change(unread, "[]")).toEqual([]);
    expect([...facts.unreadable]).toEqual([unread]);
  });

  test("keeps what was known, and is told of again after it could be read or was gone", () => {
    read({ [key]: setRecord(7, 1) });
    change(key, "{");
    expect(facts.sets.get(bs1)?.epoch).toBe(7);
    expect(change(key, setRecord(7, 1))).toEqual([]);
    expect(facts.unreadable.size).toBe(0);
    expect(change(key, "{")).toEqual([note(key)]);
    change(key, null);
    expect(facts.unreadable.size).toBe(0);
    expect(facts.sets.get(bs1)?.epoch).toBe(7);
  });
});

test("keys of other folders are nothing that a router reads", () => {
  expect(read({ "leases/C1/bs1": "{" })).toEqual([]);
});

describe("most sites call a master down", () => {
  const answer = (verdict: string, question = "7.1") => json({ question, master: { verdict } });
  const asked = (sites: readonly string[], answers: Readonly<Record<string, string>>) =>
    read({
      cluster: json({ sites }),
      [key]: setRecord(7, 1),
      "questions/C1/bs1": json({ id: "7.1", epoch: 7 }),
      ...Object.fromEntries(Object.entries(answers).map(([site, text]) => [`answers/C1/bs1/${site}`, text])),
    });
  const isDown = () => isCalledDown(facts, bs1);

  test.each<[what: string, sites: readonly string[], answers: Readonly<Record<string, string>>, is: boolean]>([
    ["two of three", ["a", "b", "c"], { a: answer("dead"), b: answer("silent") }, true],
    ["one of three", ["a", "b", "c"], { a: answer("dead"), b: answer("alive") }, false],
    ["two of four", ["a", "b", "c", "d"], { a: answer("dead"), b: answer("dead") }, false],
    ["one to this question", ["a", "b", "c"], { a: answer("dead"), b: answer("dead", "6.1") }, false],
    ["one of the sites that vote", ["a", "b", "c"], { a: answer("dead"), d: answer("dead") }, false],
    ["one, and no site votes", [], { a: answer("dead") }, false],
  ])("if it is %s", (_, sites, answers, is) => {
    asked(sites, answers);
    expect(isDown()).toBe(is);
  });

  test("until the question is closed, an answer is gone, or the epoch is over", () => {
    const both = { a: answer("dead"), b: answer("dead") };
    for (const [over, text] of [
      ["questions/C1/bs1", null],
      ["answers/C1/bs1/b", null],
      ["answers/C1/bs1/b", answer("alive")],
      [key, setRecord(8, 2)],
    ] as const) {
      facts = noLedger;
      asked(["a", "b", "c"], both);
      expect(isDown()).toBe(true);
      change(over, text);
      expect(isDown(), over).toBe(false);
    }
  });

  test("not while another record goes", () => {
    asked(["a", "b", "c"], { a: answer("dead"), b: answer("dead") });
    change("questions/C1/bs2", null);
    change("answers/C1/bs2/b", null);
    change(key, null);
    expect(isDown()).toBe(true);
  });
});
