import type { Ending } from "./context.ts";
import type { OperatorAnswer } from "./operator-messages.ts";

/** What an operator is told of a transaction that ended. */

export const changedMeanwhile: OperatorAnswer = {
  kind: "refused",
  code: "ARB_CHANGED",
  message: "The ledger changed meanwhile, and nothing was done",
  hint: "Look at it again, and ask again",
};

const unanswered: OperatorAnswer = {
  kind: "refused",
  code: "ARB_LEDGER_UNANSWERED",
  message: "The ledger did not answer in time: it may or may not have been done",
  hint: "Look whether it was, before you ask again",
};

/** @param detail what was done, if it was */
export function answerTo(ending: Ending, detail: string): OperatorAnswer {
  if (ending === "committed") return { kind: "done", detail };
  return ending === "outdated" ? changedMeanwhile : unanswered;
}
