import type { Instant } from "#lib/clock.ts";
import type { AuditChain, AuditEntry } from "./audit.ts";
import type { LedgerEntry, Transaction } from "./events.ts";
import { parseKey } from "./keys.ts";
import { put, revisionOf } from "./mirror-records.ts";
import type {
  ClusterRecord,
  HistoryRecord,
  IdcRecord,
  PauseRecord,
  Revision,
  SetName,
  SiteName,
  SiteRecord,
  Stored,
} from "./model.ts";
import type { Policies } from "./policy.ts";
import type { SetView } from "./set-view.ts";

/** The ledger as this site has read it: always a little old, so every write compares revisions. */
export interface Mirror {
  /** False until the first full reading. */
  loaded: boolean;
  cluster: Stored<ClusterRecord> | null;
  /** In which etcd the records were written, by their own word; and which one this is. */
  history: Stored<HistoryRecord> | null;
  /** The highest epoch of each set's decisions, also of one that is gone. */
  readonly usedEpochs: Map<SetName, number>;
  etcd: string | null;
  policies: Stored<Policies> | null;
  pause: Stored<PauseRecord> | null;
  readonly idcs: Map<string, Stored<IdcRecord>>;
  readonly sites: Map<SiteName, Stored<SiteRecord> & { readonly seenAt: Instant }>;
  readonly sets: Map<SetName, SetView>;
  /** The sites' chains of the audit log. */
  readonly audit: Map<SiteName, AuditView>;
  /** Records that cannot be read, with the reason: whatever they are about stands still. */
  readonly unreadable: Map<string, string>;
  /** What the watch, or a full reading, has told of: every change up to this one. */
  toldTo: Revision;
  /** Keys that an own transaction's answer has told of before the watch, and the revision up to which it has. */
  readonly ahead: Map<string, Revision>;
}

export interface AuditView extends AuditChain {
  head: AuditChain["head"];
  readonly links: Map<number, Pick<AuditEntry, "previous" | "digest"> | null>;
}

export function newMirror(): Mirror {
  return {
    loaded: false,
    cluster: null,
    history: null,
    usedEpochs: new Map(),
    etcd: null,
    policies: null,
    pause: null,
    idcs: new Map(),
    sites: new Map(),
    sets: new Map(),
    audit: new Map(),
    unreadable: new Map(),
    toldTo: 0n,
    ahead: new Map(),
  };
}

/**
 * Everything anew: what is not there is gone. Evidence and waiting questions of the sets stay; what was known stays as old as it
 * was, and a beat that was not says nothing of how old it is: the next one does.
 */
export function load(mirror: Mirror, entries: readonly LedgerEntry[], revision: Revision, now: Instant): void {
  const beats = new Map(mirror.sites);
  const before = [...mirror.sets.values()].map((view) => ({
    ...{ view, question: view.question, decision: view.decision, planned: view.planned },
  }));
  mirror.loaded = true;
  mirror.toldTo = revision;
  mirror.cluster = null;
  mirror.history = null;
  mirror.policies = null;
  mirror.pause = null;
  mirror.sites.clear();
  mirror.audit.clear();
  mirror.idcs.clear();
  mirror.unreadable.clear();
  mirror.ahead.clear();
  for (const view of mirror.sets.values()) {
    view.record = null;
    view.question = null;
    view.refused = null;
    view.answers.clear();
    view.decision = null;
    view.protection = null;
    view.planned = null;
    view.drains = null;
  }
  // A decision belongs to a set that is known by then.
  const isDecision = ({ key }: LedgerEntry): boolean => parseKey(key)?.kind === "decision";
  const sorted = [...entries.filter((entry) => !isDecision(entry)), ...entries.filter(isDecision)];
  for (const { key, text, revision } of sorted) put(mirror, key, text, revision, now);
  for (const [site, beat] of mirror.sites)
    mirror.sites.set(site, { ...beat, seenAt: beats.get(site)?.seenAt ?? longAgo });
  for (const view of mirror.sets.values()) if (view.planned !== null) view.planned = { ...view.planned, found: true };
  for (const { view, question, decision, planned } of before) {
    if (question !== null && view.question?.value.id === question.value.id)
      view.question = { ...view.question, seenAt: question.seenAt };
    if (decision !== null && view.decision?.value.id === decision.value.id)
      view.decision = { ...view.decision, seenAt: decision.seenAt };
    if (planned !== null && view.planned?.value.id === planned.value.id)
      view.planned = { ...view.planned, seenAt: planned.seenAt, found: planned.found };
  }
}

const longAgo = Number.NEGATIVE_INFINITY as Instant;

/**
 * One change, from the watch. One that is older than what is known says nothing.
 * @param saidAt a site that says that it is there has said so then, or later
 */
export function change(
  mirror: Mirror,
  key: string,
  text: string | null,
  revision: Revision,
  now: Instant,
  saidAt = now,
): void {
  if (revision < mirror.toldTo) return;
  if (revision > mirror.toldTo) {
    mirror.toldTo = revision;
    for (const [known, to] of mirror.ahead) if (to < revision) mirror.ahead.delete(known);
  }
  if (revision < (mirror.ahead.get(key) ?? 0n)) return;
  const isBeat = saidAt !== now && parseKey(key)?.kind === "site";
  put(mirror, key, text, revision, isBeat ? saidAt : now);
}

/** What an own transaction has changed, before the watch tells. When the watch is further it says nothing new. */
export function applyOwn(mirror: Mirror, transaction: Transaction, revision: Revision, now: Instant): void {
  if (revision < mirror.toldTo) return;
  const changes = [
    ...transaction.puts.map(({ key, text }) => ({ key, text })),
    ...transaction.deletes.map((key) => ({ key, text: null })),
  ];
  for (const { key, text } of changes) {
    if ((revisionOf(mirror, key) ?? 0n) >= revision) continue;
    mirror.ahead.set(key, revision);
    put(mirror, key, text, revision, now);
  }
}

/** How the compared keys were at `revision`, when a transaction was refused: those not among the entries were gone. */
export function refresh(
  mirror: Mirror,
  transaction: Transaction,
  entries: readonly LedgerEntry[],
  revision: Revision,
  now: Instant,
): void {
  if (revision < mirror.toldTo) return;
  const found = new Map(entries.map((entry) => [entry.key, entry]));
  for (const { key } of transaction.compares) {
    const entry = found.get(key);
    const known = revisionOf(mirror, key) ?? 0n;
    if (revision < (mirror.ahead.get(key) ?? 0n) || (entry !== undefined && entry.revision <= known)) continue;
    mirror.ahead.set(key, revision);
    put(mirror, key, entry?.text ?? null, entry?.revision ?? revision, now);
  }
}
