import { describe, expect, test } from "vitest";
import { act, inLedger, writeChain } from "./audit.fixture.ts";
import { type AuditChain, append, auditEntriesMax, decodeAuditEntry, digestOf, encodeAuditEntry } from "./audit.ts";
import { readChain } from "./audit-faults.ts";

const none: AuditChain = { head: null, links: new Map() };
const of = { site: "idc1", at: 1_000 };

test("each entry has the digest of the one before it, and the head that of the last", () => {
  const { entries, head } = append(none, [act, { ...act, what: "resume" }], of);
  const [first, second] = entries;
  expect(entries.map(({ n, previous }) => [n, previous])).toEqual([
    [1, ""],
    [2, first?.digest],
  ]);
  expect(head).toEqual({ site: "idc1", n: 2, digest: second?.digest, first: 1, anchor: "" });
});

test("the digest is that of all that an entry says, and survives the ledger", () => {
  const [entry] = append(none, [act], of).entries;
  if (entry === undefined) throw new Error("there is no entry");
  const read = decodeAuditEntry(encodeAuditEntry(entry));
  expect(read).toEqual(entry);
  expect(digestOf(read)).toBe(entry.digest);
  expect(digestOf({ ...read, who: "mallory" })).not.toBe(entry.digest);
});

test("a long reason is cut, so that a chain can be read in one piece", () => {
  const [entry] = append(none, [{ ...act, reason: "x".repeat(5_000) }], of).entries;
  expect(entry?.reason).toHaveLength(300);
});

test("beyond 1,000 entries the oldest is dropped, and the rest can be verified", () => {
  const chain = writeChain(auditEntriesMax + 5);
  expect(chain.entries).toHaveLength(auditEntriesMax);
  expect(chain.head).toMatchObject({ n: auditEntriesMax + 5, first: 6, anchor: chain.entries[0]?.previous });
  expect(readChain("idc1", inLedger(chain)).faults).toEqual([]);
});

describe("a spoilt chain goes on", () => {
  const { entries, head } = writeChain(3);
  const links = new Map(entries.map((entry) => [entry.n, entry]));

  test("after its highest entry, when the head is gone", () => {
    const next = append({ head: null, links }, [act], of);
    expect(next.entries[0]).toMatchObject({ n: 4, previous: head.digest });
    expect(next.head).toMatchObject({ n: 4, first: 1 });
  });

  test("after its highest entry, when the head cannot be read", () => {
    const next = append({ head: { text: "?", revision: 9n, value: null }, links }, [act], of);
    expect(next.entries[0]).toMatchObject({ n: 4, previous: head.digest });
  });

  test("after the head, when the last entry is gone or cannot be read", () => {
    for (const last of [undefined, null]) {
      const spoilt = new Map<number, (typeof entries)[number] | null>(links);
      if (last === undefined) spoilt.delete(3);
      else spoilt.set(3, last);
      const next = append({ head: { text: "?", revision: 9n, value: head }, links: spoilt }, [act], of);
      expect(next.entries[0]).toMatchObject({ n: 4, previous: head.digest });
    }
  });
});
