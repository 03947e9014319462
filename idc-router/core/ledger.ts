import type { Command, Event, LedgerEntry } from "./events.ts";
import {
  type Answer,
  type Question,
  readAnswer,
  readIdc,
  readQuestion,
  readSetMaster,
  readSites,
  type SetMaster,
} from "./ledger-records.ts";
import { type IdcEntry, type SetName, setName } from "./model.ts";

export interface LedgerMaster extends SetMaster {
  /** Monotonic time since which this router knows it; -Infinity: since before it followed the ledger. */
  readonly learnedAt: number;
}

/** What the arbiters' ledger said last. */
export interface LedgerFacts {
  readonly clusterId: string | null;
  /** Of the newest thing told. */
  readonly revision: bigint;
  readonly sets: ReadonlyMap<SetName, LedgerMaster>;
  readonly idcs: ReadonlyMap<string, IdcEntry>;
  readonly sites: readonly string[];
  /** Open questions. */
  readonly questions: ReadonlyMap<SetName, Question>;
  /** By "cluster/set/site". */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Keys that this version cannot read. */
  readonly unreadable: ReadonlySet<string>;
  /** When it last had told everything; null: never. */
  readonly heardAt: number | null;
  readonly failure: string | null;
}

export const noLedger: LedgerFacts = {
  clusterId: null,
  revision: 0n,
  sets: new Map(),
  idcs: new Map(),
  sites: [],
  questions: new Map(),
  answers: new Map(),
  unreadable: new Set(),
  heardAt: null,
  failure: null,
};

/** A full reading takes the place of what hangs on leases; masters and IDCs only ever go forward in their epochs (I9). */
export function hearLedger(
  facts: LedgerFacts,
  event: Extract<Event, { kind: "ledger" }>,
  now: number,
  commands: Command[],
): LedgerFacts {
  const isFirst = facts.heardAt === null;
  const isSame = facts.clusterId === event.clusterId;
  if (isSame && event.revision < facts.revision) {
    commands.push({ kind: "older", source: "ledger", detail: `revision ${event.revision} after ${facts.revision}` });
  }
  const empty: LedgerFacts = { ...facts, questions: new Map(), answers: new Map(), unreadable: new Set() };
  const learnedAt = isFirst ? Number.NEGATIVE_INFINITY : now;
  const draft = draftOf(empty);
  for (const entry of event.entries) putInto(draft, entry, learnedAt, commands);
  return {
    ...draft,
    clusterId: event.clusterId,
    revision: event.revision,
    heardAt: now,
    failure: null,
  };
}

export function hearLedgerChange(
  facts: LedgerFacts,
  { key, text, revision }: Extract<Event, { kind: "ledgerChanged" }>,
  now: number,
  commands: Command[],
): LedgerFacts {
  if (revision < facts.revision) {
    commands.push({ kind: "older", source: "ledger", detail: `revision ${revision} after ${facts.revision}` });
    return facts;
  }
  const draft = draftOf(facts);
  if (text === null) dropFrom(draft, key);
  else putInto(draft, { key, text, revision }, now, commands);
  return { ...draft, revision, heardAt: now, failure: null };
}

/** Does a majority of the voting sites say that this master is down? */
export function isCalledDown({ sites, sets, questions, answers }: LedgerFacts, name: SetName): boolean {
  const question = questions.get(name);
  // One about an epoch that is over says nothing of the master there is now.
  if (question === undefined || sites.length === 0 || question.epoch !== sets.get(name)?.epoch) return false;
  const down = sites.filter((site) => {
    const answer = answers.get(`${name}/${site}`);
    return answer?.question === question.id && answer.down;
  });
  return down.length * 2 > sites.length;
}

type Draft = { -readonly [Key in keyof LedgerFacts]: Mutable<LedgerFacts[Key]> };
type Mutable<Value> =
  Value extends ReadonlyMap<infer Key, infer Inner>
    ? Map<Key, Inner>
    : Value extends ReadonlySet<infer Item>
      ? Set<Item>
      : Value;

function draftOf(facts: LedgerFacts): Draft {
  return {
    ...facts,
    sets: new Map(facts.sets),
    idcs: new Map(facts.idcs),
    questions: new Map(facts.questions),
    answers: new Map(facts.answers),
    unreadable: new Set(facts.unreadable),
  };
}

/** A set or an IDC whose record has gone keeps its last one: an epoch that was seen is not forgotten. */
function dropFrom(draft: Draft, key: string): void {
  const [folder, first = "", second = "", third = ""] = key.split("/");
  draft.unreadable.delete(key);
  if (folder === "questions") draft.questions.delete(setName(first, second));
  if (folder === "answers") draft.answers.delete(`${first}/${second}/${third}`);
}

function putInto(draft: Draft, { key, text }: LedgerEntry, learnedAt: number, commands: Command[]): void {
  const [folder = "", first = "", second = "", third = ""] = key.split("/");
  const read = <Value>(value: Value | undefined): Value | undefined => {
    if (value === undefined) {
      if (!draft.unreadable.has(key)) {
        const fields = { key };
        commands.push({ kind: "note", level: "warn", sentence: "record in the ledger cannot be read", fields });
      }
      draft.unreadable.add(key);
    } else draft.unreadable.delete(key);
    return value;
  };
  const older = (what: string, epoch: number, known: number): void =>
    void commands.push({ kind: "older", source: "ledger", detail: `${what}: epoch ${epoch} after ${known}` });
  switch (folder) {
    case "cluster": {
      draft.sites = read(readSites(text)) ?? draft.sites;
      return;
    }
    case "sets": {
      const record = read(readSetMaster(text));
      const name = setName(first, second);
      const known = draft.sets.get(name);
      if (record === undefined) return;
      if (known !== undefined && record.epoch < known.epoch) {
        older(name, record.epoch, known.epoch);
        return;
      }
      if (known?.epoch === record.epoch && known.master === record.master) return;
      draft.sets.set(name, { ...record, learnedAt });
      return;
    }
    case "idcs": {
      const record = read(readIdc(first, text));
      const known = draft.idcs.get(first);
      if (record === undefined) return;
      if (known !== undefined && record.epoch < known.epoch) {
        older(`IDC ${first}`, record.epoch, known.epoch);
        return;
      }
      if (known !== undefined && sameIdc(known, record)) return;
      draft.idcs.set(first, record);
      return;
    }
    case "questions": {
      const record = read(readQuestion(text));
      if (record !== undefined) draft.questions.set(setName(first, second), record);
      return;
    }
    case "answers": {
      const record = read(readAnswer(text));
      if (record !== undefined) draft.answers.set(`${first}/${second}/${third}`, record);
      return;
    }
    default:
      return;
  }
}

function sameIdc(one: IdcEntry, other: IdcEntry): boolean {
  const { state, weight, epoch, reason } = other;
  return one.state === state && one.weight === weight && one.epoch === epoch && one.reason === reason;
}
