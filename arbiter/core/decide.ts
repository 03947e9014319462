import { type Confirmation, confirm, majorityOf } from "./confirm.ts";
import { type Demand, isDown, isRead, outranked, type Ranking, type Readable, rank } from "./elect.ts";
import { bytesText, figure, listText, progressText } from "./figures.ts";
import type { BrokerId, DecisionInput, DecisionVerdict, RefusalReason, Rejected } from "./model.ts";
import { type Objection, tooLossy, unprotected, whileCoolingDown, whileFrozen } from "./permit.ts";
import { compareProgress } from "./progress.ts";

/** masterEpoch and syncStateSetEpoch are ints in the brokers. */
export const epochMax = 2_147_483_647;

const clean: ReadonlySet<Demand> = new Set(["in-sync", "alive", "whole"]);
const unclean: ReadonlySet<Demand> = new Set(["alive"]);

/**
 * Who becomes master, or why nobody does. Pure: the same input gives the same verdict, to the byte, so that a decision can be
 * replayed from its record (I11). For an operator's word all readings must be of one moment, in which nothing is written: else
 * every broker but the last that was read seems to be behind.
 */
export function decide(input: DecisionInput): DecisionVerdict {
  switch (input.kind) {
    case "first-master":
      return firstMaster(input);
    case "failover":
    case "restart":
      return replaceMaster(input);
    case "operator":
      return byName(input);
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
  return elect(input, { winner: designated, reading: null, rejected: notDesignated(input, designated), why });
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
  const loss = tooLossy(input, knownLag);
  if (loss !== null) return refuse(loss.reason, loss.why, choice.rejected);
  const why = `${cause}; ${choice.why}; ${lossText(input, winner, knownLag)}`;
  return elect(input, { winner: winner.id, reading: winner, rejected: choice.rejected, why });
}

/** Planned or forced: the operator says who, and with `forced` takes the blame for what is lost (I3). */
function byName(input: DecisionInput): DecisionVerdict {
  const { designated } = input;
  if (designated === null) return refuse("not-designated", "no broker was named", []);
  const objection = (input.forced ? null : whileFrozen(input)) ?? ledgerBehind(input);
  if (objection !== null) return refuse(objection.reason, objection.why, []);
  return electNamed(input, designated);
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
  return elect(input, { ...choice, winner: choice.winner.id, reading: choice.winner });
}

function electNamed(input: DecisionInput, designated: BrokerId): DecisionVerdict {
  const candidate = input.candidates.find(({ id }) => id === designated);
  if (candidate === undefined) return refuse("no-candidate", `broker ${designated} is none of the set`, []);
  const ranking = rank(input, input.forced ? unclean : clean);
  const own = ranking.rejected.find(({ id }) => id === designated);
  if (own !== undefined) return refuse(own.reason, `broker ${designated}: ${own.detail}`, ranking.rejected);
  if (!isRead(candidate)) return refuse("unread", `broker ${designated} was not read`, ranking.rejected);

  const rivals = input.kind === "recover" ? input.candidates.filter(isRead) : ranking.eligible;
  const further = furtherThan(candidate, rivals);
  const objection: Objection = input.forced
    ? null
    : (notGathered(input) ??
      (further === undefined ? null : { reason: "behind", why: furtherText(candidate, further) }));
  if (objection !== null) return refuse(objection.reason, objection.why, ranking.rejected);
  const why = `an operator ${input.forced ? "forces" : "names"} broker ${designated}, at ${progressText(candidate.reading)}${
    further === undefined ? "" : `; ${furtherText(candidate, further)}`
  }`;
  return elect(input, { winner: designated, reading: candidate, rejected: notDesignated(input, designated), why });
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

/** Brokers ignore an epoch that is not above theirs, and the record would be wrong about the in-sync set, too. */
function ledgerBehind(input: DecisionInput): Objection {
  const told = highestTold(input);
  if (told <= input.epoch) return null;
  return { reason: "ledger-behind", why: `the record is at epoch ${input.epoch}, a broker tells of epoch ${told}` };
}

function highestTold({ candidates }: DecisionInput): number {
  return Math.max(-1, ...candidates.flatMap(({ reading, reported }) => [reading?.epoch ?? -1, reported?.epoch ?? -1]));
}

/** Bytes that the old master had told of beyond the winner's end; offsets of different epochs say nothing about each other. */
function lagOf(winner: Readable, { master, candidates }: DecisionInput): bigint | null {
  const reported = candidates.find(({ id }) => id === master)?.reported;
  if (reported == null || reported.epoch !== winner.reading.epoch) return null;
  const lag = reported.maxOffset - winner.reading.maxOffset;
  return lag > 0n ? lag : 0n;
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

function notDesignated({ candidates }: DecisionInput, designated: BrokerId): Rejected[] {
  return byId(
    candidates
      .filter(({ id }) => id !== designated)
      .map(({ id, reading }) => ({
        id,
        reason: "not-designated",
        detail: reading === null ? "not read" : `it is at ${progressText(reading)}`,
      })),
  );
}

function elect(
  input: DecisionInput,
  {
    winner,
    reading,
    rejected,
    why,
  }: { winner: BrokerId; reading: Readable | null; rejected: readonly Rejected[]; why: string },
): DecisionVerdict {
  const { epoch, inSyncEpoch } = nextEpochs(input);
  if (epoch > epochMax || inSyncEpoch > epochMax) {
    const next = figure(Math.max(epoch, inSyncEpoch));
    return refuse(
      "epoch-limit",
      `brokers take no epoch above ${figure(epochMax)}, the next would be ${next}`,
      rejected,
    );
  }
  const knownLag = reading === null ? null : lagOf(reading, input);
  return { kind: "elect", winner, epoch, inSyncEpoch, rejected, knownLag, why };
}

/**
 * One more than before. After a lost ledger "the highest seen + 1" may be ignored, as elections without a write in between are
 * in no broker's file: the unix time in seconds is above them all, and fits an int until 2038.
 */
function nextEpochs(input: DecisionInput): { epoch: number; inSyncEpoch: number } {
  const { kind, epoch, inSyncEpoch, now } = input;
  if (kind !== "recover") return { epoch: epoch + 1, inSyncEpoch: inSyncEpoch + 1 };
  const seconds = Math.floor(now / 1_000);
  return {
    epoch: Math.max(seconds, epoch + 1, highestTold(input) + 1),
    inSyncEpoch: Math.max(seconds, inSyncEpoch + 1),
  };
}

function refuse(reason: RefusalReason, why: string, rejected: readonly Rejected[]): DecisionVerdict {
  return { kind: "refuse", reason, rejected, why };
}

function byId(rejected: readonly Rejected[]): Rejected[] {
  return rejected.toSorted((one, other) => one.id - other.id);
}
