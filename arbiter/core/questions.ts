import type { Instant } from "#lib/clock.ts";
import { brokerOf, candidatesOf, idsOf, isHeardHere, probe, viewHere } from "./brokers.ts";
import { confirm } from "./confirm.ts";
import type { Context, Ending } from "./context.ts";
import { decide } from "./decide.ts";
import { suspects } from "./evidence.ts";
import { answerKey, clusterKey, decisionKey, questionKey, setKey } from "./keys.ts";
import type {
  AnswerRecord,
  BrokerId,
  BrokerView,
  DecisionInput,
  DecisionKind,
  DecisionRecord,
  DecisionVerdict,
  SetRecord,
  Stored,
} from "./model.ts";
import { encodeAnswer, encodeDecision, encodeQuestion, encodeSet } from "./records.ts";
import type { SetView } from "./set-view.ts";
import { siteFreshMs } from "./timing.ts";

/** From a doubt about a master to a decision: question, answers, majority, offsets, election, commit. */

/** How often a question that has its majority, and no candidate, is looked at again. */
const decideEveryMs = 200;
/** Offsets read longer ago than this are read again. */
const readingFreshMs = 1_500;
const failoversKept = 20;

export function driveQuestion(view: SetView, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || record.frozen !== null) return;
  if (record.epoch === 0) return;
  if (view.question === null) {
    considerAsking(view, context);
    return;
  }
  if (view.question.value.epoch !== record.epoch) {
    // Asked about a master that is not master any more.
    closeQuestion(view, context);
    return;
  }
  answer(view, context);
  judgeAnswers(view, context);
}

