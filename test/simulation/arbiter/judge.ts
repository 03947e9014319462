import { decodeAuditEntry } from "../../../arbiter/core/audit.ts";
import type { MasterInfo } from "../../../arbiter/core/controller-messages.ts";
import type { DecisionRecord } from "../../../arbiter/core/decision.ts";
import { decodeDecision } from "../../../arbiter/core/decision-records.ts";
import type { Command, LedgerEntry, Transaction } from "../../../arbiter/core/events.ts";
import type { SetRecord } from "../../../arbiter/core/model.ts";
import { decodeAnswer, decodeQuestion, decodeSet } from "../../../arbiter/core/records.ts";
import { type Ackers, createAckers } from "./ackers.ts";
import { cluster, places, set } from "./places.ts";
import type { Broker } from "./virtual-broker.ts";

/**
 * What must hold at every moment, judged from outside: from what lies in the ledger, acknowledgements and roles. It decodes the
 * arbiters' records, and shares nothing else with them.
 */
export interface Judge extends Pick<Ackers, "acked" | "acks"> {
  /** A transaction that is about to be applied: the ledger is as it was when it was compared. */
  applying(transaction: Transaction, ledger: ReadonlyMap<string, LedgerEntry>): void;
  /** A command, before it is carried out. */
  commanded(command: Command): void;
  /** The ledger is an older one from now on: until an operator has recovered the set nobody may be told of a master. */
  restored(): void;
  look(brokers: readonly Broker[]): void;
  /** At the end: what the master has. */
  kept(messages: ReadonlySet<string>): void;
  counts(): {
    acked: number;
    decisions: number;
    failovers: number;
    /** A restarted master that nobody could replace, or that had the most, named again; or another one in its place. */
    restarts: number;
    switches: number;
    takenBack: number;
    returns: number;
  };
}

const setKey = `sets/${cluster}/${set}`;
const questionKey = `questions/${cluster}/${set}`;
/** No more questions than these in so long: one that is denied is not asked over and over. */
const questionsMax = 8;
const questionsMs = 2_000;

export interface JudgeOptions {
  readonly now: () => number;
  /** How long the set is kept across its IDCs (`survive: idc`). */
  readonly keptMs: number;
  /** How long it must have been quiet before its master is brought home. */
  readonly returnMs: number;
}

