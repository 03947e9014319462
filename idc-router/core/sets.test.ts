import { describe, expect, test } from "vitest";
import type { Event } from "./events.ts";
import { setRecord, type TestRouter, timing, twoSets } from "./router.fixture.ts";

/** A name server's words on bs1, by role. */
const shows = (router: TestRouter, nameServer: string, roles: Readonly<Record<number, string>>): Event => ({
  kind: "brokers",
  cluster: "C1",
  nameServer,
  askedAt: router.now,
  sets: new Map([["bs1", new Map(Object.entries(roles).map(([id, address]) => [Number(id), address]))]]),
});

describe("who is master", () => {
  const decided = (router: TestRouter) =>
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, 2), revision: 60n });

  test("is nobody between a decision and the name servers' word, which are asked often meanwhile", () => {
    const router = twoSets();
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries: [] });
    expect(decided(router)).toContainEqual({ kind: "hurry", cluster: "C1" });
    expect(router.set("bs1")).toMatchObject({ master: null, available: false, epoch: 8 });
    router.show({ bs1: "idc2-b:1", bs2: "idc2:1" });
    expect(router.set("bs1")).toMatchObject({ master: "idc2-b:1", available: true, idc: "idc2" });
  });

  test("is asked for often once for each decision", () => {
    const router = twoSets();
    router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries: [] });
    const hurry = { kind: "hurry", cluster: "C1" };
    expect(decided(router)).toContainEqual(hurry);
    const replicas = { 3: { address: "idc2:1" } };
    const other = JSON.stringify({ schema: 1, cluster: "C1", set: "bs2", epoch: 1, master: 3, replicas });
    const change = { kind: "ledgerChanged", key: "sets/C1/bs2", text: other, revision: 61n } as const;
    expect(router.tell(change)).not.toContainEqual(hurry);
  });

  test("is not asked for often where the first reading names one: that was decided some time ago", () => {
    const router = twoSets();
    router.show({ bs2: "idc2:1" });
    const entries = [{ key: "sets/C1/bs1", text: setRecord(8, 2), revision: 1n }];
    const commands = router.tell({ kind: "ledger", clusterId: "e", revision: 50n, entries });
    expect(commands.filter(({ kind }) => kind === "hurry")).toEqual([]);
  });

  test("is the ledger's after six seconds, whatever name servers show", () => {
    const router = twoSets();
    decided(router);
    const current = () => [{ kind: "ledgerCurrent" }] as const;
    const learnedAt = router.now;
    router.pass(5_000, () => [...current()]);
    router.pass(learnedAt + 5_999 - router.now, () => [...current()]);
    expect(router.set("bs1").master).toBeNull();
    router.pass(1, () => [...current()]);
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

  test("is whom most name servers show, and the one from before where as many show another", () => {
    const router = twoSets();
    const show = (bs1: string, nameServer: string) => void router.show({ bs1, bs2: "idc2:1" }, nameServer);
    show("idc0:1", "ns2:1");
    expect(router.set("bs1").master).toBe("idc1:1");
    show("idc3:1", "ns3:1");
    expect(router.set("bs1").master).toBe("idc1:1");
    show("idc3:1", "ns4:1");
    expect(router.set("bs1").master).toBe("idc3:1");
  });

  test("is the first by name where nobody knows of one from before", () => {
    const router = twoSets();
    const show = (bs1: string | null, nameServer: string) => void router.show({ bs1, bs2: "idc2:1" }, nameServer);
    show(null, "ns1:1");
    expect(router.set("bs1")).toMatchObject({ master: null, available: false, why: "it has no master" });
    router.tell(shows(router, "ns1:1", { 0: "idc3:1" }), shows(router, "ns2:1", { 0: "idc1:1" }));
    expect(router.set("bs1").master).toBe("idc1:1");
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

describe("addresses", () => {
  const addresses = (router: TestRouter) => Object.fromEntries(router.set("bs1").addresses);

  test("are those that all name servers show together, in the order of their roles", () => {
    const router = twoSets();
    router.tell(shows(router, "ns1:1", { 0: "a:1", 3: "c:1" }), shows(router, "ns2:1", { 2: "b:1" }));
    expect(addresses(router)).toEqual({ 0: "a:1", 2: "b:1", 3: "c:1" });
    expect([...router.set("bs1").addresses.keys()]).toEqual([0, 2, 3]);
  });

  test("have the ledger's master as the master and nowhere else, and not the one before it", () => {
    const router = twoSets();
    router.tell(shows(router, "ns1:1", { 0: "idc1:1", 2: "idc2-b:1", 3: "c:1" }));
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, 2), revision: 60n });
    expect(addresses(router)).toEqual({ 2: "idc2-b:1", 3: "c:1" });
    router.pass(6_000, () => [{ kind: "ledgerCurrent" }]);
    expect(addresses(router)).toEqual({ 0: "idc2-b:1", 3: "c:1" });
  });

  test("stay while name servers are silent, but for a master that is decided meanwhile", () => {
    const router = twoSets();
    router.tell(shows(router, "ns1:1", { 0: "idc1:1", 2: "idc2-b:1", 3: "c:1" }));
    router.silence();
    expect(addresses(router)).toEqual({ 0: "idc1:1", 2: "idc2-b:1", 3: "c:1" });
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, 2), revision: 60n });
    expect(addresses(router)).toEqual({ 0: "idc2-b:1", 3: "c:1" });
  });

  test("name no master of a set that has none, shown or not", () => {
    const router = twoSets();
    router.tell(shows(router, "ns1:1", { 0: "idc1:1", 2: "idc2-b:1" }));
    router.silence();
    router.tell({ kind: "ledgerChanged", key: "sets/C1/bs1", text: setRecord(8, null), revision: 60n });
    expect(addresses(router)).toEqual({ 2: "idc2-b:1" });
    router.show({ bs2: "idc2:1" });
    expect(router.set("bs1")).toMatchObject({ present: false, lastMaster: "idc1:1" });
    expect(addresses(router)).toEqual({ 2: "idc2-b:1" });
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
    router.pass(rest, () => [checked(router.now, null)]);
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
  });

  test("of a master that has been replaced say nothing of the new one", () => {
    const router = twoSets();
    router.check("bs1", false);
    router.show({ bs1: "idc1-b:1", bs2: "idc2:1" });
    router.pass(3_000);
    expect(router.set("bs1").available).toBe(true);
  });

  const checked = (sentAt: number, failure: string | null): Event => ({
    kind: "checked",
    cluster: "C1",
    set: "bs1",
    address: "idc1:1",
    sentAt,
    failure,
  });

  test("count from when they were sent, not from when they failed", () => {
    const router = twoSets();
    const sentAt = router.now;
    router.pass(900);
    router.tell(checked(sentAt, "no answer"));
    router.pass(sentAt + timing.outAfterMs - 1 - router.now);
    expect(router.set("bs1").available).toBe(true);
    router.pass(1);
    expect(router.set("bs1").available).toBe(false);
  });

  test("that were sent before the last one say nothing any more", () => {
    const router = twoSets();
    router.pass(500);
    router.tell(checked(router.now, null));
    router.tell(checked(router.now - 400, "no answer"));
    router.pass(2_000);
    expect(router.set("bs1").available).toBe(true);
  });

  test("count once, however often they are told", () => {
    const router = twoSets();
    router.check("bs1", false);
    router.pass(timing.outAfterMs);
    const passed = checked(router.now, null);
    router.pass(rest, () => [passed]);
    expect(router.set("bs1").available).toBe(false);
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
    for (const batch of batches(checked(sentAt, "no answer"))) router.tell(...batch);
    expect(router.set("bs1").available).toBe(true);
    router.pass(timing.outAfterMs);
    expect(router.set("bs1").available).toBe(false);
  });
});