/** Opens the question when this site has a reason, and it is its turn. */
function considerAsking(view: SetView, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || record.master === null || view.record === null) return;
  const { now } = context.moment;
  const { evidence } = brokerOf(view, record.master, context);
  const doubts = view.restartedAt !== null || suspects(evidence, now, context.options.timing);
  if (!doubts) {
    view.doubtSince = null;
    return;
  }
  view.doubtSince ??= now;
  if (view.busy || !context.isMyTurn(view.doubtSince)) return;
  view.busy = true;
  view.questions += 1;
  const { name, cluster, set } = view;
  const question = {
    id: `${record.epoch}.${context.moment.wall}-${view.questions}`,
    cluster,
    set,
    epoch: record.epoch,
    master: record.master,
    askedBy: context.options.site,
    at: context.moment.wall,
  };
  context.commit(
    {
      compares: [
        { key: setKey(name), revision: view.record.revision },
        { key: questionKey(name), revision: 0n },
      ],
      puts: [{ key: questionKey(name), text: encodeQuestion(question), onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      view.busy = false;
      if (ending !== "committed") return;
      const { evidence: why } = viewHere(view, question.master, false, then);
      const fields = {
        set: name,
        question: question.id,
        master: question.master,
        restarted: view.restartedAt !== null,
        why,
      };
      then.emit({ kind: "note", level: "warn", sentence: "master suspected: all sites are asked", fields });
    },
  );
}

/** Probes afresh, and keeps this site's answer true. */
function answer(view: SetView, context: Context): void {
  const { question } = view;
  const record = view.record?.value;
  const { site } = context.options;
  if (question === null || record === undefined || !isVoting(context)) return;
  const { master } = question.value;
  for (const id of idsOf(view)) {
    if (brokerOf(view, id, context).lastProbeAt < question.seenAt) probe(view, id, context);
  }
  if (view.answering) return;
  const views: [BrokerId, BrokerView][] = idsOf(view).map((id) => [id, viewHere(view, id, false, context)]);
  const said: AnswerRecord = {
    site,
    question: question.value.id,
    master: viewHere(view, master, isToAct(view), context),
    replicas: Object.fromEntries(views),
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
function isToAct({ record, decision, effects, restartedAt }: SetView): boolean {
  if (record?.value.decision === null || restartedAt !== null) return true;
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
function freshAnswers(view: SetView, { mirror, moment, options }: Context): Stored<AnswerRecord>[] {
  return [...view.answers.values()].filter(({ value: { site, question } }) => {
    if (question !== view.question?.value.id) return false;
    if (site === options.site) return true;
    const beat = mirror.sites.get(site);
    return beat !== undefined && moment.now - beat.seenAt <= siteFreshMs;
  });
}

function judgeAnswers(view: SetView, context: Context): void {
  const { question } = view;
  const { mirror, moment } = context;
  if (question === null || mirror.cluster === null || view.busy) return;
  const answers = freshAnswers(view, context);
  const confirmation = confirm(
    question.value,
    mirror.cluster.value.sites,
    answers.map(({ value }) => value),
  );
  switch (confirmation.kind) {
    case "open":
      view.confirmedAt = null;
      view.refusal = null;
      return;
    case "refuted":
      view.confirmedAt = null;
      if (!isUnanimous(answers, context)) return;
      if (view.restartedAt === null && context.isMyTurn(question.seenAt)) closeQuestion(view, context);
      return;
    case "confirmed":
      view.confirmedAt ??= moment.now;
      if (moment.now < view.decideAt || !context.isMyTurn(view.confirmedAt)) return;
      considerDeciding(view, answers, context);
  }
}

/** Every site that is there hears the master: whoever asked has changed its mind. A site that does not know keeps the question open. */
function isUnanimous(answers: readonly Stored<AnswerRecord>[], { mirror, moment }: Context): boolean {
  const present = (mirror.cluster?.value.sites ?? []).filter((site) => {
    const beat = mirror.sites.get(site);
    return beat !== undefined && moment.now - beat.seenAt <= siteFreshMs;
  });
  return present.every((site) => answers.some(({ value }) => value.site === site && value.master.verdict === "alive"));
}

function closeQuestion(view: SetView, context: Context): void {
  const { question, name } = view;
  if (question === null || view.busy) return;
  view.busy = true;
  context.commit(
    {
      compares: [
        { key: questionKey(name), revision: question.revision },
        ...[...view.answers].map(([site, { revision }]) => ({ key: answerKey(name, site), revision })),
      ],
      puts: [],
      deletes: [questionKey(name), ...[...view.answers.keys()].map((site) => answerKey(name, site))],
    },
    () => {
      view.busy = false;
      view.restartedAt = null;
      view.doubtSince = null;
    },
  );
}

/** Reads what every candidate has, then elects; refused as long as something is missing. */
function considerDeciding(view: SetView, answers: readonly Stored<AnswerRecord>[], context: Context): void {
  const { question, confirmedAt } = view;
  const record = view.record?.value;
  const { moment, options } = context;
  if (question === null || confirmedAt === null || record === undefined || record.master === null) return;
  const readSince = Math.max(confirmedAt, moment.now - readingFreshMs);
  const waiting = readCandidates(view, readSince, context);
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

/** Asks every in-sync member (any member, where policy allows it). @returns whether an answer is still awaited */
function readCandidates(view: SetView, readSince: number, context: Context): boolean {
  let waiting = false;
  for (const id of idsOf(view)) {
    const { reading, probeSentAt } = brokerOf(view, id, context);
    if (reading !== null && reading.sentAt >= readSince) continue;
    if (probeSentAt !== null) {
      waiting ||= isHeardHere(view, id, context);
      continue;
    }
    if (!isHeardHere(view, id, context)) continue;
    probe(view, id, context);
    waiting = true;
  }
  return waiting;
}

function refuse(view: SetView, verdict: Extract<DecisionVerdict, { kind: "refuse" }>, context: Context): void {
  const isNew = view.refusal?.reason !== verdict.reason || view.refusal.why !== verdict.why;
  view.refusal = verdict;
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

export function inputOf(
  view: SetView,
  record: SetRecord,
  context: Context,
  of: Pick<DecisionInput, "answers" | "candidates" | "gathered" | "designated" | "forced" | "reason"> & {
    kind: DecisionKind;
  },
): DecisionInput {
  return {
    ...of,
    cluster: view.cluster,
    set: view.set,
    epoch: record.epoch,
    inSyncEpoch: record.inSyncEpoch,
    master: record.master,
    inSync: record.inSync,
    sites: context.mirror.cluster?.value.sites ?? [],
    question: view.question?.value ?? null,
    policy: context.policyOf(view),
    protection: view.protection?.value ?? null,
    failoversAt: record.failoversAt,
    now: context.moment.wall,
  };
}

/**
 * The decision: one transaction that compares everything it rests on. Refused, nothing has happened, and the next look
 * starts from what the ledger says now.
 */
export function commitDecision(
  view: SetView,
  input: DecisionInput,
  verdict: Extract<DecisionVerdict, { kind: "elect" }>,
  answers: readonly Stored<AnswerRecord>[],
  context: Context,
  done?: (ending: Ending, context: Context) => void,
): void {
  const { name, record, question } = view;
  const { mirror, options, moment } = context;
  if (record === null || mirror.cluster === null || view.busy) {
    done?.("outdated", context);
    return;
  }
  const id = `${name}/${verdict.epoch}`;
  const decision: DecisionRecord = { id, input, verdict, decidedBy: options.site, at: moment.wall, effects: {} };
  const next: SetRecord = {
    ...record.value,
    frozen: input.kind === "recover" ? null : record.value.frozen,
    epoch: verdict.epoch,
    inSyncEpoch: verdict.inSyncEpoch,
    master: verdict.winner,
    inSync: [verdict.winner],
    unconfirmed: [],
    decision: id,
    failoversAt:
      input.kind === "failover"
        ? [...record.value.failoversAt, moment.wall].slice(-failoversKept)
        : record.value.failoversAt,
  };
  view.busy = true;
  const startedAt = moment.now;
  context.commit(
    {
      compares: [
        { key: clusterKey, revision: mirror.cluster.revision },
        { key: setKey(name), revision: record.revision },
        { key: decisionKey(id), revision: 0n },
        { key: questionKey(name), revision: question?.revision ?? 0n },
        ...answers.map(({ value: { site }, revision }) => ({ key: answerKey(name, site), revision })),
      ],
      puts: [
        { key: decisionKey(id), text: encodeDecision(decision), onLease: false },
        { key: setKey(name), text: encodeSet(next), onLease: false },
      ],
      deletes:
        question === null ? [] : [questionKey(name), ...[...view.answers.keys()].map((site) => answerKey(name, site))],
    },
    (ending, then) => {
      view.busy = false;
      view.refusal = null;
      view.decideAt = then.moment.now;
      done?.(ending, then);
      if (ending !== "committed") return;
      const { winner, epoch, why, knownLag } = verdict;
      const fields = {
        set: name,
        from: input.master,
        to: winner,
        epoch,
        kind: input.kind,
        why,
        knownLag: knownLag?.toString() ?? null,
      };
      then.emit({
        kind: "note",
        level: "info",
        sentence: "master decided",
        fields: { ...fields, decisionId: id, committedInMs: Math.round(then.moment.now - startedAt) },
      });
    },
  );
}
