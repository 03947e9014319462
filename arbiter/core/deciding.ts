import type { Instant } from "#lib/clock.ts";
import { candidatesOf, isHeardHere, readAll } from "./brokers.ts";
import { commitDecision, inputOf } from "./commit-decision.ts";
import type { Context } from "./context.ts";
import { decide } from "./decide.ts";
import type { DecisionVerdict } from "./decision.ts";
import type { AnswerRecord, Stored } from "./model.ts";
import { recordRefusal } from "./refusals.ts";
import type { SetView } from "./set-view.ts";

/** From a confirmed death to a decision, or to the reason why there is none yet. */

/** How often a question that has its majority, and no candidate, is looked at again. */
const decideEveryMs = 200;
/** Offsets read longer ago than this are read again. */
const readingFreshMs = 1_500;

/** Reads what every candidate has, then elects; refused as long as something is missing. */
export function considerDeciding(view: SetView, answers: readonly Stored<AnswerRecord>[], context: Context): void {
  const { question, confirmedAt } = view;
  const record = view.record?.value;
  const { moment, options } = context;
  if (question === null || confirmedAt === null || record === undefined || record.master === null) return;
  const readSince = Math.max(confirmedAt, moment.now - readingFreshMs);
  const waiting = readAll(view, readSince, context);
  const sinceMs = moment.now - confirmedAt;
  if (waiting && sinceMs < options.timing.offsetReadMs) return;
  const candidates = candidatesOf(
    view,
    answers.map(({ value }) => value),
    readSince,
    context,
  );
  const majority = majorityOf(context);
  const missing = candidates.some(
    ({ inSync, confirmed, reading, downAt }) => inSync && confirmed && reading === null && downAt.length < majority,
  );
  const input = inputOf(view, record, context, {
    kind: isHeardHere(view, record.master, context) ? "restart" : "failover",
    answers: answers.map(({ value }) => value),
    candidates,
    gathered: !missing || sinceMs >= options.timing.gatherMs,
    designated: null,
    forced: false,
    reason: "",
  });
  if (context.isPaused() && input.kind !== "restart") {
    refuse(view, { kind: "refuse", reason: "paused", rejected: [], why: "Failover is paused" }, context);
    return;
  }
  const verdict = decide(input);
  if (verdict.kind === "refuse") refuse(view, verdict, context);
  else commitDecision(view, input, verdict, answers, context);
}

function refuse(view: SetView, verdict: Extract<DecisionVerdict, { kind: "refuse" }>, context: Context): void {
  const isNew = view.refusal?.reason !== verdict.reason || view.refusal.why !== verdict.why;
  view.refusal = verdict;
  recordRefusal(view, context);
  view.decideAt = (context.moment.now + (verdict.reason === "gathering" ? 20 : decideEveryMs)) as Instant;
  if (!isNew || verdict.reason === "gathering") return;
  const { reason, why, rejected } = verdict;
  context.emit({
    kind: "note",
    level: "warn",
    sentence: "failover blocked",
    fields: { set: view.name, reason, why, rejected },
  });
}

function majorityOf({ mirror }: Context): number {
  return Math.floor((mirror.cluster?.value.sites.length ?? 0) / 2) + 1;
}
