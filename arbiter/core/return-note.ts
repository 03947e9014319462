import type { Context } from "./context.ts";
import type { OperatorAnswer } from "./operator-messages.ts";
import type { SetView } from "./set-view.ts";

/** How a return ended: for the log, and its metric. */
export function noteReturn({ name }: SetView, answer: OperatorAnswer, { emit }: Context): void {
  const isDone = answer.kind === "done";
  const outcome = isDone ? { detail: answer.detail } : { code: answer.code, why: answer.message };
  emit({
    kind: "note",
    level: isDone ? "info" : "warn",
    sentence: isDone ? "master brought home" : "master not brought home",
    fields: { set: name, ...outcome },
  });
}