describe("a set that loses its master, or is called down,", () => {
  const json = JSON.stringify;
  const dead = (site: string, verdict: string, revision: bigint): Event => ({
    kind: "ledgerChanged",
    key: `answers/C1/bs1/${site}`,
    text: json({ question: "7.1", master: { verdict } }),
    revision,
  });
  const passed = (router: TestRouter) => {
    router.check("bs1", true);
    router.pass(timing.outAfterMs - 100, () => [{ kind: "ledgerCurrent" }]);
  };
  /** The last check that passed was sent before it failed: it says nothing of how long it has been failing. */
  const failsFrom = (router: TestRouter, failedAt: number): void => {
    router.pass(failedAt + timing.outAfterMs - 1 - router.now, () => [{ kind: "ledgerCurrent" }]);
    expect(router.set("bs1")).toMatchObject({ available: false, out: false });
    router.pass(1, () => [{ kind: "ledgerCurrent" }]);
    expect(router.set("bs1")).toMatchObject({ available: false, out: true });
  };

  test("is held out when it has had none for long", () => {
    const router = twoSets();
    passed(router);
    router.show({ bs1: null, bs2: "idc2:1" });
    failsFrom(router, router.now);
  });

  test("is held out when it has been called down for long", () => {
    const router = twoSets();
    const entries = [
      { key: "cluster", text: json({ sites: ["a"] }), revision: 1n },
      { key: "questions/C1/bs1", text: json({ id: "7.1", epoch: 7 }), revision: 1n },
      { key: "sets/C1/bs1", text: setRecord(7, 1), revision: 1n },
    ];
    router.tell({ kind: "ledger", clusterId: "e", revision: 2n, entries });
    passed(router);
    router.tell(dead("a", "dead", 3n));
    failsFrom(router, router.now);
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
