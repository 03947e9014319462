import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event } from "./events.ts";
import { type BootstrapView, bootstrapOf } from "./kafka.ts";
import { decodeTable, encodeTable } from "./last-good.ts";
import type { IdcEntry, KafkaBroker } from "./model.ts";
import { createTestRouter, forgetAfterMs, type TestRouter, timing } from "./router.fixture.ts";

const cluster = { name: "K1", kind: "kafka", servers: { idc1: ["a:1", "b:1"], idc2: ["c:1"] } } as const;
const order = ["idc1", "idc2"];

const wish = (idc: string, state: IdcEntry["state"], weight = 100): IdcEntry => {
  return { idc, state, weight, epoch: 1, reason: "" };
};
const broker = (address: string, idc: string, available = true): KafkaBroker => {
  return { address, id: 1, rack: idc, idc, available, why: available ? "" : "out: no answer" };
};

function begin(
  brokers: readonly KafkaBroker[] | null,
  wishes: readonly IdcEntry[] = [],
  view: Partial<BootstrapView> = {},
) {
  const known = brokers === null ? undefined : { cluster: "K1", brokers, topics: new Map() };
  const idcs = new Map(wishes.map((each) => [each.idc, each]));
  const { levels, servers, lastResort } = bootstrapOf(cluster, { order, idcs, known, ...view });
  return { servers, lastResort, shares: levels.map(({ share }) => Math.round(share * 1_000) / 1_000) };
}

describe("a bootstrap list", () => {
  const well = [broker("a:1", "idc1"), broker("b:1", "idc1"), broker("c:1", "idc2")];

  test("is the config's, nearest first, while no broker was heard", () => {
    expect(begin(null)).toEqual({ servers: ["a:1", "b:1", "c:1"], lastResort: false, shares: [1, 0] });
  });

  test("has living brokers only, and those that the cluster names behind the config's", () => {
    const more = [broker("a:1", "idc1", false), ...well.slice(1), broker("d:1", "idc1"), broker("e:1", "idc2", false)];
    expect(begin(more).servers).toEqual(["b:1", "d:1", "c:1"]);
  });

  test("keeps its clients while anybody lives there, and sends them on when nobody does", () => {
    expect(begin([broker("a:1", "idc1", false), ...well.slice(1)])).toMatchObject({ shares: [1, 0] });
    expect(begin([broker("a:1", "idc1", false), broker("b:1", "idc1", false), broker("c:1", "idc2")])).toEqual({
      servers: ["c:1"],
      lastResort: false,
      shares: [0, 1],
    });
  });

  test("is the config's when nobody lives", () => {
    const dead = well.map(({ address, idc }) => broker(address, idc, false));
    expect(begin(dead)).toEqual({ servers: ["a:1", "b:1", "c:1"], lastResort: true, shares: [1, 0] });
  });

  test("puts an IDC last that operators want no clients in, and gives it none unless nobody else is there", () => {
    for (const none of [wish("idc1", "drained"), wish("idc1", "active", 0)])
      expect(begin(well, [none])).toEqual({ servers: ["c:1", "a:1", "b:1"], lastResort: false, shares: [0, 1] });
    const all = [wish("idc1", "drained"), wish("idc2", "drained")];
    expect(begin(well, all)).toMatchObject({ servers: ["a:1", "b:1", "c:1"], shares: [1, 0] });
  });

  test("gives an IDC the part of its clients that its weight says", () => {
    expect(begin(well, [wish("idc1", "active", 40)]).shares).toEqual([0.4, 0.6]);
  });

  test("is never empty, and all of the clients begin somewhere, whoever lives and whatever operators want", () => {
    const live = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
    const state = fc.constantFrom("active" as const, "drained" as const);
    const wishes = fc.tuple(state, state, fc.nat(100), fc.nat(100));
    fc.assert(
      fc.property(live, wishes, (alive, [one, two, weight, other]) => {
        const brokers = well.map(({ address, idc }, nth) => broker(address, idc, alive[nth]));
        const { servers, shares } = begin(brokers, [wish("idc1", one, weight), wish("idc2", two, other)]);
        expect(servers.length).toBeGreaterThan(0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 2);
        if (alive.includes(true))
          expect(servers.toSorted()).toEqual(well.filter((_, nth) => alive[nth]).map(({ address }) => address));
      }),
    );
  });
});

