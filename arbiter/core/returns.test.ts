import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterKey, pauseKey, policyKey, setKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeCluster, encodePause, encodeSet } from "./records.ts";
import { returnWaitMs } from "./returns.ts";
import { first, name, startWall } from "./switch-story-text.fixture.ts";
import { createSwitchWorld, type SwitchWorld } from "./switch-story-world.fixture.ts";

const afterMs = 6_000;
/** Sets are looked at each second, by a tick each 50 ms. */
const lookMs = 1_100;
const dayMs = 86_400_000;
const tickMs = 50;

const policyText = (policy: object): string => JSON.stringify({ policies: [{ match: "*", ...policy }] });
const goesHome = policyText({ preferIdcs: ["idc2"], returnAfterMs: afterMs });

/** Broker 1 in idc1 is master, home is idc2. */
function away(policy = goesHome): SwitchWorld {
  const world = createSwitchWorld();
  world.pass(500);
  world.write(policyKey, policy);
  return world;
}

/** An asking stands for a second and is refused then: brokers answer nothing here. */
function asked(world: SwitchWorld): boolean {
  return world.core.state.mirror.sets.get(name)?.switchAsk?.by === "return";
}

/** Until the next asking begins. @returns after how many ms; Infinity: not within `msMax` */
function untilAsked(world: SwitchWorld, msMax = 6 * afterMs): number {
  for (let passed = 0, before = asked(world); passed < msMax; passed += tickMs) {
    world.pass(tickMs);
    const now = asked(world);
    if (now && !before) return passed + tickMs;
    before = now;
  }
  return Number.POSITIVE_INFINITY;
}

/** The quiet time is noticed at one look, and its end at another. */
function expectAskedAfter(world: SwitchWorld, quietMs: number): void {
  const askedAfterMs = untilAsked(world);
  expect(askedAfterMs).toBeGreaterThanOrEqual(quietMs);
  expect(askedAfterMs).toBeLessThanOrEqual(quietMs + 2 * lookMs);
}

