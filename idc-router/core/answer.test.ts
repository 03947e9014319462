import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sameAnswer, wholeWeight } from "./answer.ts";
import { levelAt, maskRoute, pointOf } from "./mask.ts";
import type { RouteRule } from "./model.ts";
import { createTestRouter, type TestRouter, twoSets } from "./router.fixture.ts";

const ruleOf = (mode: RouteRule["mode"]): readonly RouteRule[] => [{ match: "*", mode, overprovision: 1.4 }];

function idc(router: TestRouter, name: string, state: string, weight = 100, epoch = 1): void {
  const text = JSON.stringify({ schema: 1, idc: name, state, weight, epoch });
  router.tell({ kind: "ledgerChanged", key: `idcs/${name}`, text, revision: BigInt(epoch) });
}

describe("clients", () => {
  test("send at home while it is well, and read everywhere", () => {
    const router = twoSets();
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
    expect(router.sendsTo("orders", "idc2")).toEqual(["bs2"]);
    const answer = router.answer("orders", "idc1");
    expect(maskRoute(answer, 0).brokers.map(({ set, perm }) => [set.set, perm])).toEqual([
      ["bs1", 6],
      ["bs2", 4],
    ]);
    expect(answer).toMatchObject({ chosen: "idc1", why: "idc1 is near and well", stale: false });
  });

  test("of an IDC without brokers send to the next nearest", () => {
    const router = twoSets();
    expect(router.sendsTo("orders", "idc3")).toEqual(["bs1"]);
    expect(router.answer("orders", "idc3").why).toContain("idc1 is next");
  });

  test("of a drained IDC send to the other one, and still read the drained one", () => {
    const router = twoSets();
    idc(router, "idc1", "drained");
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs2"]);
    const answer = router.answer("orders", "idc1");
    expect(answer).toMatchObject({ chosen: "idc2", why: "idc1 is drained" });
    expect(answer.brokers.map(({ set }) => set.set)).toEqual(["bs1", "bs2"]);
    idc(router, "idc1", "active", 100, 2);
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
  });

  test("are spread by an IDC's weight", () => {
    const router = twoSets();
    idc(router, "idc1", "active", 50);
    expect(router.answer("orders", "idc1").brokers.map(({ weight }) => weight)).toEqual([5_000, 5_000]);
    expect(router.sendsTo("orders", "idc1", 0.49)).toEqual(["bs1"]);
    expect(router.sendsTo("orders", "idc1", 0.51)).toEqual(["bs2"]);
    expect(router.answer("orders", "idc1").why).toBe("idc1 has weight 50");
    idc(router, "idc1", "active", 100, 2);
    expect(router.answer("orders", "idc1").why).toBe("idc1 is near and well");
  });

  test("with all IDCs drained get the nearest, marked stale, and never nothing (I9)", () => {
    const router = twoSets();
    idc(router, "idc1", "drained");
    idc(router, "idc2", "drained");
    expect(router.sendsTo("orders", "idc2")).toEqual(["bs2"]);
    expect(router.answer("orders", "idc2").stale).toBe(true);
  });

  test("with every set gone get the last known ones (I9)", () => {
    const router = twoSets();
    router.show({});
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
    expect(router.answer("orders", "idc1")).toMatchObject({ stale: true });
  });

  test("with a drained IDC and every set gone get the last known ones that operators let serve", () => {
    const router = twoSets();
    idc(router, "idc1", "drained");
    router.show({});
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs2"]);
    expect(router.answer("orders", "idc1")).toMatchObject({ chosen: "idc2", stale: true });
  });

  test("local-only stays at home, even with nobody there", () => {
    const router = twoSets({ rules: ruleOf("local-only") });
    router.show({ bs2: "idc2:1" });
    expect(router.sendsTo("orders", "idc1")).toEqual([]);
    expect(router.answer("orders", "idc1")).toMatchObject({ chosen: "idc1", stale: true });
    const answer = router.answer("orders", "idc3");
    expect(answer.why).toContain("local-only");
    expect(answer.brokers.map(({ weight }) => weight)).toEqual([0]);
  });

  test("any uses all sets", () => {
    const router = twoSets({ rules: ruleOf("any") });
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1", "bs2"]);
    idc(router, "idc2", "active", 25);
    expect(router.answer("orders", "idc1").brokers.map(({ weight }) => weight)).toEqual([8_000, 2_000]);
    idc(router, "idc2", "drained", 25, 2);
    expect(router.sendsTo("orders", "idc1")).toEqual(["bs1"]);
    idc(router, "idc1", "drained", 100, 2);
    expect(router.answer("orders", "idc1").brokers.map(({ weight }) => weight)).toEqual([5_000, 5_000]);
  });
});

