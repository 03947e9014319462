import { describe, expect, test } from "vitest";
import type { Event } from "./events.ts";
import { setRecord, timing, twoSets } from "./router.fixture.ts";

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

test("a set without a master serves nobody at once, and everybody at once when it has one again soon", () => {
  const router = twoSets();
  router.show({ bs1: null, bs2: "idc2:1" });
  expect(router.sendsTo("orders", "idc1")).toEqual(["bs2"]);
  router.pass(300);
  router.show({ bs1: "idc1:1", bs2: "idc2:1" });
  expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
});
