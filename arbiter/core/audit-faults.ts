import { type AuditEntry, type AuditHead, decodeAuditEntry, decodeAuditHead, digestOf } from "./audit.ts";
import type { LedgerEntry } from "./events.ts";
import { auditHeadKey, parseKey } from "./keys.ts";
import type { SiteName } from "./model.ts";

/** What is wrong with a chain of the audit log: which entry, and how. */

export const faultKinds = ["missing", "changed", "moved", "unreadable", "stray", "head"] as const;

interface AuditFault {
  readonly kind: (typeof faultKinds)[number];
  /** The entry's number; null: the head. */
  readonly n: number | null;
  readonly why: string;
}

export interface AuditReading {
  readonly site: SiteName;
  /** Those that can be read, by n. */
  readonly entries: readonly (AuditEntry & { readonly revision: bigint })[];
  readonly head: AuditHead | null;
  readonly faults: readonly AuditFault[];
}

/** @param found all that lies below audit/<site>/ at one revision */
export function readChain(site: SiteName, found: readonly LedgerEntry[]): AuditReading {
  const faults: AuditFault[] = [];
  const entries = new Map<number, (AuditEntry & { readonly revision: bigint }) | null>();
  let head: AuditHead | null = null;
  for (const { key, text, revision } of found) {
    const parsed = parseKey(key);
    try {
      if (key === auditHeadKey(site)) head = decodeAuditHead(text, key);
      else if (parsed?.kind === "audit") entries.set(parsed.n, { ...decodeAuditEntry(text, key), revision });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (parsed?.kind === "audit") entries.set(parsed.n, null);
      faults.push({ kind: "unreadable", n: parsed?.kind === "audit" ? parsed.n : null, why });
    }
  }
  const isHeadless = head === null && entries.size > 0 && !faults.some(({ n }) => n === null);
  if (isHeadless) faults.push({ kind: "head", n: null, why: `${entries.size} entries are there, and no head` });
  faults.push(...(head === null ? judgeHeadless(entries) : judge(site, head, entries)));
  const readable = [...entries.values()].filter((entry) => entry !== null);
  return {
    site,
    entries: readable.toSorted((one, other) => one.n - other.n),
    head,
    faults: faults.toSorted((one, other) => (one.n ?? Infinity) - (other.n ?? Infinity)),
  };
}

type Entries = ReadonlyMap<number, AuditEntry | null>;

function judge(site: SiteName, head: AuditHead, entries: Entries): AuditFault[] {
  const faults: AuditFault[] = [];
  if (head.site !== site) faults.push({ kind: "head", n: null, why: `it is that of site ${head.site}` });
  for (const n of entries.keys()) {
    if (n > head.n) faults.push({ kind: "stray", n, why: `the head says that entry ${head.n} is the last` });
    if (n < head.first) faults.push({ kind: "stray", n, why: `the head says that entry ${head.first} is the oldest` });
  }
  const anchor = walk(site, head, entries, faults);
  const oldest = `the one before entry ${head.first}`;
  if (anchor !== null && anchor !== head.anchor) {
    faults.push({ kind: "head", n: null, why: `its anchor is not the digest of ${oldest}, as that entry has it` });
  }
  return faults;
}

/**
 * From the last entry backwards: who follows says which digest an entry has. Past a fault only the entry's own word is left.
 * @returns the digest that the entry before the oldest one must have had; null: not known
 */
function walk(site: SiteName, head: AuditHead, entries: Entries, faults: AuditFault[]): string | null {
  let expected: string | null = head.digest;
  for (let n = head.n; n >= head.first; n -= 1) {
    const entry = entries.get(n);
    const fault = faultOf(site, n, entry, expected, head);
    if (fault !== null) faults.push(fault);
    expected = fault === null ? (entry?.previous ?? null) : null;
  }
  return expected;
}

function faultOf(
  site: SiteName,
  n: number,
  entry: AuditEntry | null | undefined,
  expected: string | null,
  head: AuditHead,
): AuditFault | null {
  if (entry === undefined) return { kind: "missing", n, why: `entries ${head.first} to ${head.n} must be there` };
  // Told as unreadable already.
  if (entry === null) return null;
  if (entry.n !== n || entry.site !== site)
    return { kind: "moved", n, why: `what lies there is entry ${entry.n} of ${entry.site}` };
  if (digestOf(entry) !== entry.digest) return { kind: "changed", n, why: "its digest is not that of what it says" };
  if (expected === null || entry.digest === expected) return null;
  const by = n === head.n ? "the head" : `entry ${n + 1}`;
  return { kind: "changed", n, why: `its digest is not the one that ${by} has of it` };
}

/** Without a head each entry is held against the next one that is there. */
function judgeHeadless(entries: Entries): AuditFault[] {
  const numbers = [...entries.keys()];
  if (numbers.length === 0) return [];
  const last = Math.max(...numbers);
  const site = [...entries.values()].find((entry) => entry !== null)?.site ?? "";
  const digest = entries.get(last)?.digest ?? "";
  return judge(site, { site, n: last, digest, first: Math.min(...numbers), anchor: "" }, entries).filter(
    ({ kind }) => kind !== "head",
  );
}
