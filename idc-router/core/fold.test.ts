import { describe, expect, test } from "vitest";
import type { Event } from "./events.ts";
import { decodeTable, encodeTable } from "./last-good.ts";
import { forgetAfterMs, setRecord, timing, twoSets } from "./router.fixture.ts";

describe("the table", () => {
  test("is the same object when nothing has changed, and its revision rises by one when something has", () => {
    const router = twoSets();
    const before = router.table;
    router.show({ bs1: "idc1:1", bs2: "idc2:1" });
    router.pass(2_000);
    expect(router.table).toBe(before);
    router.show({ bs1: "idc1:1", bs2: null });
    expect(router.table.revision).toBe(before.revision + 1);
    expect(router.table.topics).toBe(before.topics);
    expect(before.sets.size).toBe(2);
  });

  test("names no set of a cluster that the config does not have", () => {
    const router = twoSets();
    const text = setRecord(1, 1);
    router.tell({ kind: "ledger", clusterId: "e", revision: 9n, entries: [{ key: "sets/C9/x", text, revision: 9n }] });
    expect([...router.table.sets.keys()]).toEqual(["C1/bs1", "C1/bs2"]);
  });

  test("comes out of the last good file as it went in", () => {
    const router = twoSets();
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", zxid: 7n }] });
    const text = encodeTable(router.table);
    const read = decodeTable(text, 1);
    expect(read).toBeDefined();
    expect(encodeTable(read ?? router.table)).toBe(text);
    expect(decodeTable(text.slice(1), 1)).toBeUndefined();
    expect(decodeTable(text.replace('"schema":1', '"schema":2'), 1)).toBeUndefined();
  });
});

describe("older words change nothing:", () => {
  test("a name server's answer to a question from before", () => {
    const router = twoSets();
    router.pass(1_000);
    router.show({ bs1: "idc1:1", bs2: "idc2:1" });
    const { table } = router;
    const old = { kind: "brokers", cluster: "C1", nameServer: "ns1:1", askedAt: 1, sets: new Map() } as const;
    expect(router.tell(old)).toMatchObject([{ kind: "older", source: "name-server" }]);
    expect(router.table).toBe(table);
  });

  test("a set's lower epoch, also out of another etcd cluster", () => {
    const router = twoSets();
    const entry = (epoch: number, master: number) => [
      { key: "sets/C1/bs1", text: setRecord(epoch, master), revision: 1n },
    ];
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries: entry(7, 1) });
    expect(router.set("bs1").epoch).toBe(7);
    const commands = router.tell({ kind: "ledger", clusterId: "other", revision: 3n, entries: entry(6, 2) });
    expect(commands).toContainEqual(expect.objectContaining({ kind: "older", source: "ledger" }));
    expect(router.set("bs1")).toMatchObject({ epoch: 7, master: "idc1:1" });
  });

  test("a change in the ledger with a lower revision", () => {
    const router = twoSets();
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries: [] });
    const text = setRecord(9, 2);
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text, revision: 49n });
    expect(router.set("bs1").epoch).toBeNull();
  });

  test("an IDC's lower epoch", () => {
    const router = twoSets();
    const idc = (epoch: number, state: string) => JSON.stringify({ schema: 1, idc: "idc1", state, epoch });
    router.tell({ kind: "ledgerChanged", key: "idcs/idc1", text: idc(4, "drained"), revision: 5n });
    router.tell({ kind: "ledgerChanged", key: "idcs/idc1", text: idc(3, "active"), revision: 6n });
    expect(router.table.idcs.get("idc1")?.state).toBe("drained");
  });

  test("a topic's lower zxid", () => {
    const router = twoSets();
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", zxid: 7n }] });
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C2", zxid: 6n }] });
    expect(router.table.homes.get("orders")?.cluster).toBe("C1");
  });

  test("and over a restart the last good file's epochs count", () => {
    const router = twoSets();
    router.tell({
      kind: "ledger",
      clusterId: "e",
      revision: 50n,
      entries: [{ key: "sets/C1/bs1", text: setRecord(7, 1), revision: 1n }],
    });
    const restarted = twoSets({ table: decodeTable(encodeTable(router.table), 1) ?? router.table });
    restarted.tell({
      kind: "ledger",
      clusterId: "e",
      revision: 2n,
      entries: [{ key: "sets/C1/bs1", text: setRecord(6, 2), revision: 1n }],
    });
    expect(restarted.set("bs1")).toMatchObject({ epoch: 7, master: "idc1:1" });
    expect(restarted.table.revision).toBeGreaterThanOrEqual(router.table.revision);
  });
});

