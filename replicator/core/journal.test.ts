import fc from "fast-check";
import { expect, test } from "vitest";
import { createJournal, type JournalChange, type JournalLimits } from "./journal.ts";

const limits: JournalLimits = { entriesMax: 4, bytesMax: 100, extraEvictionsMax: 1 };
const ids = (change: JournalChange) => ({
  added: change.added.map(({ id }) => Number(id)),
  evicted: change.evicted.map(({ id }) => Number(id)),
});

test("names rise, and the oldest entries go when there are too many", () => {
  const journal = createJournal(limits);
  expect(ids(journal.add([1, 1, 1]))).toEqual({ added: [1, 2, 3], evicted: [] });
  expect(ids(journal.add([1, 1]))).toEqual({ added: [4, 5], evicted: [1] });
  expect([journal.entries, journal.bytes]).toEqual([4, 4]);
});

test("a large entry drives small ones out over several changes, and is never driven out by itself", () => {
  const journal = createJournal(limits);
  journal.add([1, 1, 1]);
  expect(ids(journal.add([120]))).toEqual({ added: [4], evicted: [1, 2] });
  expect(ids(journal.add([1]))).toEqual({ added: [5], evicted: [3, 4] });
  expect([journal.entries, journal.bytes]).toEqual([1, 1]);
});

test("names go on after those found in the target", () => {
  const journal = createJournal(limits);
  journal.load([
    { id: "0000000041", bytes: 3 },
    { id: "0000000007", bytes: 2 },
  ]);
  expect([journal.entries, journal.bytes]).toEqual([2, 5]);
  expect(ids(journal.add([1, 1, 1]))).toEqual({ added: [42, 43, 44], evicted: [7] });
  journal.load([]);
  expect(ids(journal.add([1]))).toEqual({ added: [45], evicted: [] });
});

test("whatever is added and refused, it holds what was added and not driven out, and keeps its bounds", () => {
  const changes = fc.array(
    fc.record({
      sizes: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 4 }),
      refused: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(changes, (drawn) => {
      const journal = createJournal(limits);
      const held = new Map<string, number>();
      for (const { sizes, refused } of drawn) {
        const change = journal.add(sizes);
        if (refused) {
          journal.undo(change);
          continue;
        }
        for (const { id } of change.evicted) expect(held.delete(id)).toBe(true);
        for (const { id, bytes } of change.added) held.set(id, bytes);
        expect(journal.entries).toBeLessThanOrEqual(limits.entriesMax);
      }
      expect(journal.entries).toBe(held.size);
      expect(journal.bytes).toBe([...held.values()].reduce((sum, size) => sum + size, 0));
    }),
  );
});
