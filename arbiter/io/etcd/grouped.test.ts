import { setImmediate as afterIo } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createManualClock } from "#lib/zookeeper/testing/manual-clock.ts";
import { holds, type Transaction } from "../../core/events.ts";
import { operationsMax } from "../../core/grouping.ts";
import type { CommitOutcome } from "../../ledger.ts";
import { createGrouped } from "./grouped.ts";

const signal = new AbortController().signal;
const underWayMax = 8;
const waitMsMax = 1_000;
const slowMs = 550;

/** A ledger in memory, whose answers wait until they are let go. */
function ledger() {
  const clock = createManualClock();
  const entries = new Map<string, { text: string; revision: bigint }>();
  const held: (() => void)[] = [];
  const sent: Transaction[] = [];
  let revision = 100n;
  function apply({ compares, puts, deletes }: Transaction): CommitOutcome {
    if (!compares.every((each) => holds(each, entries.get(each.key)))) {
      const found = compares.flatMap(({ key }) => {
        const entry = entries.get(key);
        return entry === undefined ? [] : [{ key, ...entry }];
      });
      return { kind: "outdated", entries: found, revision };
    }
    revision += 1n;
    for (const { key, text } of puts) entries.set(key, { text, revision });
    for (const key of deletes) entries.delete(key);
    return { kind: "committed", revision };
  }
  const commit = createGrouped(async (transaction) => {
    sent.push(transaction);
    await new Promise<void>((resolve) => held.push(resolve));
    return apply(transaction);
  }, clock);
  return {
    clock,
    entries,
    sent,
    write: (transaction: Transaction) => commit(transaction, { startedAt: clock.now(), signal }),
    /** Answers what is under way, and what goes out then. */
    async letGo(times = 1_000) {
      for (let time = 0; time < times && held.length > 0; time += 1) {
        for (const go of held.splice(0)) go();
        await afterIo();
      }
    },
  };
}

const put = (key: string, compares: Transaction["compares"] = []): Transaction => ({
  compares,
  puts: [{ key, text: `of ${key}`, onLease: false }],
  deletes: [],
});
const absent = (key: string) => ({ key, revision: 0n });

test("a few go out as they come, and what comes while they are under way goes together", async () => {
  const { write, sent, letGo, entries } = ledger();
  const all = Array.from({ length: underWayMax + 50 }, (_, at) => write(put(`a${at}`, [absent(`a${at}`)])));
  expect(sent).toHaveLength(underWayMax);
  await letGo();
  expect((await Promise.all(all)).every(({ kind }) => kind === "committed")).toBe(true);
  expect(sent).toHaveLength(underWayMax + 1);
  expect(entries.size).toBe(underWayMax + 50);
});

test("no transaction is larger than the ledger takes", async () => {
  const { write, sent, letGo } = ledger();
  const all = Array.from({ length: 1_000 }, (_, at) => write(put(`a${at}`, [absent(`a${at}`)])));
  await letGo();
  await Promise.all(all);
  expect(Math.max(...sent.map(({ puts }) => puts.length))).toBe(operationsMax);
});

test("one that is large by itself goes at once: waiting for others would gain it nothing", async () => {
  const { write, sent, letGo } = ledger();
  const all = Array.from({ length: underWayMax + 50 }, (_, at) => write(put(`a${at}`)));
  const large = Array.from({ length: operationsMax / 2 }, (_, at) => put(`b${at}`).puts).flat();
  const later = write({ compares: [], puts: large, deletes: [] });
  expect(sent).toHaveLength(underWayMax + 1);
  expect(sent.at(-1)?.puts).toEqual(large);
  all.push(write(put("c")));
  expect(sent).toHaveLength(underWayMax + 1);
  await letGo();
  expect(await later).toMatchObject({ kind: "committed" });
  expect((await Promise.all(all)).every(({ kind }) => kind === "committed")).toBe(true);
});

test("of a group that is refused, only those fail whose own comparisons do", async () => {
  const { write, letGo, entries } = ledger();
  entries.set("taken", { text: "by another", revision: 7n });
  const first = Array.from({ length: underWayMax }, (_, at) => write(put(`a${at}`)));
  const good = write(put("good", [absent("good")]));
  const stale = write(put("taken", [absent("taken")]));
  await letGo();
  await Promise.all(first);
  expect((await good).kind).toBe("committed");
  expect(await stale).toMatchObject({
    kind: "outdated",
    entries: [{ key: "taken", text: "by another", revision: 7n }],
  });
  expect(entries.get("taken")?.text).toBe("by another");
});