describe("who is master", () => {
  const decided = (router: ReturnType<typeof twoSets>) =>
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, 2), revision: 60n });

  test("is nobody between a decision and the name servers' word, which are asked often meanwhile", () => {
    const router = twoSets();
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries: [] });
    expect(decided(router)).toContainEqual({ kind: "hurry", cluster: "C1" });
    expect(router.set("bs1")).toMatchObject({ master: null, available: false, epoch: 8 });
    router.show({ bs1: "idc2-b:1", bs2: "idc2:1" });
    expect(router.set("bs1")).toMatchObject({ master: "idc2-b:1", available: true, idc: "idc2" });
  });

  test("is the ledger's after six seconds, whatever name servers show", () => {
    const router = twoSets();
    decided(router);
    const current = () => [{ kind: "ledgerCurrent" }] as const;
    router.pass(5_000, () => [...current()]);
    expect(router.set("bs1").master).toBeNull();
    router.pass(1_500, () => [...current()]);
    expect(router.set("bs1").master).toBe("idc2-b:1");
  });

  test("is the ledger's as long as one name server of two shows it", () => {
    const router = twoSets();
    router.show({ bs1: "idc1:1", bs2: "idc2:1" }, "ns2:1");
    decided(router);
    router.show({ bs1: "idc2-b:1", bs2: "idc2:1" }, "ns2:1");
    expect(router.set("bs1").master).toBe("idc2-b:1");
  });

  test("is the name servers' when the ledger has not been followed for long", () => {
    const router = twoSets();
    decided(router);
    router.show({ bs1: "idc2-b:1", bs2: "idc2:1" });
    router.pass(11_000);
    router.show({ bs1: "idc1-c:1", bs2: "idc2:1" });
    expect(router.set("bs1").master).toBe("idc1-c:1");
  });

  test("is nobody whom most sites call down", () => {
    const router = twoSets();
    const json = JSON.stringify;
    const answer = (site: string, verdict: string) => ({
      key: `answers/C1/bs1/${site}`,
      text: json({ question: "7.1", master: { verdict } }),
      revision: 2n,
    });
    const entries = [
      { key: "cluster", text: json({ sites: ["a", "b", "c"] }), revision: 1n },
      { key: "questions/C1/bs1", text: json({ id: "7.1", epoch: 7 }), revision: 1n },
      { key: "sets/C1/bs1", text: setRecord(7, 1), revision: 1n },
    ];
    router.tell({ kind: "ledger", clusterId: "e", revision: 2n, entries: [...entries, answer("a", "dead")] });
    expect(router.set("bs1").available).toBe(true);
    const most = [...entries, answer("a", "dead"), answer("b", "silent")];
    router.tell({ kind: "ledger", clusterId: "e", revision: 3n, entries: most });
    expect(router.set("bs1")).toMatchObject({ available: false, why: "most sites call its master down" });
    // The question is of an epoch that is over.
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, 2), revision: 4n });
    router.show({ bs1: "idc2-b:1", bs2: "idc2:1" });
    expect(router.set("bs1").available).toBe(true);
  });
});

describe("what is gone (I9)", () => {
  test("stays for forgetAfterMs, and is forgotten then", () => {
    const router = twoSets();
    router.show({ bs2: "idc2:1" });
    router.topic("orders", "bs2");
    expect(router.set("bs1").goneSince).not.toBeNull();
    router.pass(forgetAfterMs + 10_000, () => [], 5_000);
    expect([...router.table.sets.keys()]).toEqual(["C1/bs2"]);
    expect(router.answer("orders", "idc1").brokers.map(({ set }) => set.set)).toEqual(["bs2"]);
  });

  test("a topic that every name server denies is answered with its last brokers until it is forgotten", () => {
    const router = twoSets();
    router.topic("orders");
    expect(router.answer("orders", "idc1").brokers).toHaveLength(2);
    router.pass(forgetAfterMs + 10_000, () => [], 5_000);
    expect(() => router.answer("orders", "idc1")).toThrow("no answer");
  });

  test("with silent name servers all stays as it was, and is stale", () => {
    const router = twoSets();
    router.silence();
    router.pass(forgetAfterMs * 2, () => [], 30_000);
    const answer = router.answer("orders", "idc1");
    expect(answer).toMatchObject({ stale: true, chosen: "idc1" });
    expect(answer.brokers).toHaveLength(2);
  });
});

describe("own checks", () => {
  const rest = timing.backAfterMs + 5_000;

  test("take a hung set out within outAfterMs of the first one that failed, and back after the hold-down", () => {
    const router = twoSets();
    for (let nth = 0; nth < 3; nth += 1) {
      router.check("bs1", false);
      router.pass(500);
    }
    expect(router.set("bs1")).toMatchObject({ available: false, out: true });
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs2"]);
    router.check("bs1", true);
    expect(router.set("bs1").why).toContain("hold-down");
    router.pass(rest, () => {
      const sentAt = router.now;
      return [{ kind: "checked", cluster: "C1", set: "bs1", address: "idc1:1", sentAt, failure: null }];
    });
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
  });

  test("of a master that has been replaced say nothing of the new one", () => {
    const router = twoSets();
    router.check("bs1", false);
    router.show({ bs1: "idc1-b:1", bs2: "idc2:1" });
    router.pass(3_000);
    expect(router.set("bs1").available).toBe(true);
  });

  test("say nothing of the time in which this process stood still", () => {
    const router = twoSets();
    router.check("bs1", false);
    router.pass(900);
    router.pass(5_000, () => [{ kind: "stalled" }], 5_000);
    expect(router.set("bs1").available).toBe(true);
  });

  test.each<[string, (failed: Event) => Event[][]]>([
    ["with the word of it", (failed) => [[failed, { kind: "stalled" }]]],
    ["after it", (failed) => [[{ kind: "stalled" }], [failed]]],
  ])("say nothing of that time when they were sent before it and fail %s", (_when, batches) => {
    const router = twoSets();
    const sentAt = router.now;
    router.pass(5_000, () => [], 5_000);
    const failed: Event = {
      kind: "checked",
      cluster: "C1",
      set: "bs1",
      address: "idc1:1",
      sentAt,
      failure: "no answer",
    };
    for (const batch of batches(failed)) router.tell(...batch);
    expect(router.set("bs1").available).toBe(true);
    router.pass(timing.outAfterMs);
    expect(router.set("bs1").available).toBe(false);
  });
});

test("a set without a master serves nobody at once, and everybody at once when it has one again soon", () => {
  const router = twoSets();
  router.show({ bs1: null, bs2: "idc2:1" });
  expect(router.sendsTo("orders", "idc1")).toEqual(["bs2"]);
  router.pass(300);
  router.show({ bs1: "idc1:1", bs2: "idc2:1" });
  expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
});
