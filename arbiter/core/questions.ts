import { answer, freshAnswers, isUnanimous } from "./answers.ts";
import { brokerOf, viewHere } from "./brokers.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { considerDeciding } from "./deciding.ts";
import { isPromotionLost } from "./effects.ts";
import { suspects } from "./evidence.ts";
import { answerKey, questionKey, refusalKey, setKey } from "./keys.ts";
import { encodeQuestion } from "./records.ts";
import { recordRefusal } from "./refusals.ts";
import { isFenceAwaited } from "./scripted.ts";
import type { SetView } from "./set-view.ts";
import { askAgainMs } from "./timing.ts";

/** From a doubt about a master to the answers of a majority. */

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
  if (view.restartedAt !== null && !view.question.value.restarted) {
    tellRestart(view, context);
    return;
  }
  answer(view, context);
  judgeAnswers(view, context);
}

/**
 * The question was open when the master told this site of its restart: the same question says so from now on. It could not be closed
 * and asked anew: a site that is cut off from the master keeps it open.
 */
function tellRestart(view: SetView, context: Context): void {
  const { name, record, question } = view;
  if (view.busy || record === null || question === null) return;
  view.busy = true;
  const text = encodeQuestion({ ...question.value, restarted: true });
  context.commit(
    {
      compares: [
        { key: setKey(name), revision: record.revision },
        { key: questionKey(name), revision: question.revision },
      ],
      puts: [{ key: questionKey(name), text, onLease: false }],
      deletes: [],
    },
    () => {
      view.busy = false;
    },
  );
}

/** Opens the question when this site has a reason, and it is its turn. */
function considerAsking(view: SetView, context: Context): void {
  const record = view.record?.value;
  if (record === undefined || record.master === null || view.record === null) return;
  const { now } = context.moment;
  const { evidence } = brokerOf(view, record.master, context);
  const isDenied = view.askedUntil !== null && now - view.askedUntil < askAgainMs;
  const doubts =
    !isFenceAwaited(view, context) &&
    (suspects(evidence, now, context.options.timing) ||
      (!isDenied && (view.restartedAt !== null || isPromotionLost(view, context))));
  if (!doubts) {
    view.doubtSince = null;
    return;
  }
  view.doubtSince ??= now;
  if (view.busy || !context.isMyTurn(view.doubtSince, view)) return;
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
    restarted: view.restartedAt !== null,
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
      withdraw(view, context);
      return;
    case "refuted":
      view.confirmedAt = null;
      withdraw(view, context);
      if (!isUnanimous(view, answers, context)) return;
      if (view.restartedAt === null && context.isMyTurn(question.seenAt, view)) closeQuestion(view, context);
      return;
    case "confirmed":
      view.confirmedAt ??= moment.now;
      if (moment.now < view.decideAt || !context.isMyTurn(view.confirmedAt, view)) return;
      considerDeciding(view, answers, context);
  }
}

/** Without a majority nothing is refused: there is nothing to decide. */
function withdraw(view: SetView, context: Context): void {
  view.refusal = null;
  if (view.refused !== null && context.isMyTurn(context.moment.now, view)) recordRefusal(view, context);
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
      deletes: [questionKey(name), refusalKey(name)],
    },
    () => {
      view.busy = false;
      view.doubtSince = null;
    },
  );
}
