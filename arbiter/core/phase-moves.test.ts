import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { planned, question } from "./decision.fixture.ts";
import { type SetRecord, setName } from "./model.ts";
import { newSetView, phaseOf, type SetView } from "./set-view.ts";
import { decision, heldSet } from "./site.fixture.ts";
import { type Between, type PhaseName, transitionBetween, transitions } from "./transitions.ts";

/**
 * All that transactions may make of a set's records, each from every state that others can lead to: the table has a row for each
 * change of phase that follows, and no other row.
 */

/** What of the records a phase is read from. */
interface Records {
  readonly hadMaster: boolean;
  readonly frozen: boolean;
  readonly question: boolean;
  readonly decision: boolean;
  /** What the reason why nobody is elected, or promoted, is about: there is one at a time. */
  readonly refused: "question" | "decision" | null;
  readonly planned: "holding" | "restoring" | null;
}

interface Change {
  readonly what: string;
  /** What its transaction compares, or nobody sends it otherwise. */
  may(of: Records): boolean;
  readonly to: Partial<Records>;
  /** Left out: nothing. */
  readonly decides?: Between;
}

const isUnfenced = ({ decision, refused }: Records): boolean => decision && refused === "decision";
const decided = { hadMaster: true, decision: true, question: false, refused: null } as const;

const changes: readonly Change[] = [
  { what: "the first master", may: (of) => !of.hadMaster && !of.frozen, to: decided, decides: "an election" },
  {
    what: "a failover, or a restart",
    may: (of) => of.question && !of.frozen && !isUnfenced(of),
    to: decided,
    decides: "an election",
  },
  { what: "a recovery", may: () => true, to: { ...decided, frozen: false }, decides: "a recovery" },
  {
    what: "a switch is begun",
    may: (of) => of.hadMaster && !of.frozen && !of.question && !of.decision && of.planned === null,
    to: { planned: "holding" },
  },
  {
    what: "a switch is decided",
    may: (of) => of.planned === "holding" && !of.frozen && !of.question && !of.decision,
    to: { ...decided, planned: "restoring" },
    decides: "an election",
  },
  {
    what: "a switch is taken back",
    may: (of) => of.decision && !of.question && !of.frozen,
    to: decided,
    decides: "an election",
  },
  { what: "a switch is given up", may: (of) => of.planned === "holding", to: { planned: "restoring" } },
  { what: "a barrier is found", may: (of) => of.hadMaster && of.planned === null, to: { planned: "restoring" } },
  { what: "a barrier is lowered", may: (of) => of.planned === "restoring", to: { planned: null } },
  {
    what: "a question is opened",
    may: (of) => of.hadMaster && !of.frozen && !of.question && !isUnfenced(of),
    to: { question: true },
  },
  { what: "a question leads to nobody", may: (of) => of.question, to: { refused: "question" } },
  {
    what: "what stood in its way is gone",
    may: (of) => of.question && of.refused === "question",
    to: { refused: null },
  },
  { what: "a question is closed", may: (of) => of.question, to: { question: false, refused: null } },
  { what: "the old master is not fenced", may: (of) => of.decision, to: { refused: "decision" } },
  { what: "the old master is fenced", may: isUnfenced, to: { refused: null } },
  {
    what: "all effects are done",
    may: (of) => of.decision && !of.frozen && !isUnfenced(of),
    to: { decision: false },
  },
  { what: "a freeze", may: (of) => !of.frozen, to: { frozen: true } },
  { what: "a thaw", may: (of) => of.frozen, to: { frozen: false } },
];

function viewOf({ hadMaster, frozen, question: asked, decision: open, refused, planned: stage }: Records): SetView {
  const view = newSetView(setName("C1", "bs1"), "C1", "bs1", 0 as Instant);
  const now = 0 as Instant;
  const record: SetRecord = {
    ...heldSet,
    epoch: hadMaster ? 7 : 0,
    decision: open ? decision.id : null,
    frozen: frozen ? { code: "operator", reason: "work", at: 0, until: null } : null,
  };
  view.record = { value: record, revision: 1n };
  if (asked) view.question = { value: question, revision: 1n, seenAt: now };
  if (open) view.decision = { value: decision, revision: 1n, seenAt: now };
  if (stage !== null) view.planned = { value: { ...planned, stage }, revision: 1n, seenAt: now, found: false };
  const of = refused === "question" ? question.id : decision.id;
  const refusal = { question: of, site: "idc1", at: 0, reason: "not-alive", why: "", rejected: [] } as const;
  if (refused !== null) view.refused = { value: refusal, revision: 1n };
  return view;
}

interface Move {
  readonly from: PhaseName;
  readonly to: PhaseName;
  readonly between: Between;
  readonly what: string;
}

function movesFrom(start: Records): Move[] {
  const seen = new Map([[JSON.stringify(start), start]]);
  const moves: Move[] = [];
  for (const before of seen.values()) {
    for (const { what, to, decides = "nothing decided" } of changes.filter(({ may }) => may(before))) {
      const after = { ...before, ...to };
      seen.set(JSON.stringify(after), after);
      moves.push({ from: phaseOf(viewOf(before)), to: phaseOf(viewOf(after)), between: decides, what });
    }
  }
  return moves;
}

const moves = movesFrom({
  hadMaster: false,
  frozen: false,
  question: false,
  decision: false,
  refused: null,
  planned: null,
});

test("whatever a transaction makes of a set, the table has the row that says why", () => {
  const without = moves.filter(({ from, to, between }) => from !== to && !transitionBetween(from, to, between));
  expect(new Set(without.map(({ from, to, what }) => `${from} -> ${to}: ${what}`))).toEqual(new Set());
});

test("the table has no row for what no transaction makes of a set", () => {
  const made = new Set(moves.map(({ from, to, between }) => transitionBetween(from, to, between)));
  expect(transitions.filter((row) => !made.has(row))).toEqual([]);
});