describe("a Kafka cluster", () => {
  const listed = [
    { id: 1, address: "k1:9092", rack: "idc1" },
    { id: 2, address: "k2:9092", rack: "idc2" },
  ];
  const answer = (router: TestRouter, address: string, brokers = listed) =>
    router.tell({ kind: "kafkaBrokers", cluster: "K1", address, askedAt: router.now, brokers });
  const silence = (router: TestRouter, address: string) =>
    router.tell({ kind: "kafkaSilent", cluster: "K1", address, askedAt: router.now, detail: "no answer" });
  const shown = (router: TestRouter): [string, string, boolean][] =>
    (router.table.kafka.get("K1")?.brokers ?? []).map(({ address, idc, available }) => [address, idc, available]);
  /** One second after the other: who answers, and who doesn't. */
  function seconds(router: TestRouter, count: number, well: readonly string[], ill: readonly string[] = []): void {
    for (let nth = 0; nth < count; nth += 1) {
      router.pass(1_000);
      for (const address of well) answer(router, address);
      for (const address of ill) silence(router, address);
    }
  }

  test("is unknown until one of its brokers has answered", () => {
    const router = createTestRouter();
    silence(router, "k1:9092");
    expect(router.table.kafka.size).toBe(0);
    answer(router, "k2:9092");
    expect(shown(router)).toEqual([
      ["k1:9092", "idc1", true],
      ["k2:9092", "idc2", true],
    ]);
  });

  test("has a broker out that is silent for long, and back after the hold-down", () => {
    const router = createTestRouter();
    seconds(router, 2, ["k1:9092", "k2:9092"]);
    seconds(router, 2, ["k2:9092"], ["k1:9092"]);
    expect(shown(router)[0]).toEqual(["k1:9092", "idc1", false]);
    seconds(router, timing.backAfterMs / 1_000 - 2, ["k1:9092", "k2:9092"]);
    expect(shown(router)[0]?.[2]).toBe(false);
    seconds(router, 4, ["k1:9092", "k2:9092"]);
    expect(shown(router)[0]?.[2]).toBe(true);
  });

  test("that is silent as a whole stays as it was", () => {
    const router = createTestRouter();
    seconds(router, 2, ["k1:9092", "k2:9092"]);
    const { revision } = router.table;
    seconds(router, 60, [], ["k1:9092", "k2:9092"]);
    expect(router.table.revision).toBe(revision);
  });

  test.each<[string, (silent: Event) => Event[][]]>([
    ["before it is told", (silent) => [[silent, { kind: "stalled" }]]],
    ["after it is told", (silent) => [[{ kind: "stalled" }, silent]]],
    ["only then", (silent) => [[{ kind: "stalled" }], [silent]]],
  ])("is not silent while this process stood still, if a question of before comes to its end %s", (_when, batches) => {
    const router = createTestRouter();
    seconds(router, 2, ["k1:9092", "k2:9092"]);
    const askedAt = router.now;
    const silent: Event = { kind: "kafkaSilent", cluster: "K1", address: "k1:9092", askedAt, detail: "no answer" };
    router.pass(5_000, () => [], 5_000);
    for (const batch of batches(silent)) router.tell(...batch);
    expect(shown(router)[0]).toEqual(["k1:9092", "idc1", true]);
    seconds(router, 2, ["k2:9092"], ["k1:9092"]);
    expect(shown(router)[0]).toEqual(["k1:9092", "idc1", false]);
  });

  test("changes nothing by an answer to an older question", () => {
    const router = createTestRouter();
    seconds(router, 2, ["k1:9092"]);
    const before = router.table;
    const commands = router.tell({ kind: "kafkaBrokers", cluster: "K1", address: "k1:9092", askedAt: 0, brokers: [] });
    expect(commands).toEqual([{ kind: "older", source: "kafka", detail: "k1:9092" }]);
    expect(router.table).toBe(before);
  });

  test("that tells something older of one topic is believed of the others", () => {
    const router = createTestRouter();
    answer(router, "k1:9092");
    const tell = (askedAt: number, leader: number, topics: readonly string[]) =>
      router.tell({
        kind: "kafkaTopics",
        cluster: "K1",
        askedAt,
        topics: topics.map((topic) => ({ topic, partitions: [{ partition: 0, leader }] })),
      });
    tell(router.now, 1, ["orders"]);
    const commands = tell(0, 2, ["before", "orders", "after"]);
    expect(commands).toEqual([{ kind: "older", source: "kafka", detail: "orders" }]);
    const leaders = [...(router.table.kafka.get("K1")?.topics ?? [])].map(([topic, [first]]) => [topic, first?.leader]);
    expect(leaders).toEqual([
      ["orders", 1],
      ["before", 2],
      ["after", 2],
    ]);
  });

  test("that denies a topic keeps what was known of it until it has denied it for forgetAfterMs (I9)", () => {
    const router = createTestRouter();
    answer(router, "k1:9092");
    const known = [{ partition: 0, leader: 1 }];
    const tell = (partitions: typeof known | null) =>
      router.tell({
        kind: "kafkaTopics",
        cluster: "K1",
        askedAt: router.now,
        topics: [{ topic: "orders", partitions }],
      });
    const kept = () => router.table.kafka.get("K1")?.topics.get("orders");
    tell(known);
    tell(null);
    router.pass(forgetAfterMs - 1_000, () => [], 5_000);
    tell(null);
    expect(kept()).toEqual(known);
    tell(known);
    router.pass(2_000);
    tell(null);
    router.pass(forgetAfterMs - 1_000, () => [], 5_000);
    tell(null);
    expect(kept()).toEqual(known);
    router.pass(2_000);
    tell(null);
    expect(kept()).toBeUndefined();
  });

  test("is the same table while it says the same, and another one when a leader changes", () => {
    const router = createTestRouter();
    const tell = (leader: number) =>
      router.tell({
        kind: "kafkaTopics",
        cluster: "K1",
        askedAt: router.now,
        topics: [{ topic: "orders", partitions: [{ partition: 0, leader }] }],
      });
    answer(router, "k1:9092");
    tell(1);
    const { table } = router;
    seconds(router, 1, ["k1:9092"]);
    tell(1);
    expect(router.table).toBe(table);
    tell(2);
    expect(router.table.kafka.get("K1")?.topics.get("orders")).toEqual([{ partition: 0, leader: 2 }]);
  });

  test("is kept over a restart", () => {
    const router = createTestRouter();
    answer(router, "k1:9092");
    const read = decodeTable(encodeTable(router.table), 5);
    expect(read?.kafka).toEqual(router.table.kafka);
    expect(
      decodeTable('{"schema":1,"revision":1,"sets":[],"topics":[],"homes":[["t","K1"]],"idcs":[]}', 5),
    ).toMatchObject({
      homes: new Map([["t", { cluster: "K1" }]]),
      kafka: new Map(),
    });
  });

  test("that the config does not watch any more is not known any more, whatever the last good file has of it", () => {
    const watched = createTestRouter();
    answer(watched, "k1:9092");
    const table = decodeTable(encodeTable(watched.table), 5) ?? watched.table;
    const kept = createTestRouter({ table });
    kept.pass(1_000);
    expect([...kept.table.kafka.keys()]).toEqual(["K1"]);
    const router = createTestRouter({ table, kafka: new Map() });
    router.pass(1_000);
    expect(router.table.kafka.size).toBe(0);
    const { revision } = router.table;
    router.pass(1_000);
    expect(router.table.revision).toBe(revision);
  });
});
