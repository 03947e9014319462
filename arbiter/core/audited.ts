import { type Act, append, encodeAuditEntry, encodeAuditHead } from "./audit.ts";
import type { Context, Ending } from "./context.ts";
import type { LedgerEntry, Transaction } from "./events.ts";
import { standing, takeGroup, together } from "./grouping.ts";
import type { Inner } from "./inner.ts";
import { auditHeadKey, auditKey, parseKey } from "./keys.ts";

/**
 * Transactions that have an entry in the audit log: no change without its entry, no entry without its change. Each of them moves
 * the head of this site's chain, so one is under way at a time. What comes meanwhile goes together in the next one: it costs no
 * round trip of its own, also where a hundred sets lose their master in one moment.
 */

export interface Audited {
  readonly transaction: Transaction;
  readonly then: (ending: Ending, context: Context) => void;
  readonly act: Act;
  /** How often it was composed anew because others in its transaction, or the head, had moved. */
  tries: number;
}

/** Each has its entry, and may drop one; the head is one more. */
const besides = { compares: 1, writes: 1, writesForEach: 2 };
/** After so many an audited change counts as outdated: whoever wants it judges anew. */
const triesMax = 10;

/**
 * Of what a transaction writes: what is somebody's act by its very key. Those are operators' own records, and the decisions that it
 * makes. A set's record is not among them: it also changes as brokers ask.
 */
export function keysOfActs({ compares, puts, deletes }: Transaction): string[] {
  const made = new Set(compares.flatMap((each) => ("revision" in each && each.revision === 0n ? [each.key] : [])));
  return [...puts.map(({ key }) => key), ...deletes].filter((key) => {
    switch (parseKey(key)?.kind) {
      case "cluster":
      case "policy":
      case "pause":
      case "idc":
      case "drain":
        return true;
      case "decision":
        return made.has(key);
      default:
        return false;
    }
  });
}

/** Called at the end of each step. */
export function sendAudited(state: Inner, context: Context): void {
  const { audited } = state;
  if (audited.inFlight || audited.waiting.length === 0) return;
  const { site } = context.options;
  const { now, wall } = context.moment;
  const chain = context.mirror.audit.get(site) ?? { head: null, links: new Map() };
  const group = takeGroup(audited.waiting, besides);
  audited.waiting = audited.waiting.slice(group.length);
  audited.inFlight = true;
  const acts = group.map(({ act }) => act);
  const { entries, head, dropped } = append(chain, acts, { site, at: wall });
  const headKey = auditHeadKey(site);
  const { compares, puts, deletes } = together(group);
  const transaction: Transaction = {
    compares: [
      ...compares,
      chain.head === null ? { key: headKey, revision: 0n } : { key: headKey, text: chain.head.text },
    ],
    puts: [
      ...puts,
      ...entries.map((entry) => ({ key: auditKey(site, entry.n), text: encodeAuditEntry(entry), onLease: false })),
      { key: headKey, text: encodeAuditHead(head), onLease: false },
    ],
    deletes: [...deletes, ...dropped.map((n) => auditKey(site, n))],
  };
  const then = (ending: Ending, later: Context, found: readonly LedgerEntry[]): void => {
    audited.inFlight = false;
    if (ending === "committed") for (const entry of entries) tell(entry, later);
    finish(group, ending, found, state, later);
  };
  state.tokens += 1;
  state.commits.set(state.tokens, { transaction, sentAt: now, then });
  context.emit({ kind: "commit", token: state.tokens, transaction });
}

/** The log outside of the ledger: whoever rewrites a chain cannot rewrite that. */
function tell(
  { n, digest, what, who, set, reason, detail }: ReturnType<typeof append>["entries"][number],
  { emit }: Context,
) {
  const fields = { n, digest, what, who, set, reason, detail };
  emit({ kind: "note", level: "info", sentence: "audit entry written", fields });
}

function finish(
  group: readonly Audited[],
  ending: Ending,
  found: readonly LedgerEntry[],
  state: Inner,
  context: Context,
): void {
  const { audited } = state;
  switch (ending) {
    case "committed":
      for (const { then } of group) then("committed", context);
      return;
    case "unanswered": {
      // Nobody waits longer than for one answer: those that were not sent wait no more either.
      const waiting = audited.waiting;
      audited.waiting = [];
      for (const { then } of [...group, ...waiting]) then("unanswered", context);
      return;
    }
    case "outdated": {
      const stand = standing(group, found);
      const again = group.filter((one) => one.tries < triesMax && stand.has(one));
      for (const one of again) one.tries += 1;
      audited.waiting = [...again, ...audited.waiting];
      for (const one of group) if (!again.includes(one)) one.then("outdated", context);
    }
  }
}
