import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inLedger, writeChain } from "./audit.fixture.ts";
import { type AuditEntry, digestOf, encodeAuditEntry, encodeAuditHead } from "./audit.ts";
import { readChain } from "./audit-faults.ts";
import { auditKey } from "./keys.ts";

const chains = new Map([1, 2, 3, 8].map((length) => [length, writeChain(length)]));
/** A chain and one of its entries. */
const places = fc
  .constantFrom(...chains.keys())
  .chain((length) => fc.record({ length: fc.constant(length), n: fc.integer({ min: 1, max: length }) }))
  .map(({ length, n }) => ({ n, chain: chains.get(length) ?? writeChain(length) }));
const edits = fc.constantFrom<Partial<AuditEntry>>(
  { who: "mallory" },
  { what: "resume" },
  { reason: "other" },
  { at: 7 },
  { detail: "" },
  { decision: "C1/bs1/8" },
  { previous: "0" },
  { digest: "0" },
);

const faultsOf = (entries: ReturnType<typeof inLedger>) =>
  readChain("idc1", entries).faults.map(({ kind, n }) => ({ kind, n }));

function edited(chain: ReturnType<typeof writeChain>, n: number, change: (entry: AuditEntry) => string) {
  return inLedger(chain).map((each) => {
    const entry = chain.entries.find((one) => each.key === auditKey("idc1", one.n) && one.n === n);
    return entry === undefined ? each : { ...each, text: change(entry) };
  });
}

test("an untouched chain has no fault, an empty one neither", () => {
  for (const chain of chains.values()) expect(faultsOf(inLedger(chain))).toEqual([]);
  expect(faultsOf([])).toEqual([]);
});

test("any edit of an entry is found, and no other entry is blamed", () => {
  fc.assert(
    fc.property(places, edits, ({ chain, n }, change) => {
      const found = faultsOf(edited(chain, n, (entry) => encodeAuditEntry({ ...entry, ...change })));
      expect(found).toEqual([{ kind: "changed", n }]);
    }),
  );
});

test("an edit with a digest that fits it is found, too", () => {
  fc.assert(
    fc.property(places, edits, ({ chain, n }, change) => {
      const reseal = (entry: AuditEntry): string => {
        const changed = { ...entry, ...change };
        return encodeAuditEntry({ ...changed, digest: digestOf(changed) });
      };
      fc.pre(!("digest" in change));
      expect(faultsOf(edited(chain, n, reseal))).toEqual([{ kind: "changed", n }]);
    }),
  );
});

test("any removal of an entry is found", () => {
  fc.assert(
    fc.property(places, ({ chain, n }) => {
      const left = inLedger(chain).filter(({ key }) => key !== auditKey("idc1", n));
      expect(faultsOf(left)).toEqual([{ kind: "missing", n }]);
    }),
  );
});

test("any two entries that have changed places are found", () => {
  fc.assert(
    fc.property(places, fc.nat(), ({ chain, n }, other) => {
      const m = (other % chain.entries.length) + 1;
      fc.pre(m !== n);
      const text = (of: number) => edited(chain, of, encodeAuditEntry).find(({ key }) => key === auditKey("idc1", of));
      const swapped = inLedger(chain).map((each) => {
        if (each.key === auditKey("idc1", n)) return { ...each, text: text(m)?.text ?? "" };
        return each.key === auditKey("idc1", m) ? { ...each, text: text(n)?.text ?? "" } : each;
      });
      const expected = [n, m].toSorted((one, two) => one - two).map((each) => ({ kind: "moved", n: each }));
      expect(faultsOf(swapped)).toEqual(expected);
    }),
  );
});

test("an entry that cannot be read is named", () => {
  const chain = writeChain(3);
  expect(faultsOf(edited(chain, 2, () => "{}"))).toEqual([{ kind: "unreadable", n: 2 }]);
});

describe("the head", () => {
  const chain = writeChain(4);
  const withHead = (change: Partial<typeof chain.head>) =>
    inLedger(chain).map((each) =>
      each.key.endsWith("/head") ? { ...each, text: encodeAuditHead({ ...chain.head, ...change }) } : each,
    );

  test("gone: the entries are there, and none of them is blamed", () => {
    expect(faultsOf(inLedger(chain).slice(0, -1))).toEqual([{ kind: "head", n: null }]);
  });

  test("put back to an older entry leaves a stray one", () => {
    const before = chain.entries[2];
    expect(faultsOf(withHead({ n: 3, digest: before?.digest ?? "" }))).toEqual([{ kind: "stray", n: 4 }]);
  });

  test("with another digest, first or anchor does not fit the entries", () => {
    expect(faultsOf(withHead({ digest: "0" }))).toEqual([{ kind: "changed", n: 4 }]);
    expect(faultsOf(withHead({ first: 2 }))).toEqual([
      { kind: "stray", n: 1 },
      { kind: "head", n: null },
    ]);
    expect(faultsOf(withHead({ anchor: "0" }))).toEqual([{ kind: "head", n: null }]);
  });

  test("that cannot be read is named", () => {
    const spoilt = inLedger(chain).map((each) => (each.key.endsWith("/head") ? { ...each, text: "?" } : each));
    expect(faultsOf(spoilt)).toEqual([{ kind: "unreadable", n: null }]);
  });

  test("of a chain whose end was removed with it says nothing: the arbiter's log has those digests", () => {
    const shorter = writeChain(3);
    expect(faultsOf(inLedger(shorter))).toEqual([]);
  });
});