test("an ordered topic's text names the same sets, and a static topic is left as it is", () => {
  const router = twoSets();
  const queues = ["bs1", "bs2"].map((set) => ({ set, perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 }));
  const seen = { orderConf: "bs1:4;bs2:4", staticBody: null, queues };
  router.tell({ kind: "topic", cluster: "C1", topic: "ordered", askedAt: router.now, seen });
  const answer = router.answer("ordered", "idc2");
  expect(maskRoute(answer, levelAt(answer, 0)).orderConf).toBe("bs2:4");
});

describe("a topic's gate", () => {
  const gate = { cluster: "C2", ips: ["10.1.0.4"] };
  /** orders is in C1, and C2 has a set of its own. */
  function twoClusters(): TestRouter {
    const router = twoSets({ clusters: ["C1", "C2"] });
    const sets = new Map([["bs9", new Map([[0, "idc1:9"]])]]);
    router.tell({ kind: "brokers", cluster: "C2", nameServer: "ns2:1", askedAt: router.now, sets });
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", gate, zxid: 1n }] });
    return router;
  }
  const makeInC2 = (router: TestRouter): void => {
    const queues = [{ set: "bs9", perm: 6, readQueues: 4, writeQueues: 4, topicSysFlag: 0 }];
    const seen = { orderConf: null, staticBody: null, queues };
    router.tell({ kind: "topic", cluster: "C2", topic: "orders", askedAt: router.now, seen });
  };

  test("leads those whom it lets through to its cluster, and nobody else", () => {
    const router = twoClusters();
    makeInC2(router);
    expect(router.answer("orders", "idc1", true)).toMatchObject({ cluster: "C2", gated: true });
    expect(router.answer("orders", "idc1")).toMatchObject({ cluster: "C1", gated: false });
  });

  test("leads nobody to a cluster that does not have the topic yet", () => {
    const router = twoClusters();
    expect(router.answer("orders", "idc1", true)).toMatchObject({ cluster: "C1", gated: false });
  });

  test("with an older word changes nothing, and with the same word the table stays the same", () => {
    const router = twoClusters();
    makeInC2(router);
    const { table } = router;
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", gate: { ...gate }, zxid: 2n }] });
    expect(router.table).toBe(table);
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", zxid: 1n }] });
    expect(router.table).toBe(table);
    router.tell({ kind: "homes", homes: [{ topic: "orders", cluster: "C1", zxid: 3n }] });
    expect(router.answer("orders", "idc1", true).cluster).toBe("C1");
  });
});

describe("an IDC's weight", () => {
  const wishes = fc.record({
    one: fc.nat(100),
    other: fc.nat(100),
    local: fc.integer({ min: 1, max: 6 }),
    up: fc.nat(6),
  });

  test("gives it its part: within 1% over HTTP, and within 5% of 1,000 clients at the name server door", () => {
    fc.assert(
      fc.property(wishes, ({ one, other, local, up }) => {
        const sets = [...Array.from({ length: local }, (_, nth) => `idc1-${nth}`), "idc2-0"];
        const router = createTestRouter();
        router.show(Object.fromEntries(sets.map((set) => [set, `${set}:1`])));
        router.topic("t", ...sets);
        const isUp = (set: string): boolean => set.startsWith("idc2") || Number(set.split("-")[1]) < up;
        router.show(Object.fromEntries(sets.filter(isUp).map((set) => [set, `${set}:1`])));
        idc(router, "idc1", "active", one);
        idc(router, "idc2", "active", other);
        // The formula: what is well, and what operators let it take.
        const health = [(one / 100) * Math.min(1, (1.4 * Math.min(up, local)) / local), other / 100] as const;
        const whole = Math.min(1, health[0] + health[1]);
        const answer = router.answer("t", "idc1");
        if (whole === 0) {
          expect(answer.stale).toBe(true);
          return;
        }
        const due = health[0] / whole;
        const ofIdc1 = answer.brokers.filter(({ set }) => set.idc === "idc1");
        const given = ofIdc1.reduce((sum, { weight }) => sum + weight, 0) / wholeWeight;
        expect(Math.abs(given - due)).toBeLessThan(0.01);
        const clients = Array.from({ length: 1_000 }, (_, nth) =>
          pointOf(`10.1.${nth % 250}.${Math.floor(nth / 250)}:1`),
        );
        const atHome = clients.filter((point) => answer.levels[levelAt(answer, point)]?.idc === "idc1");
        expect(Math.abs(atHome.length / clients.length - due)).toBeLessThan(0.05);
      }),
      { numRuns: 100 },
    );
  });
});

