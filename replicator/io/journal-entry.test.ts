import fc from "fast-check";
import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { journalKinds } from "../core/drift.ts";
import { decodeEntry, encodeEntry, entryBytesMax } from "./journal-entry.ts";

const atMs = Date.UTC(2026, 2, 1);
const node = { path: "/a", kind: "changed", version: 3, mzxid: (2n ** 40n) as Zxid } as const;

test("what is kept is read again, byte for byte", () => {
  const overwritten = fc.record({
    path: fc.string({ unit: "grapheme" }),
    kind: fc.constantFrom(...journalKinds),
    version: fc.nat(),
    mzxid: fc.bigInt({ min: 0n, max: 2n ** 62n }).map((zxid) => zxid as Zxid),
    data: fc.option(fc.uint8Array()),
  });
  fc.assert(
    fc.property(overwritten, (one) => {
      expect(decodeEntry(encodeEntry(one, atMs))).toEqual({
        ...one,
        mzxid: one.mzxid.toString(),
        at: "2026-03-01T00:00:00.000Z",
        bytes: one.data?.length ?? null,
      });
    }),
  );
});

test("data that would not fit a packet is cut, and says so by its length", () => {
  const entry = encodeEntry({ ...node, data: new Uint8Array(entryBytesMax).fill(7) }, atMs);
  expect(entry.length).toBe(entryBytesMax);
  const read = decodeEntry(entry);
  expect(read?.bytes).toBe(entryBytesMax);
  expect(read?.data?.length).toBeLessThan(entryBytesMax);
  expect(read?.data?.every((byte) => byte === 7)).toBe(true);
});

test.each(["", "no header", "{}\nbytes", '{"schema":2,"path":"/a"}\n'])("%j is no entry", (text) => {
  expect(decodeEntry(new TextEncoder().encode(text))).toBe(undefined);
});

test("a node without data is no entry", () => {
  expect(decodeEntry(null)).toBe(undefined);
});
