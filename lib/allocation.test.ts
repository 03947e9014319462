import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Allocation, type AllocationConsumer, type AllocationQueue, allocate } from "./allocation.ts";

const queuesIn = (idc: string, count: number): AllocationQueue[] =>
  Array.from({ length: count }, (_, nth) => ({ id: `${idc || "q"}-${nth}`, idc }));
const consumersIn = (idc: string, ...ids: readonly string[]): AllocationConsumer[] => ids.map((id) => ({ id, idc }));
const after = (consumers: readonly AllocationConsumer[], allocation: Allocation): AllocationConsumer[] =>
  consumers.map((consumer) => ({ ...consumer, has: allocation.get(consumer.id) ?? [] }));
const sizes = (allocation: Allocation): Record<string, number> =>
  Object.fromEntries([...allocation].map(([id, queues]) => [id, queues.length]));

describe("queues", () => {
  test("go to consumers of their IDC", () => {
    const queues = [...queuesIn("idc1", 4), ...queuesIn("idc2", 2)];
    const allocation = allocate(queues, [...consumersIn("idc1", "a", "b"), ...consumersIn("idc2", "c")]);
    expect(Object.fromEntries(allocation)).toEqual({
      a: ["idc1-0", "idc1-1"],
      b: ["idc1-2", "idc1-3"],
      c: ["idc2-0", "idc2-1"],
    });
  });

  test("of an IDC without consumers are shared so that all have about the same", () => {
    const queues = [...queuesIn("idc1", 4), ...queuesIn("idc3", 4)];
    const allocation = allocate(queues, [...consumersIn("idc1", "a", "b"), ...consumersIn("idc2", "c", "d")]);
    expect(sizes(allocation)).toEqual({ a: 2, b: 2, c: 2, d: 2 });
  });

  test("of which nothing is known but names are averaged in blocks, as RocketMQ's own average does it", () => {
    const allocation = allocate(queuesIn("", 8), consumersIn("", "a", "b", "c"));
    expect(Object.fromEntries(allocation)).toEqual({
      a: ["q-0", "q-1", "q-2"],
      b: ["q-3", "q-4", "q-5"],
      c: ["q-6", "q-7"],
    });
  });

  test("are none, or consumers have none", () => {
    expect(sizes(allocate([], consumersIn("idc1", "a")))).toEqual({ a: 0 });
    expect(sizes(allocate(queuesIn("idc1", 1), consumersIn("idc1", "a", "b")))).toEqual({ a: 1, b: 0 });
    expect(() => allocate(queuesIn("idc1", 1), [])).toThrow("1 queues and no consumer");
    expect(() => allocate(queuesIn("idc1", 1), consumersIn("idc1", "a", "a"))).toThrow(
      'the consumer "a" is there twice',
    );
  });
});

const idc = fc.constantFrom<string>("idc1", "idc2", "idc3", "");
const named = (letter: string, max: number, min: number) =>
  fc
    .array(idc, { minLength: min, maxLength: max })
    .map((all) => all.map((each, nth) => ({ id: `${letter}${nth}`, idc: each })));
const case_ = fc
  .record({ queues: named("q", 40, 0), consumers: named("c", 8, 1) })
  .chain(({ queues, consumers }) =>
    fc
      .tuple(...consumers.map(() => fc.subarray([...queues.map(({ id }) => id), "gone"])))
      .map((has) => ({ queues, consumers: consumers.map((each, nth) => ({ ...each, has: has[nth] ?? [] })) })),
  );

function totals(allocation: Allocation): number[] {
  return [...allocation.values()].map(({ length }) => length);
}

test("each queue is with exactly one consumer, whatever they say they have", () => {
  fc.assert(
    fc.property(case_, ({ queues, consumers }) => {
      const allocation = allocate(queues, consumers);
      expect([...allocation.values()].flat().toSorted()).toEqual(queues.map(({ id }) => id).toSorted());
      expect([...allocation.keys()].toSorted()).toEqual(consumers.map(({ id }) => id).toSorted());
    }),
  );
});

test("a queue is never far away while its IDC has a consumer, and an IDC's consumers differ by one queue of it at most", () => {
  fc.assert(
    fc.property(case_, ({ queues, consumers }) => {
      const allocation = allocate(queues, consumers);
      const idcOf = new Map(queues.map((queue) => [queue.id, queue.idc]));
      for (const here of ["idc1", "idc2", "idc3"]) {
        const members = consumers.filter((consumer) => consumer.idc === here);
        if (members.length === 0) continue;
        const counts = members.map(
          ({ id }) => (allocation.get(id) ?? []).filter((queue) => idcOf.get(queue) === here).length,
        );
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(queues.filter((queue) => queue.idc === here).length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("who has a queue that is near to nobody has at most one more than anybody else", () => {
  fc.assert(
    fc.property(case_, ({ queues, consumers }) => {
      const allocation = allocate(queues, consumers);
      const idcs = new Set(consumers.map((consumer) => consumer.idc).filter((each) => each !== ""));
      const far = new Set(queues.filter((queue) => !idcs.has(queue.idc)).map(({ id }) => id));
      const least = Math.min(...totals(allocation));
      for (const ids of allocation.values()) {
        if (ids.some((id) => far.has(id))) expect(ids.length).toBeLessThanOrEqual(least + 1);
      }
    }),
  );
});

test("the order in which queues and consumers stand changes nothing", () => {
  fc.assert(
    fc.property(case_, ({ queues, consumers }) => {
      expect(allocate(queues.toReversed(), consumers.toReversed())).toEqual(allocate(queues, consumers));
    }),
  );
});

test("when nothing has changed nothing moves", () => {
  fc.assert(
    fc.property(case_, ({ queues, consumers }) => {
      const allocation = allocate(queues, consumers);
      expect(allocate(queues, after(consumers, allocation))).toEqual(allocation);
    }),
  );
});

test("when one leaves, only its own queues move as long as all are in one IDC, or in none that is known", () => {
  const of = fc.record({ here: idc, count: fc.nat(40), size: fc.integer({ min: 2, max: 8 }), leaver: fc.nat(7) });
  fc.assert(
    fc.property(of, ({ here, count, size, leaver }) => {
      const consumers = consumersIn(here, ...Array.from({ length: size }, (_, nth) => `c${nth}`));
      const before = allocate(queuesIn(here, count), consumers);
      const gone = `c${leaver % size}`;
      const left = after(consumers, before).filter(({ id }) => id !== gone);
      const now = allocate(queuesIn(here, count), left);
      for (const { id } of left) expect(now.get(id)).toEqual(expect.arrayContaining([...(before.get(id) ?? [])]));
    }),
  );
});

test("when one leaves, whoever reads near keeps what is near, and no more moves than its own", () => {
  fc.assert(
    fc.property(case_, fc.nat(7), ({ queues, consumers }, leaver) => {
      fc.pre(consumers.length > 1);
      const before = allocate(queues, consumers);
      const gone = consumers[leaver % consumers.length]?.id ?? "";
      const left = after(consumers, before).filter(({ id }) => id !== gone);
      const now = allocate(queues, left);
      const idcOf = new Map(queues.map((queue) => [queue.id, queue.idc]));
      let moved = 0;
      for (const { id, idc: here } of left) {
        const lost = (before.get(id) ?? []).filter((queue) => now.get(id)?.includes(queue) !== true);
        expect(lost.filter((queue) => here !== "" && idcOf.get(queue) === here)).toEqual([]);
        moved += lost.length;
      }
      expect(moved).toBeLessThanOrEqual(before.get(gone)?.length ?? 0);
    }),
  );
});