test("whoever stood in a group that was refused is not refused again for newcomers", async () => {
  const { write, sent, letGo, entries } = ledger();
  entries.set("taken", { text: "by another", revision: 7n });
  const all: Promise<CommitOutcome>[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    for (let at = 0; at < 50; at += 1) all.push(write(put(`${turn}.${at}`)));
    all.push(write(put("taken", [absent("taken")])));
    await letGo(1);
  }
  await letGo();
  const outcomes = await Promise.all(all);
  expect(outcomes.filter(({ kind }) => kind === "outdated")).toHaveLength(20);
  expect(sent.length).toBeLessThan(2 * underWayMax * 20);
});

test("what needs the lease goes with its like", async () => {
  const { write, sent, letGo } = ledger();
  const all = Array.from({ length: 100 }, (_, at) =>
    write({ compares: [], puts: [{ key: `a${at}`, text: "", onLease: at % 2 === 0 }], deletes: [] }),
  );
  await letGo();
  await Promise.all(all);
  for (const { puts } of sent) expect(new Set(puts.map(({ onLease }) => onLease)).size).toBe(1);
});

test("those that take long keep nobody waiting", async () => {
  const { clock, write, sent } = ledger();
  for (let at = 0; at < underWayMax; at += 1) void write(put(`a${at}`));
  void write(put("later"));
  await clock.advance(slowMs - 1);
  expect(sent).toHaveLength(underWayMax);
  await clock.advance(1);
  expect(sent).toHaveLength(underWayMax + 1);
});

test("what has waited too long is not sent any more", async () => {
  const { clock, write, sent, letGo } = ledger();
  const first = Array.from({ length: underWayMax }, (_, at) => write(put(`a${at}`)));
  const old = write(put("old"));
  const refused = expect(old).rejects.toMatchObject({ code: "ARB_LEDGER_UNANSWERED" });
  // The process stood still: no timer has run.
  const { now } = clock;
  clock.now = () => (now() + waitMsMax) as ReturnType<typeof now>;
  await letGo();
  await Promise.all(first);
  await refused;
  expect(sent.flatMap(({ puts }) => puts.map(({ key }) => key))).not.toContain("old");
});

const key = fc.constantFrom("a", "b", "c", "d");
const wish = fc.record({
  compares: fc.uniqueArray(fc.tuple(key, fc.constantFrom(0n, 101n, 102n, 103n)), {
    maxLength: 2,
    selector: ([of]) => of,
  }),
  put: key,
  deletes: fc.uniqueArray(key, { maxLength: 1 }),
});

test("no two of a group touch what the other one writes, and each has its own outcome", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { maxLength: 40 }), async (wishes) => {
      const { write, letGo, sent, entries } = ledger();
      const wanted = wishes.map(({ compares, put: of, deletes }, at) => ({
        compares: compares.map(([of, revision]) => ({ key: of, revision })),
        puts: [{ key: of, text: `${at}`, onLease: false }],
        deletes: deletes.filter((each) => each !== of),
      }));
      const all = wanted.map((transaction) => write(transaction));
      await letGo();
      const outcomes = await Promise.all(all);
      for (const { puts } of sent) {
        const group = puts.flatMap(({ text }) => wanted[Number(text)] ?? []);
        for (const one of group) {
          const writes = [...one.puts.map((each) => each.key), ...one.deletes];
          const others = group.filter((other) => other !== one);
          const touched = others.flatMap((other) => [...other.puts, ...other.compares].map((each) => each.key));
          const deleted = others.flatMap((other) => other.deletes);
          for (const of of writes) expect([...touched, ...deleted]).not.toContain(of);
        }
      }
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.kind === "committed") continue;
        const { compares } = wanted[at] ?? { compares: [] };
        const found = new Map(outcome.entries.map((entry) => [entry.key, entry]));
        // What it was told of is its own, and speaks against it.
        expect(compares.every((each) => holds(each, found.get(each.key)))).toBe(false);
        for (const of of found.keys()) expect(compares.map((each) => each.key)).toContain(of);
      }
      // Whoever wrote last was told that it was written.
      for (const { text } of entries.values()) expect(outcomes[Number(text)]?.kind).toBe("committed");
    }),
    { numRuns: 500 },
  );
});
