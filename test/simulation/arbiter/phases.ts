import { decodeDecision, decodeRefusal } from "../../../arbiter/core/decision-records.ts";
import type { LedgerEntry, Transaction } from "../../../arbiter/core/events.ts";
import type { SetRecord } from "../../../arbiter/core/model.ts";
import { decodeQuestion, decodeSet, decodeSwitch } from "../../../arbiter/core/records.ts";
import { type Between, type PhaseName, transitionBetween } from "../../../arbiter/core/transitions.ts";
import { cluster, set } from "./places.ts";

/** The phases of the set, read anew from what lies in the ledger: no move from one to another without its row in the arbiters' table. */

type Text = (key: string) => string | undefined;

interface Stand {
  readonly phase: PhaseName;
  readonly epoch: number;
}

const name = `${cluster}/${set}`;
/** All that a phase is read from. */
const keys: ReadonlySet<string> = new Set(
  ["sets", "questions", "refusals", "switches"].map((kind) => `${kind}/${name}`),
);

/** A transaction that is about to be applied: the ledger is as it was when it was compared. */
export function judgePhases({ puts, deletes }: Transaction, ledger: ReadonlyMap<string, LedgerEntry>): void {
  if (!puts.some(({ key }) => keys.has(key)) && !deletes.some((key) => keys.has(key))) return;
  const now: Text = (key) => ledger.get(key)?.text;
  const next: Text = (key) =>
    deletes.includes(key) ? undefined : (puts.find((put) => put.key === key)?.text ?? now(key));
  const before = standIn(now);
  const after = standIn(next);
  if (before === null || after === null || before.phase === after.phase) return;
  const what = before.epoch === after.epoch ? "nothing decided" : decidedIn(next, after.epoch);
  if (transitionBetween(before.phase, after.phase, what) !== undefined) return;
  throw new Error(
    `the set went from ${before.phase}, epoch ${before.epoch}, to ${after.phase}, epoch ${after.epoch} (${what}): no row says why`,
  );
}

/** null: the set is not on record. */
function standIn(text: Text): Stand | null {
  const found = text(`sets/${name}`);
  if (found === undefined) return null;
  const record = decodeSet(found);
  return { phase: phaseIn(text, record), epoch: record.epoch };
}

function phaseIn(text: Text, { frozen, decision, epoch }: SetRecord): PhaseName {
  const question = text(`questions/${name}`);
  const refusal = text(`refusals/${name}`);
  const planned = text(`switches/${name}`);
  const refused = refusal === undefined ? null : decodeRefusal(refusal).question;
  if (frozen !== null) return "frozen";
  if (question !== undefined) return refused === decodeQuestion(question).id ? "blocked" : "suspected";
  if (decision !== null) return refused === decision ? "blocked" : "installing";
  if (planned !== undefined) return decodeSwitch(planned).stage === "holding" ? "switching" : "restoring";
  return epoch === 0 ? "new" : "held";
}

function decidedIn(text: Text, epoch: number): Between {
  const { input } = decodeDecision(text(`decisions/${name}/${epoch}`) ?? "");
  return input.kind === "recover" ? "a recovery" : "an election";
}
