import type { Instant } from "#lib/clock.ts";
import { brokerOf, idsOf, probe, viewHere } from "./brokers.ts";
import type { Context } from "./context.ts";
import { isPromotionLost } from "./effects.ts";
import { mostReported } from "./evidence.ts";
import { answerKey, questionKey } from "./keys.ts";
import type { AnswerRecord, BrokerId, BrokerView, Stored } from "./model.ts";
import { encodeAnswer } from "./records.ts";
import type { SetView } from "./set-view.ts";
import { probeDoubtMs, siteFreshMs } from "./timing.ts";

/** This site's answer to the open question, and which sites' answers count. */

/** Probes afresh, and keeps this site's answer true. */
export function answer(view: SetView, context: Context): void {
  const { question } = view;
  const record = view.record?.value;
  const { site } = context.options;
  if (question === null || record === undefined || !isVoting(context)) return;
  const { master } = question.value;
  for (const id of idsOf(view)) {
    // What a master says of itself counts only as long as it is fresh.
    const since = id === master ? Math.max(question.seenAt, context.moment.now - probeDoubtMs) : question.seenAt;
    if (brokerOf(view, id, context).lastProbeAt < since) probe(view, id, context, since);
  }
  if (view.answering) return;
  const views: [BrokerId, BrokerView][] = idsOf(view).map((id) => [id, viewHere(view, id, false, context)]);
  const said: AnswerRecord = {
    site,
    question: question.value.id,
    master: viewHere(view, master, isToAct(view) || isPromotionLost(view, context), context),
    replicas: Object.fromEntries(views),
    told: mostReported(brokerOf(view, master, context).evidence),
    at: context.moment.wall,
  };
  const before = view.answers.get(site);
  if (before !== undefined && sameVerdicts(before.value, said)) return;
  view.answering = true;
  context.commit(
    {
      compares: [{ key: questionKey(view.name), revision: question.revision }],
      puts: [{ key: answerKey(view.name, site), text: encodeAnswer(said, view.name), onLease: true }],
      deletes: [],
    },
    () => {
      view.answering = false;
    },
  );
}

/** A master that is still being promoted says rightly that it does not act as one. */
function isToAct({ record, decision, effects, restartedAt, question }: SetView): boolean {
  if (record?.value.decision === null || restartedAt !== null || question?.value.restarted === true) return true;
  return effects.promoted !== null || decision?.value.effects.promoted !== undefined;
}

function sameVerdicts(one: AnswerRecord, other: AnswerRecord): boolean {
  if (one.question !== other.question || one.master.verdict !== other.master.verdict) return false;
  const ids = new Set([...Object.keys(one.replicas), ...Object.keys(other.replicas)].map(Number));
  return [...ids].every((id) => one.replicas[id]?.verdict === other.replicas[id]?.verdict);
}

/** A site votes when the ledger names it, and what it knows is complete. */
function isVoting({ mirror, options }: Context): boolean {
  return mirror.cluster?.value.sites.includes(options.site) ?? false;
}

/** Answers of sites that are there: their view is kept true as long as their beat is fresh. */
export function freshAnswers(view: SetView, { mirror, moment, options }: Context): Stored<AnswerRecord>[] {
  return [...view.answers.values()].filter(({ value: { site, question } }) => {
    if (question !== view.question?.value.id) return false;
    if (site === options.site) return true;
    const beat = mirror.sites.get(site);
    return beat !== undefined && moment.now - beat.seenAt <= siteFreshMs;
  });
}

/**
 * Every site that is there hears the master: whoever asked has changed its mind. A site that does not know keeps the question open;
 * so does one that has just asked it, if its beat is late: it would ask again at once, and again.
 */
export function isUnanimous(
  { question }: SetView,
  answers: readonly Stored<AnswerRecord>[],
  { mirror, moment }: Context,
): boolean {
  const isFresh = (seenAt: Instant | undefined): boolean => seenAt !== undefined && moment.now - seenAt <= siteFreshMs;
  const present = (mirror.cluster?.value.sites ?? []).filter(
    (site) => isFresh(mirror.sites.get(site)?.seenAt) || (question?.value.askedBy === site && isFresh(question.seenAt)),
  );
  return present.every((site) => answers.some(({ value }) => value.site === site && value.master.verdict === "alive"));
}
