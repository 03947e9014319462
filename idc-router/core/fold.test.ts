import { describe, expect, test } from "vitest";
import { decodeTable, encodeTable } from "./last-good.ts";
import { forgetAfterMs, setRecord, twoSets } from "./router.fixture.ts";

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

  test("is the same object when the ledger says the same again", () => {
    const router = twoSets();
    const idc = JSON.stringify({ schema: 1, idc: "idc1", state: "drained", epoch: 4 });
    const entries = [
      { key: "idcs/idc1", text: idc, revision: 1n },
      { key: "sets/C1/bs1", text: setRecord(7, 1), revision: 1n },
    ];
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries });
    const before = router.table;
    router.tell({ kind: "ledger", clusterId: "e", revision: 51n, entries });
    expect(router.table).toBe(before);
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

  test("a topic's answer to a question from before; one to a question of the same moment counts", () => {
    const router = twoSets();
    router.pass(1_000);
    const topic = (askedAt: number, ...sets: string[]) => {
      const queues = sets.map((set) => ({ set, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 }));
      const seen = { orderConf: null, staticBody: null, queues };
      return { kind: "topic", cluster: "C1", topic: "orders", askedAt, seen } as const;
    };
    const sets = () => router.answer("orders", "idc1").brokers.map(({ set }) => set.set);
    router.tell(topic(1_000, "bs1"));
    const older = [{ kind: "older", source: "name-server", detail: "C1/orders" }];
    expect(router.tell(topic(999, "bs1", "bs2"))).toEqual(older);
    expect(sets()).toEqual(["bs1"]);
    // Also within what is heard at once.
    expect(router.tell(topic(1_001, "bs2"), topic(1_000, "bs1"))).toEqual(older);
    expect(sets()).toEqual(["bs2"]);
    expect(router.tell(topic(1_001, "bs1", "bs2"))).toEqual([]);
    expect(sets()).toEqual(["bs1", "bs2"]);
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

describe("what is gone (I9)", () => {
  test("stays for forgetAfterMs, and is forgotten then", () => {
    const router = twoSets();
    router.show({ bs2: "idc2:1" });
    const goneAt = router.now;
    router.topic("orders", "bs2");
    expect(router.set("bs1").goneSince).not.toBeNull();
    router.pass(goneAt + forgetAfterMs - router.now, () => [], 5_000);
    expect([...router.table.sets.keys()]).toEqual(["C1/bs1", "C1/bs2"]);
    router.pass(1);
    expect([...router.table.sets.keys()]).toEqual(["C1/bs2"]);
    expect(router.answer("orders", "idc1").brokers.map(({ set }) => set.set)).toEqual(["bs2"]);
  });

  test("stays forgotten, though the last words of a name server that is silent now speak of it", () => {
    const router = twoSets();
    router.silence();
    router.show({ bs2: "idc2:1" }, "ns2:1");
    router.pass(forgetAfterMs + 10_000, () => [], 5_000);
    expect([...router.table.sets.keys()]).toEqual(["C1/bs2"]);
  });

  test("is looked for every five seconds", () => {
    const router = twoSets();
    router.pass(1);
    const { forgotAt } = router.state;
    router.pass(forgotAt + 4_999 - router.now);
    expect(router.state.forgotAt).toBe(forgotAt);
    router.pass(1);
    expect(router.state.forgotAt).toBe(router.now);
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
