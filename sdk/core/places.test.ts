import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forgetLinger, isSamePlace, lingerEnd, moveTo, noStays, type Place, placeOf, type Stays } from "./places.ts";
import type { Route } from "./route.ts";

const place = (cluster: string, idc = "idc1"): Place => ({ kind: "kafka", cluster, idc, bootstrap: [`${cluster}:1`] });
const lingersMax = 2;

function go(stays: Stays, ...clusters: readonly string[]) {
  return clusters.reduce(
    ({ stays: before }, cluster, nth) => moveTo(before, place(cluster), { now: nth, lingersMax }),
    {
      stays,
      commands: [],
    } as ReturnType<typeof moveTo>,
  );
}

describe("a consumer", () => {
  test("starts at the topic's place", () => {
    expect(go(noStays, "K1").commands).toEqual([{ kind: "start", place: place("K1") }]);
  });

  test("stays where it is while the place is the same, in whichever order its addresses stand", () => {
    const two = { ...place("K1"), bootstrap: ["a:1", "b:1"] };
    const { stays } = moveTo(noStays, two, { now: 0, lingersMax });
    expect(moveTo(stays, { ...two, bootstrap: ["b:1", "a:1"] }, { now: 1, lingersMax })).toEqual({
      stays,
      commands: [],
    });
  });

  test("goes on at the old place beside the new one", () => {
    expect(go(noStays, "K1", "K2").commands).toEqual([
      { kind: "start", place: place("K2") },
      { kind: "linger", place: place("K1") },
    ]);
  });

  test("that comes back to a place it still reads goes on there, and leaves the other one", () => {
    const { stays, commands } = go(noStays, "K1", "K2", "K1");
    expect(commands).toEqual([
      { kind: "keep", place: place("K1") },
      { kind: "linger", place: place("K2") },
    ]);
    expect(stays.lingers.map((linger) => linger.place.cluster)).toEqual(["K2"]);
  });

  test("reads no more than so many places beside the current one: the oldest goes", () => {
    const { stays, commands } = go(noStays, "K1", "K2", "K3", "K4");
    expect(commands).toContainEqual({ kind: "stop", place: place("K1"), why: "too many places" });
    expect(stays.lingers.map((linger) => linger.place.cluster)).toEqual(["K2", "K3"]);
  });

  test("takes another IDC of the same cluster for another place", () => {
    const { stays } = moveTo(noStays, place("K1", "idc1"), { now: 0, lingersMax });
    expect(moveTo(stays, place("K1", "idc2"), { now: 1, lingersMax }).commands).toHaveLength(2);
  });
});

