import { type Confirmation, confirm, majorityOf } from "./confirm.ts";
import { plannedSwitch, takenBack } from "./decide-switch.ts";
import { clean, isDown, isRead, outranked, type Ranking, type Readable, rank, unclean } from "./elect.ts";
import { bytesText, listText, progressText } from "./figures.ts";
import type { BrokerId, DecisionInput, DecisionVerdict, Rejected } from "./model.ts";
import { lacking, type Objection, tooLossy, unprotected, whileCoolingDown, whileFrozen } from "./permit.ts";
import { compareProgress } from "./progress.ts";
import { byId, elect, lagOf, ledgerBehind, notDesignated, refuse } from "./verdict.ts";

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
      return recover(input);
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

/** The record is of no use any more (etcd restored, or made anew): an epoch above all that anybody may have seen. */
function recover(input: DecisionInput): DecisionVerdict {
  if (input.designated !== null) return electNamed(input, input.designated);
  const objection = notGathered(input);
  const ranking = rank(input, clean);
  if (objection !== null) return refuse(objection.reason, objection.why, ranking.rejected);
  const choice = best(input, ranking);
  if (choice === null) return refuse("no-candidate", "no in-sync replica is there", ranking.rejected);
  const further = furtherThan(choice.winner, input.candidates.filter(isRead));
  if (further !== undefined)
    return refuse("behind", `${furtherText(choice.winner, further)}: name a master`, choice.rejected);
  return elect(input, { ...choice, winner: choice.winner.id, knownLag: lagOf(choice.winner, input) });
}

function electNamed(input: DecisionInput, designated: BrokerId): DecisionVerdict {
  const candidate = input.candidates.find(({ id }) => id === designated);
  if (candidate === undefined) return refuse("no-candidate", `broker ${designated} is none of the set`, []);
  const ranking = rank(input, input.forced ? unclean : clean);
  const own = ranking.rejected.find(({ id }) => id === designated);
  if (own !== undefined) return refuse(own.reason, `broker ${designated}: ${own.detail}`, ranking.rejected);
  if (!isRead(candidate)) return refuse("unread", `broker ${designated} was not read`, ranking.rejected);

  const further = furtherThan(candidate, input.candidates.filter(isRead));
  const objection: Objection = input.forced
    ? null
    : (notGathered(input) ??
      (further === undefined ? null : { reason: "behind", why: furtherText(candidate, further) }));
  if (objection !== null) return refuse(objection.reason, objection.why, ranking.rejected);
  const why = `an operator ${input.forced ? "forces" : "names"} broker ${designated}, at ${progressText(candidate.reading)}${
    further === undefined ? "" : `; ${furtherText(candidate, further)}`
  }`;
  const knownLag = lagOf(candidate, input);
  return elect(input, { winner: designated, knownLag, rejected: notDesignated(input, designated), why });
}

type Death = Extract<Confirmation, { kind: "confirmed" }>;

interface Choice {
  readonly winner: Readable;
  readonly rejected: readonly Rejected[];
  readonly why: string;
}

/** The first of the ranking; when there is none and the policy says unclean: allow, of all that are there (I3). */
function best(input: DecisionInput, ranking: Ranking): Choice | null {
  const [winner, ...others] = ranking.eligible;
  if (winner !== undefined) return chosen(input, winner, others, ranking.rejected, "");
  // With rpo: zero an unclean master would be a loss that the policy rules out (I6).
  if (input.policy.unclean !== "allow" || input.policy.rpo === "zero") return null;
  const anyone = rank(input, unclean);
  const [last, ...rest] = anyone.eligible;
  if (last === undefined) return null;
  const flaw = ranking.rejected.find(({ id }) => id === last.id);
  return chosen(input, last, rest, anyone.rejected, `, unclean (${flaw?.reason}: ${flaw?.detail})`);
}

function chosen(
  input: DecisionInput,
  winner: Readable,
  others: readonly Readable[],
  rejected: readonly Rejected[],
  flaw: string,
): Choice {
  const among = others.length === 0 ? "is the only candidate" : `is the best of ${others.length + 1} candidates`;
  return {
    winner,
    rejected: byId([...rejected, ...outranked(winner, others, input)]),
    why: `broker ${winner.id} ${among}, at ${progressText(winner.reading)}${flaw}`,
  };
}

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

/** In-sync members that may still turn up with more than the others have are waited for, until `gathered`. */
function notGathered(input: DecisionInput): Objection {
  if (input.gathered) return null;
  const missing = input.inSync.filter((id) => {
    if (input.kind === "failover" && id === input.master) return false;
    const facts = input.candidates.find((candidate) => candidate.id === id);
    if (facts === undefined) return true;
    return facts.confirmed && facts.reading === null && !isDown(facts, input.sites);
  });
  if (missing.length === 0) return null;
  const why = `in sync and neither read nor down: broker ${listText(missing)}`;
  return { reason: "gathering", why };
}

function lossText({ master }: DecisionInput, winner: Readable, knownLag: bigint | null): string {
  if (winner.id === master) return "it has all that it ever told of";
  if (knownLag === null) return `how far broker ${master} was in this epoch is not known`;
  if (knownLag === 0n) return `it has all that broker ${master} told of`;
  return `broker ${master} had told of ${bytesText(knownLag)} more, which are lost unless they were never acknowledged`;
}

function furtherThan(winner: Readable, others: readonly Readable[]): Readable | undefined {
  const [furthest] = others.toSorted((one, other) => compareProgress(other.reading, one.reading) || one.id - other.id);
  return furthest !== undefined && compareProgress(furthest.reading, winner.reading) > 0 ? furthest : undefined;
}

function furtherText(winner: Readable, further: Readable): string {
  return `broker ${further.id} is at ${progressText(further.reading)}, broker ${winner.id} at ${progressText(winner.reading)}`;
}
