import type { Instant } from "#lib/clock.ts";
import type { Context } from "./context.ts";
import type { RefusalRecord } from "./decision.ts";
import { encodeRefusal } from "./decision-records.ts";
import { decisionKey, questionKey, refusalKey } from "./keys.ts";
import type { SetView } from "./set-view.ts";

type Grounds = Pick<RefusalRecord, "reason" | "why" | "rejected">;

/** Another reason is written at most this often. */
const refusalEveryMs = 1_000;

/**
 * Why the open question leads to no decision, written by the site that drives it: only it has the readings, and an operator may ask
 * any site. Waiting for members is no refusal.
 */
export function recordRefusal(view: SetView, context: Context): void {
  const { question, refusal, refused, name } = view;
  const wanted = refusal === null || refusal.reason === "gathering" ? null : refusal;
  if (question === null || view.refusing) return;
  if (wanted === null) {
    if (refused === null) return;
  } else if (
    refused !== null &&
    refused.value.question === question.value.id &&
    (isSame(refused.value, wanted) || context.moment.now - view.refusalAt < refusalEveryMs)
  )
    return;
  const { site } = context.options;
  const of = { question: question.value.id, site, at: context.moment.wall };
  const key = refusalKey(name);
  view.refusing = true;
  view.refusalAt = context.moment.now as Instant;
  context.commit(
    {
      compares: [{ key: questionKey(name), revision: question.revision }],
      puts:
        wanted === null
          ? []
          : [
              {
                key,
                text: encodeRefusal({ ...of, reason: wanted.reason, why: wanted.why, rejected: wanted.rejected }, name),
                onLease: false,
              },
            ],
      deletes: wanted === null ? [key] : [],
    },
    () => {
      view.refusing = false;
    },
  );
}

/** What a replica lacks may become another thing while nobody can be elected all the same. How much of it is no news. */
function isSame(one: Grounds, other: Grounds): boolean {
  const lacks = ({ rejected }: Grounds): string => rejected.map(({ id, reason }) => `${id} ${reason}`).join();
  return one.reason === other.reason && one.why === other.why && lacks(one) === lacks(other);
}

/** Why nobody is promoted, beside the decision: whoever is first to say so keeps saying it. */
export function recordUnfenced(view: SetView, why: string, context: Context): void {
  const { decision, refused, name } = view;
  const { site } = context.options;
  if (decision === null || view.refusing) return;
  const { id } = decision.value;
  const isSaid = refused?.value.question === id;
  if (isSaid && (refused.value.site !== site || refused.value.why === why)) return;
  if (isSaid && context.moment.now - view.refusalAt < refusalEveryMs) return;
  view.refusing = true;
  view.refusalAt = context.moment.now as Instant;
  const refusal = { question: id, site, at: context.moment.wall, reason: "not-fenced", why, rejected: [] } as const;
  context.commit(
    {
      compares: [{ key: decisionKey(id), revision: decision.revision }],
      puts: [{ key: refusalKey(name), text: encodeRefusal(refusal, name), onLease: false }],
      deletes: [],
    },
    (ending, then) => {
      view.refusing = false;
      if (ending !== "committed" || isSaid) return;
      const fields = { set: name, reason: "not-fenced", why, decisionId: id };
      then.emit({ kind: "note", level: "warn", sentence: "promotion blocked", fields });
    },
  );
}
