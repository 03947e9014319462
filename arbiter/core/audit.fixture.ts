import {
  type Act,
  type AuditChain,
  type AuditEntry,
  type AuditHead,
  append,
  encodeAuditEntry,
  encodeAuditHead,
} from "./audit.ts";
import type { LedgerEntry } from "./events.ts";
import { auditHeadKey, auditKey } from "./keys.ts";

/** Chains for tests, as an arbiter of idc1 writes them. */

export const act: Act = { what: "pause", who: "alice", set: null, decision: null, reason: "work", detail: "paused" };

export interface WrittenChain {
  readonly entries: readonly AuditEntry[];
  readonly head: AuditHead;
}

/** One entry after the other, the oldest dropped as they come. */
export function writeChain(count: number): WrittenChain {
  let chain: AuditChain = { head: null, links: new Map() };
  let entries: readonly AuditEntry[] = [];
  let head: AuditHead = { site: "idc1", n: 0, digest: "", first: 1, anchor: "" };
  for (let nth = 1; nth <= count; nth += 1) {
    const next = append(chain, [{ ...act, reason: `work ${nth}` }], { site: "idc1", at: 1_000 + nth });
    head = next.head;
    entries = [...entries.slice(next.dropped.length), ...next.entries];
    const links = new Map(chain.links);
    for (const entry of next.entries) links.set(entry.n, entry);
    for (const n of next.dropped) links.delete(n);
    chain = { head: { text: encodeAuditHead(head), revision: BigInt(nth), value: head }, links };
  }
  return { entries, head };
}

export function inLedger({ entries, head }: WrittenChain): LedgerEntry[] {
  return [
    ...entries.map((entry) => ({
      key: auditKey("idc1", entry.n),
      text: encodeAuditEntry(entry),
      revision: BigInt(entry.n),
    })),
    { key: auditHeadKey("idc1"), text: encodeAuditHead(head), revision: BigInt(head.n) },
  ];
}