describe("a master away from home", () => {
  test("is brought home when its set was quiet for returnAfterMs, not before", () => {
    const world = away();
    expectAskedAfter(world, afterMs);
    expect(world.core.state.mirror.sets.get(name)?.switchAsk).toMatchObject({
      to: "2",
      who: "arbiter idc1",
      reason: expect.stringMatching(
        /^home again: its master is in idc1, and the policy prefers idc2, and it has been quiet for [67],\d{3} ms$/,
      ),
    });
  });

  test("is asked for once in returnAfterMs, whatever comes of it", () => {
    const world = away();
    untilAsked(world);
    world.takeTold();
    expectAskedAfter(world, afterMs);
    expect(world.takeTold().filter((line) => line.includes("note: master not brought home"))).toHaveLength(1);
  });

  test.each<[string, string]>([
    ["without returnAfterMs", policyText({ preferIdcs: ["idc2"] })],
    ["that is home", policyText({ preferIdcs: ["idc1"], returnAfterMs: afterMs })],
    ["whose home has nobody", policyText({ preferIdcs: ["idc3"], returnAfterMs: afterMs })],
    ["of a set that the policy freezes", policyText({ preferIdcs: ["idc2"], returnAfterMs: afterMs, frozen: true })],
  ])("stays %s", (_, policy) => {
    const world = away(policy);
    expect(untilAsked(world)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is left to the site that leads", () => {
    const world = away();
    const sites = ["idc2", "idc1", "witness"];
    world.write(clusterKey, encodeCluster({ sites, incarnation: "other", at: startWall }));
    expect(untilAsked(world)).toBe(Number.POSITIVE_INFINITY);
  });

  test("waits twice as long after the second failover of a day", () => {
    const world = away();
    const wall = startWall + world.moment().now;
    world.changeRecord({ failoversAt: [wall - dayMs, wall - 200_000, wall + 60_000] });
    expectAskedAfter(world, 2 * afterMs);
  });
});

/** Each of them, and what ends it. */
const disturbances: Readonly<Record<string, readonly [(world: SwitchWorld) => void, (world: SwitchWorld) => void]>> = {
  "failover is paused": [
    (world) => world.write(pauseKey, encodePause({ reason: "", at: startWall, until: null })),
    (world) => world.operate({ kind: "resume", reason: "" }),
  ],
  "the set is frozen": [
    (world) => world.operate({ kind: "freeze", set: name, reason: "", untilWall: null }),
    (world) => world.operate({ kind: "unfreeze", set: name, reason: "" }),
  ],
  "a broker is drained": [
    (world) => world.operate({ kind: "drainBroker", set: name, broker: 3, drained: true, reason: "" }),
    (world) => world.operate({ kind: "drainBroker", set: name, broker: 3, drained: false, reason: "" }),
  ],
  "an IDC is drained": [
    (world) => world.operate({ kind: "idc", idc: "idc1", state: "drained", reason: "" }),
    (world) => world.operate({ kind: "idc", idc: "idc1", state: "active", reason: "" }),
  ],
  "a replica is out of sync": [
    (world) => world.changeRecord({ inSync: [1, 2] }),
    (world) => world.changeRecord({ inSync: [1, 2, 3] }),
  ],
  "a replica is not confirmed": [
    (world) => world.changeRecord({ unconfirmed: [2] }),
    (world) => world.changeRecord({ unconfirmed: [] }),
  ],
  "the policy says nothing of returns": [
    (world) => world.write(policyKey, policyText({ preferIdcs: ["idc2"] })),
    (world) => world.write(policyKey, goesHome),
  ],
};

describe("the quiet time begins anew when", () => {
  test.each(Object.entries(disturbances))("%s", (_, [disturb, settle]) => {
    const world = away();
    world.pass(afterMs - 500);
    disturb(world);
    world.pass(lookMs);
    settle(world);
    expectAskedAfter(world, afterMs);
  });

  test("the set has another epoch", () => {
    const world = away();
    world.pass(afterMs - 500);
    world.changeRecord({ epoch: 8, master: 3, inSyncEpoch: 22 });
    expectAskedAfter(world, afterMs);
  });

  test("another site misses a broker", () => {
    const world = away();
    world.missed.add(`${name}/3`);
    expect(untilAsked(world, 3 * afterMs)).toBe(Number.POSITIVE_INFINITY);
    world.missed.clear();
    const askedAfterMs = untilAsked(world);
    expect(askedAfterMs).toBeGreaterThanOrEqual(afterMs);
    expect(askedAfterMs).toBeLessThanOrEqual(afterMs + 2 * lookMs);
  });

  test("another site misses more brokers than it can name", () => {
    const world = away();
    for (let nth = 0; nth < 200; nth += 1) world.missed.add(`C1/other${nth}/1`);
    expect(untilAsked(world, 3 * afterMs)).toBe(Number.POSITIVE_INFINITY);
  });

  test("another site is not there", () => {
    const world = away();
    world.ledgerIs("away");
    world.pass(3_000);
    world.ledgerIs("there");
    expectAskedAfter(world, afterMs);
  });

  test("this process stood still", () => {
    const world = away();
    world.pass(afterMs - 500);
    world.feed({ kind: "stalled", ms: 5_000 });
    expectAskedAfter(world, afterMs);
  });
});

test("one set is brought home at a time", () => {
  const world = away();
  const other = setName("C1", "bs2");
  world.write(setKey(other), encodeSet({ ...first, set: "bs2" }));
  const beats = (): void => {
    for (const id of [1, 2, 3]) {
      const address = first.replicas[id]?.address ?? "";
      const beat = { cluster: "C1", set: "bs2", id, address, epoch: 7, maxOffset: 900n, priority: 0 };
      world.feed({ kind: "heartbeat", connection: 10 + id, beat });
    }
  };
  const asking = new Set<string>();
  for (let passed = 0; passed < 3 * afterMs; passed += 250) {
    beats();
    world.pass(250);
    const now = [...world.core.state.mirror.sets.values()].filter(({ switchAsk }) => switchAsk !== null);
    expect(now.length).toBeLessThanOrEqual(1);
    for (const view of now) asking.add(view.name);
  }
  expect([...asking].sort()).toEqual([name, other]);
});

test("whatever happens, no set is asked for within its quiet time, and it is when that is over", () => {
  const names = Object.keys(disturbances);
  const step = fc.record({ what: fc.constantFrom(...names), forMs: fc.nat(3_000), thenMs: fc.nat(2 * afterMs) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4 }), (steps) => {
      const world = away();
      for (const { what, forMs, thenMs } of steps) {
        const [disturb, settle] = disturbances[what] ?? [];
        disturb?.(world);
        // It is looked at each second; an asking that was under way is refused meanwhile.
        world.pass(lookMs + forMs);
        settle?.(world);
        const askedAfterMs = untilAsked(world, thenMs);
        expect(askedAfterMs).toBeGreaterThanOrEqual(afterMs);
      }
      expect(untilAsked(world)).toBeLessThanOrEqual(afterMs + 2 * lookMs);
    }),
    { numRuns: 15 },
  );
});

describe("the wait", () => {
  const wall = 10 * dayMs;
  const wait = (returnAfterMs: number | null, ...agesMs: readonly number[]) =>
    returnWaitMs(
      { returnAfterMs },
      agesMs.map((age) => wall - age),
      wall,
    );

  test("doubles with each failover of the last day but the first, up to a day", () => {
    expect(wait(null, 1)).toBeNull();
    expect(wait(60_000)).toBe(60_000);
    expect(wait(60_000, 1_000)).toBe(60_000);
    expect(wait(60_000, 1_000, 2_000)).toBe(120_000);
    expect(wait(60_000, 1_000, 2_000, dayMs)).toBe(120_000);
    expect(wait(60_000, 1, 2, 3, 4)).toBe(480_000);
    expect(wait(60_000, ...Array.from({ length: 20 }, (_, nth) => nth))).toBe(dayMs);
  });

  test("a stamp of the future counts as now", () => {
    expect(wait(60_000, -5_000, -dayMs)).toBe(120_000);
  });
});
