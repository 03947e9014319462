import type { Instant } from "#lib/clock.ts";
import { brokerOf, candidatesOf, idsOf, readAll, servesHere } from "./brokers.ts";
import { commitDecision, inputOf, viewFromHere } from "./commit-decision.ts";
import type { Context, Ending } from "./context.ts";
import { decide } from "./decide.ts";
import { mayServe } from "./evidence.ts";
import type { BrokerId } from "./model.ts";
import { answerTo, changedMeanwhile } from "./operator-answers.ts";
import type { OperatorAnswer } from "./operator-messages.ts";
import { isRestored, notFrozenYet } from "./restored.ts";
import { isFenceAwaited, isScripted } from "./scripted.ts";
import type { SetView } from "./set-view.ts";

/**
 * An operator's way out of a record that is of no use any more: an epoch far above all that were seen, since elections without a
 * write in between are in no broker's file.
 */

type Recovery = NonNullable<SetView["recovery"]>;

export function recover(
  view: SetView,
  { request, who, answer }: Pick<Recovery, "request" | "who" | "answer">,
  context: Context,
): void {
  if (isRestored(context.mirror)) {
    answer(notFrozenYet, context);
    return;
  }
  if (view.recovery !== null) {
    answer(underWay, context);
    return;
  }
  if (isFenceAwaited(view, context) && !request.force) {
    answer(notFenced(view), context);
    return;
  }
  view.recovery = { since: context.moment.now, request, who, answer };
  driveRecovery(view, context);
}

function notFenced({ decision }: SetView): OperatorAnswer {
  return {
    kind: "refused",
    code: "ARB_NOT_FENCED",
    message: `Broker ${decision?.value.input.master ?? ""} may still act as master: its fence has not said yes`,
    hint: "See to it that it does not, then name a master with --master and --force",
  };
}

const underWay: OperatorAnswer = {
  kind: "refused",
  code: "ARB_BUSY",
  message: "A recovery of this set is under way",
  hint: "Look what came of it: idcctl set show",
};

/** A broker that waits for its role asks again each 5 s, with one heartbeat: nobody is waited for over two of them. */
const servingMsMax = 6_000;

/**
 * Decides when every broker that is heard has told how far it is, or would have in probeTimeoutMs; and when it is known of each that has a
 * master's role whether it serves.
 */
export function driveRecovery(view: SetView, context: Context): void {
  const { recovery } = view;
  if (recovery === null) return;
  const isAwaited = readAll(view, recovery.since, context) || view.busy;
  const isOver = context.moment.now - recovery.since >= context.options.timing.probeTimeoutMs;
  if (isAwaited && !isOver) return;
  const { now } = context.moment;
  const isObscure = idsOf(view).some((id) => mayServe(brokerOf(view, id, context).evidence, now));
  if (isObscure && !isScripted(view, context) && now - recovery.since < servingMsMax) return;
  view.recovery = null;
  conclude(view, recovery, context);
}

function conclude(view: SetView, { since, request, who, answer }: Recovery, context: Context): void {
  const record = view.record?.value;
  if (record === undefined) {
    answer(changedMeanwhile, context);
    return;
  }
  const { master, reason, force } = request;
  // Meanwhile a failover may have been decided that waits for its fence.
  if (isFenceAwaited(view, context) && !force) {
    answer(notFenced(view), context);
    return;
  }
  // A record that is older than the brokers says nothing of who is in sync.
  const isKnown = record.frozen?.code !== "ledger-behind";
  const known = isKnown ? record : { ...record, inSync: [], unconfirmed: [] };
  const candidates = candidatesOf(view, [viewFromHere(view, context)], since, context);
  const input = inputOf(view, known, context, {
    kind: "recover",
    answers: [],
    candidates: isKnown ? candidates : candidates.map((one) => ({ ...one, inSync: false, confirmed: false })),
    acting: actingOf(view, since, context),
    gathered: true,
    designated: master,
    forced: force,
    reason,
  });
  const verdict = decide(input);
  if (verdict.kind === "refuse") {
    const details = verdict.rejected.map(({ id, detail }) => `broker ${id}: ${detail}`).join("; ");
    const message = `${verdict.why}. ${details}`;
    const hint = "Name one with --master and --force, if you know what is lost";
    answer({ kind: "refused", code: "ARB_REFUSED", message, hint }, context);
    return;
  }
  const done = (ending: Ending, later: Context): void => {
    const detail = `broker ${verdict.winner} is master of epoch ${verdict.epoch}`;
    answer(answerTo(ending, detail), later);
  };
  commitDecision(view, input, verdict, [], context, { done, who });
}

function actingOf(view: SetView, since: Instant, context: Context): BrokerId[] {
  return idsOf(view).filter((id) => {
    const { reading, evidence } = brokerOf(view, id, context);
    return reading !== null && reading.sentAt >= since && servesHere(view, id, evidence.countsFrom, context);
  });
}
