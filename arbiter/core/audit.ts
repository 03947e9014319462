import { sha256 } from "#lib/digest.ts";
import { type Codec, choice, decodeRecord, encodeRecord, integer, millis, nullable, record, text } from "./codec.ts";
import { auditHeadKey, auditKey } from "./keys.ts";
import type { DecisionId, SetName, SiteName } from "./model.ts";

/**
 * The audit log: each site has a chain of entries, each with the digest of the one before it, and a head that says which is the
 * last. docs/decisions/0018-audit-chain.md has the reasons.
 */

export const actNames = [
  "init",
  "pause",
  "resume",
  "policies",
  "freeze",
  "unfreeze",
  "switch",
  "switch-given-up",
  "drain-broker",
  "undrain-broker",
  "idc",
  "adopt",
  "recover",
  "decision",
  "clean",
] as const;

/** What somebody does, for the entry that is committed with it. */
export interface Act {
  readonly what: (typeof actNames)[number];
  /** An operator as he was named, the address of a tool, or the arbiter that did it by itself. */
  readonly who: string;
  readonly set: SetName | null;
  readonly decision: DecisionId | null;
  readonly reason: string;
  /** What came of it, for people. */
  readonly detail: string;
}

/** Who did what nobody asked for. */
export function arbiterName({ options }: { readonly options: { readonly site: SiteName } }): string {
  return `arbiter ${options.site}`;
}

/** `n` counts from 1 within the site. The order between sites is that of the entries' revisions, not of `at`. */
export interface AuditEntry extends Act {
  readonly site: SiteName;
  readonly n: number;
  /** Wall time, for people. */
  readonly at: number;
  /** The digest of entry n - 1; "" for the first. */
  readonly previous: string;
  /** Of all the fields above, as they are written. */
  readonly digest: string;
}

/** The last entry, and what is needed to check the chain without those that were dropped. */
export interface AuditHead {
  readonly site: SiteName;
  readonly n: number;
  readonly digest: string;
  /** The oldest entry that is kept. */
  readonly first: number;
  /** The digest of the entry before it; "" when none was dropped. */
  readonly anchor: string;
}

/** Entries kept of each site. */
export const auditEntriesMax = 1_000;
/** Of a reason, a name or a detail: a chain is read in one piece, of 4 MB at most. */
const auditCharsMax = 300;

/** What a site knows of its own chain, for the next entry. */
export interface AuditChain {
  /** As it stands in the ledger; value null: it cannot be read. null: it is not there. */
  readonly head: { readonly text: string; readonly revision: bigint; readonly value: AuditHead | null } | null;
  /** By n; null: it is there, and cannot be read. */
  readonly links: ReadonlyMap<number, Pick<AuditEntry, "previous" | "digest"> | null>;
}

/** The next entries of a chain, its next head, and the entries that are dropped for them, at most one for each. */
export function append(
  chain: AuditChain,
  acts: readonly Act[],
  { site, at }: { readonly site: SiteName; readonly at: number },
): { readonly entries: readonly AuditEntry[]; readonly head: AuditHead; readonly dropped: readonly number[] } {
  const before = endOf(chain, site);
  const entries: AuditEntry[] = [];
  let { n, digest } = before;
  for (const act of acts) {
    n += 1;
    const entry = seal({ ...shortened(act), site, n, at, previous: digest });
    digest = entry.digest;
    entries.push(entry);
  }
  const first = Math.min(Math.max(before.first, n - auditEntriesMax + 1), before.first + acts.length);
  const dropped: number[] = [];
  for (let old = before.first; old < first; old += 1) dropped.push(old);
  const linkOf = (of: number) => entries[of - before.n - 1] ?? chain.links.get(of);
  const anchor = first === before.first ? before.anchor : (linkOf(first - 1)?.digest ?? linkOf(first)?.previous ?? "");
  return { entries, head: { site, n, digest, first, anchor }, dropped };
}

/** A head that is gone or unreadable stops nobody: the chain goes on after its highest entry, and verifying tells. */
function endOf({ head, links }: AuditChain, site: SiteName): AuditHead {
  const highest = Math.max(head?.value?.n ?? 0, ...links.keys());
  if (head?.value?.n === highest) return head.value;
  const first = head?.value?.first ?? Math.min(highest + 1, ...links.keys());
  const anchor = head?.value?.anchor ?? links.get(first)?.previous ?? "";
  return { site, n: highest, digest: links.get(highest)?.digest ?? "", first, anchor };
}

function shortened(act: Act): Act {
  const short = (value: string): string =>
    value.length > auditCharsMax ? `${value.slice(0, auditCharsMax - 1)}…` : value;
  return { ...act, who: short(act.who), reason: short(act.reason), detail: short(act.detail) };
}

type Contents = Omit<AuditEntry, "digest">;

function seal(contents: Contents): AuditEntry {
  return { ...contents, digest: digestOf(contents) };
}

/** The text that is hashed is the entry's own without its digest: the same record is the same text. */
export function digestOf(entry: Contents): string {
  return sha256(encodeRecord(contentsCodec, entry, auditKey(entry.site, entry.n)));
}

export function encodeAuditEntry(value: AuditEntry): string {
  return encodeRecord(entryCodec, value, auditKey(value.site, value.n));
}

export function decodeAuditEntry(source: string, key = "audit/?"): AuditEntry {
  return decodeRecord(entryCodec, source, key);
}

export function encodeAuditHead(value: AuditHead): string {
  return encodeRecord(headCodec, value, auditHeadKey(value.site));
}

export function decodeAuditHead(source: string, key = "audit/?/head"): AuditHead {
  return decodeRecord(headCodec, source, key);
}

const setText: Codec<SetName> = { write: text.write, read: (json, at) => text.read(json, at) as SetName };

const contents = {
  site: text,
  n: integer(1),
  at: millis,
  what: choice(actNames),
  who: text,
  set: nullable(setText),
  decision: nullable(text),
  reason: text,
  detail: text,
  previous: text,
} as const;

const contentsCodec: Codec<Contents> = record<Contents>(contents);
const entryCodec: Codec<AuditEntry> = record<AuditEntry>({ ...contents, digest: text });
const headCodec: Codec<AuditHead> = record({
  site: text,
  n: integer(0),
  digest: text,
  first: integer(1),
  anchor: text,
});
