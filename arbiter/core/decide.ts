import { best, notGathered } from "./best.ts";
import { type Confirmation, confirm, majorityOf } from "./confirm.ts";
import { recovered } from "./decide-recovery.ts";
import { plannedSwitch, takenBack } from "./decide-switch.ts";
import type { DecisionInput, DecisionVerdict } from "./decision.ts";
import { clean, type Readable, rank } from "./elect.ts";
import { bytesText, listText } from "./figures.ts";
import { lacking, tooLossy, unprotected, whileCoolingDown, whileFrozen } from "./permit.ts";
import { elect, lagOf, ledgerBehind, notDesignated, refuse } from "./verdict.ts";

/**
 * Who becomes master, or why nobody does. Pure: the same input gives the same verdict, to the byte, so that a decision can be
 * replayed from its record (I11).
 */
export function decide(input: DecisionInput): DecisionVerdict {
  switch (input.kind) {
    case "first-master":
      return firstMaster(input);
    case "failover":
    case "restart":
      return replaceMaster(input);
    case "switch":
      return plannedSwitch(input);
    case "switch-back":
      return takenBack(input);
    case "recover":
      return recovered(input);
  }
}

/** Epoch 0, nobody was ever master: who asked first is. */
function firstMaster(input: DecisionInput): DecisionVerdict {
  const { designated, epoch } = input;
  if (designated === null) return refuse("no-candidate", "nobody has asked to be master", []);
  if (epoch !== 0) {
    return refuse("no-majority", `epoch ${epoch} had a master: it is replaced only when a majority says so`, []);
  }
  const objection = whileFrozen(input) ?? ledgerBehind(input);
  if (objection !== null) return refuse(objection.reason, objection.why, []);
  const why = `there was no master yet, and broker ${designated} asked first`;
  return elect(input, { winner: designated, knownLag: null, rejected: notDesignated(input, designated), why });
}

/** The recorded master is down, or has restarted: a majority says so for this very epoch (I2). */
function replaceMaster(input: DecisionInput): DecisionVerdict {
  const ranking = rank(input, clean);
  const { rejected } = ranking;
  const death = confirmedDeath(input);
  if (death.kind !== "confirmed") return refuse("no-majority", noMajorityText(input), rejected);

  const objection =
    whileFrozen(input) ??
    ledgerBehind(input) ??
    (input.kind === "failover" ? whileCoolingDown(input) : null) ??
    unprotected(input, death) ??
    notGathered(input);
  if (objection !== null) return refuse(objection.reason, objection.why, rejected);

  const cause = causeText(input, death);
  const choice = best(input, ranking);
  if (choice === null) {
    return refuse("no-candidate", `${cause}, but no replica may take its place`, rejected);
  }
  const { winner } = choice;
  const knownLag = lagOf(winner, input);
  const loss = lacking(input, winner) ?? tooLossy(input, knownLag);
  if (loss !== null) return refuse(loss.reason, loss.why, choice.rejected);
  const why = `${cause}; ${choice.why}; ${lossText(input, winner, knownLag)}`;
  return elect(input, { winner: winner.id, knownLag, rejected: choice.rejected, why });
}

type Death = Extract<Confirmation, { kind: "confirmed" }>;

function confirmedDeath(input: DecisionInput): Confirmation {
  const { question, cluster, set, epoch, master, sites, answers } = input;
  const isOurs =
    question !== null &&
    question.cluster === cluster &&
    question.set === set &&
    question.epoch === epoch &&
    question.master === master;
  return isOurs ? confirm(question, sites, answers) : { kind: "open" };
}

function causeText({ kind, master }: DecisionInput, { downAt, positive }: Death): string {
  const state = kind === "restart" ? "does not act as master" : positive ? "is dead" : "is down";
  return `${listText(downAt)} ${downAt.length === 1 ? "says" : "say"} that broker ${master} ${state}`;
}

function noMajorityText({ question, sites, master, epoch }: DecisionInput): string {
  if (question === null) return "no question was asked";
  if (question.master !== master || question.epoch !== epoch) {
    return `question ${question.id} is about broker ${question.master} in epoch ${question.epoch}, not ${master} in ${epoch}`;
  }
  return `fewer than ${majorityOf(sites)} of ${new Set(sites).size} sites say that broker ${master} is down`;
}

function lossText({ master }: DecisionInput, winner: Readable, knownLag: bigint | null): string {
  if (winner.id === master) return "it has all that it ever told of";
  if (knownLag === null) return `how far broker ${master} was in this epoch is not known`;
  if (knownLag === 0n) return `it has all that broker ${master} told of`;
  return `broker ${master} had told of ${bytesText(knownLag)} more, which are lost unless they were never acknowledged`;
}