describe("weights", () => {
  const sizes = fc.record({
    local: fc.integer({ min: 1, max: 12 }),
    remote: fc.integer({ min: 1, max: 12 }),
    localUp: fc.nat(12),
    remoteUp: fc.nat(12),
    weight: fc.integer({ min: 1, max: 7 }),
  });

  test("are within 1% of the formula, together the whole, and clients' points agree with them", () => {
    fc.assert(
      fc.property(sizes, ({ local, remote, localUp, remoteUp, weight }) => {
        const name = (idcName: string, nth: number): string => `${idcName}-${nth}`;
        const names = [
          ...Array.from({ length: local }, (_, nth) => name("idc1", nth)),
          ...Array.from({ length: remote }, (_, nth) => name("idc2", nth)),
        ];
        const weights = { "C1/idc1-0": weight };
        const router = createTestRouter({ weights });
        const isUp = (set: string): boolean => {
          const nth = Number(set.split("-")[1]);
          return nth < (set.startsWith("idc1") ? localUp : remoteUp);
        };
        const masterOf = (set: string): string => `${set}:1`;
        router.show(Object.fromEntries(names.map((set) => [set, masterOf(set)])));
        router.topic("t", ...names);
        router.show(Object.fromEntries(names.filter(isUp).map((set) => [set, masterOf(set)])));

        const up = (count: number, all: number): number => Math.min(count, all);
        const localAll = local - 1 + weight;
        const localGood = localUp === 0 ? 0 : up(localUp, local) - 1 + weight;
        const health = [
          Math.min(1, (1.4 * localGood) / localAll),
          Math.min(1, (1.4 * up(remoteUp, remote)) / remote),
        ] as const;
        const sum = Math.min(1, health[0] + health[1]);
        const answer = router.answer("t", "idc1");
        const given = answer.brokers
          .filter(({ set }) => set.idc === "idc1")
          .reduce((all, broker) => all + broker.weight, 0);
        const whole = answer.brokers.reduce((all, broker) => all + broker.weight, 0);
        expect(whole).toBe(wholeWeight);
        const due = sum === 0 ? 1 : health[0] / sum;
        expect(Math.abs(given / wholeWeight - due)).toBeLessThan(0.01);

        const clients = 1_000;
        const atHome = Array.from({ length: clients }, (_, nth) => levelAt(answer, (nth + 0.5) / clients)).filter(
          (level) => answer.levels[level]?.idc === "idc1",
        );
        expect(Math.abs(atHome.length / clients - due)).toBeLessThan(0.05);
      }),
      { numRuns: 200 },
    );
  });

  test("when shares move, only clients between the old border and the new one move", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const points = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(share, share, points, (one, other, point) => {
        const at = (first: number): number =>
          levelAt({ levels: [first, 1 - first].map((each) => ({ idc: "", share: each, sets: [], why: "" })) }, point);
        const isBetween = point >= Math.min(one, other) && point < Math.max(one, other);
        if (!isBetween) expect(at(one)).toBe(at(other));
      }),
    );
  });
});

test("an answer is the same as long as nothing that a client sees has changed", () => {
  const router = twoSets();
  const before = router.answer("orders", "idc1");
  router.topic("other", "bs1");
  expect(sameAnswer(before, router.answer("orders", "idc1"))).toBe(true);
  router.check("bs2", false);
  expect(sameAnswer(before, router.answer("orders", "idc1"))).toBe(true);
  router.show({ bs1: "idc1:1", bs2: null });
  expect(sameAnswer(before, router.answer("orders", "idc1"))).toBe(false);
});
