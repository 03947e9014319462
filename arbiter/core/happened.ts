import type { Instant } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import type { Happened } from "./events.ts";
import { leaderOf } from "./leader.ts";
import { blockedBy, type SetView } from "./set-view.ts";

/**
 * What happens to a set, for whoever wants to be told (hooks). Every site sees it in the ledger, and the one that leads tells it. A
 * site that does not lead keeps it for a while: if it leads by then, the one before may not have told.
 */

/** What was last seen of a set, and what is still to be told. */
export interface HappenedState {
  readonly question: string | null;
  readonly blocked: string | null;
  readonly epoch: number;
  readonly isDone: boolean;
  /** The decision of this epoch was told. */
  readonly isCommitSeen: boolean;
  readonly untold: readonly { readonly happened: Happened; readonly seenAt: Instant }[];
}

/** A site that leads for longer than that has told what it had to tell. */
const untoldMsMax = 10_000;
/** Of one set, kept by a site that does not lead. */
const untoldMax = 16;

/** Nothing is told of what was there before this site began. */
export function noteHappened(view: SetView, context: Context): void {
  const before = view.happened;
  if (before === null) {
    view.happened = { ...seenNow(view, null), untold: [] };
    return;
  }
  const seen = seenNow(view, before);
  const news = newsOf(view, before, seen, context);
  const isSame = news.length === 0 && before.untold.length === 0;
  if (isSame && seen.question === before.question && seen.blocked === before.blocked && seen.epoch === before.epoch) {
    if (seen.isDone === before.isDone && seen.isCommitSeen === before.isCommitSeen) return;
  }
  const { now } = context.moment;
  const untold = [...before.untold, ...news.map((happened) => ({ happened, seenAt: now }))]
    .filter(({ seenAt }) => now - seenAt <= untoldMsMax)
    .slice(-untoldMax);
  const leads = untold.length > 0 && leaderOf(context) === context.options.site;
  view.happened = { ...seen, untold: leads ? [] : untold };
  if (leads) for (const { happened } of untold) context.emit({ kind: "happened", happened });
}

type Seen = Omit<HappenedState, "untold">;

function seenNow(view: SetView, before: HappenedState | null): Seen {
  const { record, question, decision } = view;
  const epoch = record?.value.epoch ?? 0;
  const blocked = blockedBy(view);
  const isDone = (record?.value.decision ?? null) === null;
  // The record may come before its decision.
  const isCommitSeen = isDone || decision !== null || (before?.epoch === epoch && before.isCommitSeen);
  return {
    question: question?.value.id ?? null,
    blocked: blocked === null ? null : `${blocked.question}/${blocked.reason}`,
    epoch,
    isDone,
    isCommitSeen,
  };
}

function newsOf(view: SetView, before: HappenedState, seen: Seen, context: Context): Happened[] {
  const { name, question, decision } = view;
  const record = view.record?.value;
  if (record === undefined) return [];
  const of = {
    set: name,
    epoch: record.epoch,
    master:
      record.master === null ? null : { id: record.master, address: record.replicas[record.master]?.address ?? "" },
    at: context.moment.wall,
    question: null,
    decision: null,
    kind: null,
    reason: null,
  };
  const news: Happened[] = [];
  const decisionId = `${name}/${seen.epoch}`;
  const isNewEpoch = seen.epoch > before.epoch || (seen.epoch === before.epoch && !before.isCommitSeen);
  const made = decision?.value.id === decisionId ? decision.value : null;
  const ofDecision = { ...of, decision: decisionId, kind: made?.input.kind ?? null, why: made?.verdict.why ?? "" };
  if (question !== null && seen.question !== before.question) {
    const why = `${question.value.askedBy} asks whether broker ${question.value.master} is down`;
    news.push({
      ...of,
      id: `suspect/${name}/${question.value.id}`,
      event: "suspect",
      question: question.value.id,
      why,
    });
  }
  if (isNewEpoch && seen.isCommitSeen) news.push({ ...ofDecision, id: `commit/${decisionId}`, event: "commit" });
  if (seen.isDone && seen.epoch > 0 && (seen.epoch > before.epoch || !before.isDone)) {
    news.push({ ...ofDecision, id: `done/${decisionId}`, event: "done" });
  }
  const blocked = blockedBy(view);
  if (blocked !== null && seen.blocked !== before.blocked) {
    const isOfDecision = blocked.question === decisionId;
    news.push({
      ...of,
      id: `blocked/${name}/${blocked.question}/${blocked.reason}`,
      event: "blocked",
      question: isOfDecision ? null : blocked.question,
      decision: isOfDecision ? decisionId : null,
      reason: blocked.reason,
      why: blocked.why,
    });
  }
  return news;
}