describe("where a client begins", () => {
  const route = (levels: Route["levels"], kind: Route["kind"] = "kafka"): Route => ({
    topic: "orders",
    cluster: "K1",
    kind,
    idc: "idc1",
    chosen: "idc1",
    why: "",
    stale: false,
    brokers: [],
    bootstrap: ["a:1", "b:1", "c:1"],
    levels,
    settings: {},
    order: { router: "", revision: 0, metadata: null, epochs: new Map() },
  });
  const halves = [
    { idc: "idc1", share: 0.5, bootstrap: ["a:1", "b:1"] },
    { idc: "idc2", share: 0.5, bootstrap: ["c:1"] },
  ];

  test("is told by the share that its point falls in, and the others come behind", () => {
    expect(placeOf(route(halves), 0.49)).toMatchObject({ idc: "idc1", bootstrap: ["a:1", "b:1", "c:1"] });
    expect(placeOf(route(halves), 0.51)).toMatchObject({ idc: "idc2", bootstrap: ["c:1", "a:1", "b:1"] });
  });

  test("is the whole list where the router says nothing of shares, or has no address there", () => {
    expect(placeOf(route([]), 0.9)).toMatchObject({ idc: "idc1", bootstrap: ["a:1", "b:1", "c:1"] });
    const any = [{ idc: "any", share: 1, bootstrap: [] }];
    expect(placeOf(route(any, "rocketmq"), 0.9)).toMatchObject({ idc: "", bootstrap: ["a:1", "b:1", "c:1"] });
  });

  test("is the same place for Kafka as long as one address stays, and for RocketMQ as long as their order does", () => {
    const at = (...bootstrap: string[]): Place => ({ ...place("K1"), bootstrap });
    expect(isSamePlace(at("a:1", "b:1"), at("b:1", "c:1"))).toBe(true);
    expect(isSamePlace(at("a:1", "b:1"), at("c:1"))).toBe(false);
    expect(isSamePlace(at("a:1"), { ...at("a:1"), idc: "idc2" })).toBe(false);
    const proxies = (...bootstrap: string[]): Place => ({ ...at(...bootstrap), kind: "rocketmq" });
    expect(isSamePlace(proxies("a:1", "b:1"), proxies("b:1", "a:1"))).toBe(false);
  });

  test("a half of the clients goes elsewhere when half of the share does, and nobody else", () => {
    const whole = [
      { ...halves[0], share: 1 },
      { ...halves[1], share: 0 },
    ] as Route["levels"];
    const points = Array.from({ length: 1_000 }, (_, nth) => (nth + 0.5) / 1_000);
    const moved = points.filter((point) => !isSamePlace(placeOf(route(whole), point), placeOf(route(halves), point)));
    expect(moved.length).toBe(500);
    expect(Math.min(...moved)).toBeGreaterThan(0.5);
  });
});

describe("a place that was left", () => {
  const limits = { lingerQuietMs: 100, lingerMsMax: 1_000 };
  test.each([
    ["is read while the group has not read all", { lag: 1n, lastAt: 0, leftAt: 0 }, 500, null],
    ["is read while nobody can say what is left", { lag: null, lastAt: 0, leftAt: 0 }, 500, null],
    ["is read while messages come", { lag: 0n, lastAt: 450, leftAt: 0 }, 500, null],
    ["is read for a while after it was left", { lag: 0n, lastAt: 0, leftAt: 450 }, 500, null],
    ["is left when it is empty and quiet", { lag: 0n, lastAt: 10, leftAt: 20 }, 500, "empty"],
    ["is left when it takes too long", { lag: 5n, lastAt: 990, leftAt: 0 }, 1_000, "lingered too long"],
  ])("%s", (_what, view, now, end) => {
    expect(lingerEnd(view, now, limits)).toBe(end);
  });
});

test("whatever the moves: what is read is the current place and its lingers, each once, and no more than allowed", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("move" as const), cluster: fc.constantFrom("K1", "K2", "K3", "K4") }),
    fc.record({ kind: fc.constant("empty" as const), cluster: fc.constantFrom("K1", "K2", "K3", "K4") }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let stays = noStays;
      const read = new Set<Place>();
      for (const [now, { kind, cluster }] of steps.entries()) {
        if (kind === "empty") {
          const linger = stays.lingers.find((one) => one.place.cluster === cluster);
          if (linger === undefined) continue;
          stays = forgetLinger(stays, linger.place);
          read.delete(linger.place);
        } else {
          const moved = moveTo(stays, place(cluster), { now, lingersMax });
          for (const command of moved.commands) {
            const name = command.place;
            if (command.kind === "start") expect(read.has(name)).toBe(false);
            else expect(read.has(name)).toBe(true);
            if (command.kind === "start") read.add(name);
            if (command.kind === "stop") read.delete(name);
          }
          stays = moved.stays;
          expect(stays.current?.cluster).toBe(cluster);
        }
        const said = [...(stays.current === null ? [] : [stays.current]), ...stays.lingers.map((one) => one.place)];
        expect(new Set(said)).toEqual(read);
        expect(said).toHaveLength(read.size);
        expect(stays.lingers.length).toBeLessThanOrEqual(lingersMax);
      }
    }),
  );
});