export function createJudge({ now, keptMs, returnMs }: JudgeOptions): Judge {
  const ackers = createAckers();
  const decisions = new Map<number, DecisionRecord>();
  const mastersOf = new Map<number, { name: string; life: number }>();
  const barriers = new Set<number>();
  let last: SetRecord | undefined;
  let muted = false;
  let forgotten = 0;
  let changedAt = 0;
  let decidedAt = 0;
  let returns = 0;
  const asked: number[] = [];

  const decided = (decision: DecisionRecord, ledger: ReadonlyMap<string, LedgerEntry>): void => {
    const { input, verdict } = decision;
    const { epoch, winner } = verdict;
    const before = decisions.get(epoch);
    decisions.set(epoch, decision);
    if (before === undefined && muted && decision.input.kind !== "recover")
      throw new Error(`I1: epoch ${epoch} was decided by a ledger that is older than its brokers`);
    muted = muted && before !== undefined;
    decidedAt = now();
    if (before !== undefined) {
      if (before.verdict.winner !== winner) throw new Error(`I1: epoch ${epoch} was decided twice`);
      return;
    }
    const record = decodeSet(ledger.get(setKey)?.text ?? "");
    if (epoch <= record.epoch) throw new Error(`I1: epoch ${epoch} after ${record.epoch}`);
    const { kind } = input;
    if (kind !== "recover" && (isPolicyFrozen(ledger) || record.frozen !== null))
      throw new Error(`I4: epoch ${epoch} was decided while the set was frozen`);
    if ((kind === "failover" || kind === "switch") && ledger.has("pause"))
      throw new Error(`I4: epoch ${epoch}, a ${kind}, was decided while failover was paused`);
    if (kind === "first-master" || kind === "recover" || kind === "switch-back") return;
    if (!record.inSync.includes(winner)) throw new Error(`I3: broker ${winner} was not in sync`);
    if (record.unconfirmed.includes(winner)) throw new Error(`I3: broker ${winner} was not confirmed`);
    if (kind === "switch") return;
    const down = sitesThatSayDown(ledger);
    if (down.length <= input.sites.length / 2)
      throw new Error(`I2: epoch ${epoch} rests on ${down.length} sites: ${down.join(", ")}`);
  };

  const recorded = (record: SetRecord): void => {
    if (last !== undefined && record.epoch < last.epoch)
      throw new Error(`I1: the record went from epoch ${last.epoch} to ${record.epoch}`);
    if (last !== undefined && record.epoch === last.epoch && last.epoch > 0 && record.master !== last.master) {
      throw new Error(`I1: another master within epoch ${record.epoch}`);
    }
    if (last !== undefined && record.inSyncEpoch < last.inSyncEpoch) throw new Error("I1: the in-sync epoch went back");
    if (record.epoch > 0 && decisions.get(record.epoch)?.verdict.winner !== record.master)
      throw new Error(`I4: broker ${record.master} is master of epoch ${record.epoch} by no decision`);
    if (last !== undefined && record.epoch === last.epoch && spansIdcs(last) && !spansIdcs(record)) {
      const keptFor = now() - changedAt;
      if (keptFor < keptMs) throw new Error(`survive: the in-sync set shrank into one IDC after ${keptFor} ms`);
    }
    if (last?.inSyncEpoch !== record.inSyncEpoch) changedAt = now();
    last = record;
  };

  /** Each is written by all sites and answered by all. */
  const questioned = (text: string, ledger: ReadonlyMap<string, LedgerEntry>): void => {
    const before = ledger.get(questionKey)?.text;
    if (before !== undefined && decodeQuestion(before).id === decodeQuestion(text).id) return;
    if (asked.push(now()) <= questionsMax) return;
    const spanMs = now() - (asked.shift() ?? 0);
    if (spanMs < questionsMs) throw new Error(`${questionsMax + 1} questions in ${spanMs} ms`);
  };

  /** A switch that no operator has asked for. */
  const returned = (ledger: ReadonlyMap<string, LedgerEntry>): void => {
    returns += 1;
    const record = decodeSet(ledger.get(setKey)?.text ?? "");
    const quietMs = now() - decidedAt;
    if (quietMs < returnMs) throw new Error(`a return ${quietMs} ms after the last decision`);
    if (ledger.has("pause") || record.frozen !== null) throw new Error("a return of a set that is paused or frozen");
    if (record.inSync.length < places.length || record.unconfirmed.length > 0)
      throw new Error(`a return while the in-sync set is ${record.inSync.join(", ")}`);
  };

  /** Whoever is told of a master: it was decided before. */
  const told = ({ master, epoch }: MasterInfo): void => {
    if (master === null) return;
    if (muted) throw new Error(`I1: broker ${master} is named master by a ledger that is older than its brokers`);
    if (decisions.get(epoch)?.verdict.winner === master) return;
    throw new Error(`I4: somebody is told that broker ${master} is master of epoch ${epoch}, which nobody has decided`);
  };

  return {
    acks: ackers.acks,
    acked: ackers.acked,
    applying({ puts }, ledger) {
      for (const { key, text } of puts) if (key.startsWith("decisions/")) decided(decodeDecision(text), ledger);
      for (const { key, text } of puts) {
        if (key.startsWith("audit/") && !key.endsWith("/head")) {
          const { what, who } = decodeAuditEntry(text);
          if (what === "switch" && who.startsWith("arbiter ")) returned(ledger);
        }
        if (key === setKey) recorded(decodeSet(text));
        if (key === questionKey) questioned(text, ledger);
        if (key.startsWith("switches/")) barriers.add((JSON.parse(text) as { from: number }).from);
      }
    },
    commanded(command) {
      if (command.kind === "notify") told(command.info);
      if (command.kind === "raiseBarrier" && !barriers.has(command.broker.id))
        throw new Error(`I4: the barrier of broker ${command.broker.id} is raised, and no switch was ever on record`);
      if (command.kind === "answer" && "info" in command.answer) told(command.answer.info);
    },
    restored() {
      forgotten = decisions.size;
      muted = true;
      last = undefined;
    },
    look(brokers) {
      for (const broker of brokers) {
        const { role, epoch, name, life } = broker;
        if (role !== "master") continue;
        const before = mastersOf.get(epoch);
        if (before?.name === name && before.life === life) continue;
        if (before !== undefined && before.name !== name)
          throw new Error(`I1: ${before.name} and ${name} were masters of epoch ${epoch}`);
        if (before !== undefined) throw new Error(`I1: ${name} restarted, and is master of epoch ${epoch} again`);
        mastersOf.set(epoch, { name, life });
        ackers.promoted(name, epoch, new Set(broker.log));
      }
    },
    kept: ackers.kept,
    counts: () => ({
      acked: ackers.acks.length,
      decisions: decisions.size - forgotten,
      failovers: [...decisions.values()].filter(({ input }) => input.kind === "failover").length,
      restarts: [...decisions.values()].filter(({ input }) => input.kind === "restart").length,
      switches: [...decisions.values()].filter(({ input }) => input.kind === "switch").length,
      returns,
      takenBack: [...decisions.values()].filter(({ input }) => input.kind === "switch-back").length,
    }),
  };
}

function spansIdcs({ inSync, replicas }: SetRecord): boolean {
  const sites = inSync.map((id) => places.find(({ address }) => address === replicas[id]?.address)?.site);
  return new Set(sites).size > 1;
}

/** Of the question that is open in the ledger. */
function sitesThatSayDown(ledger: ReadonlyMap<string, LedgerEntry>): string[] {
  const text = ledger.get(questionKey)?.text;
  if (text === undefined) return [];
  const { id } = decodeQuestion(text);
  return [...ledger]
    .filter(([key]) => key.startsWith(`answers/${cluster}/${set}/`))
    .map(([, entry]) => decodeAnswer(entry.text))
    .filter(({ question, master }) => question === id && (master.verdict === "dead" || master.verdict === "silent"))
    .map(({ site }) => site);
}

function isPolicyFrozen(ledger: ReadonlyMap<string, LedgerEntry>): boolean {
  return (ledger.get("policy")?.text ?? "").includes('"frozen":true');
}
