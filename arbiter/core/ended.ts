import type { Instant } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import { afterKey } from "./drive-set.ts";
import type { Event, Transaction } from "./events.ts";
import { type Inner, noteWrite } from "./inner.ts";
import { parseKey } from "./keys.ts";
import { applyOwn, refresh } from "./mirror.ts";
import { prove } from "./prove.ts";

/** How a transaction ended: what the ledger says now goes into the mirror, then whoever sent it goes on. */

export function ended(
  event: Extract<Event, { kind: "committed" | "outdated" | "unanswered" }>,
  state: Inner,
  context: Context,
): void {
  const commit = state.commits.get(event.token);
  if (commit === undefined) return;
  state.commits.delete(event.token);
  const { mirror, moment } = context;
  if (event.kind !== "unanswered" && (state.quorumAt === null || commit.sentAt > state.quorumAt))
    state.quorumAt = commit.sentAt;
  if (event.kind === "committed") {
    applyOwn(mirror, commit.transaction, event.revision, moment.now);
    noteWrite(state, event.revision, commit.sentAt);
    proveSets(state, commit.transaction, commit.sentAt);
  }
  if (event.kind === "outdated") refresh(mirror, commit.transaction, event.entries, event.revision, moment.now);
  commit.then(event.kind, context, event.kind === "outdated" ? event.entries : []);
  for (const key of keysOf(commit.transaction)) afterKey(key, context);
  prove(state, context);
}

/** The records that it has compared, or written, were the newest when it was sent. */
function proveSets({ mirror, stall }: Inner, { compares, puts }: Transaction, sentAt: Instant): void {
  if (stall !== null && sentAt < stall.until) return;
  for (const { key } of [...compares, ...puts]) {
    const parsed = parseKey(key);
    const view = parsed?.kind === "set" ? mirror.sets.get(parsed.name) : undefined;
    if (view !== undefined && sentAt > (view.provenAt ?? Number.NEGATIVE_INFINITY)) view.provenAt = sentAt;
  }
}

function keysOf({ compares, puts, deletes }: Transaction): Set<string> {
  return new Set([...compares.map(({ key }) => key), ...puts.map(({ key }) => key), ...deletes]);
}
