import { majorityOf } from "./confirm.ts";
import type { CandidateFacts, DecisionInput, Rejected } from "./decision.ts";
import { figure, progressText } from "./figures.ts";
import type { OffsetReading, SiteName } from "./model.ts";
import { compareProgress } from "./progress.ts";

/** A candidate that was read: one that can be compared. */
export interface Readable extends CandidateFacts {
  readonly reading: OffsetReading;
}

export interface Ranking {
  /** Best first. */
  readonly eligible: readonly Readable[];
  readonly rejected: readonly Rejected[];
}

/** What may be asked of a candidate: it is in sync; it is there; it has all it ever told of. */
type Demand = "in-sync" | "alive" | "whole";

export const clean: ReadonlySet<Demand> = new Set(["in-sync", "alive", "whole"]);
/** Where nobody knows who is in sync. */
export const whole: ReadonlySet<Demand> = new Set(["alive", "whole"]);
export const unclean: ReadonlySet<Demand> = new Set(["alive"]);

/** Who meets the demands, best first, and why the others do not. */
export function rank(input: DecisionInput, demands: ReadonlySet<Demand>): Ranking {
  const eligible: Readable[] = [];
  const rejected: Rejected[] = [];
  for (const candidate of input.candidates) {
    const rejection = judge(candidate, input, demands);
    if (rejection !== null) rejected.push(rejection);
    else if (isRead(candidate)) eligible.push(candidate);
  }
  return {
    eligible: eligible.toSorted((one, other) => compare(one, other, input)),
    rejected: rejected.toSorted((one, other) => one.id - other.id),
  };
}

/** The others of the ranking, each with what it lacks against the winner. */
export function outranked(winner: Readable, others: readonly Readable[], input: DecisionInput): Rejected[] {
  return others.map((other) => ({
    id: other.id,
    reason: "behind",
    detail: lackText(winner, other, input),
  }));
}

/** Sites that hear it, without those that also say that it is down. */
function hearingSites({ aliveAt, downAt }: CandidateFacts, sites: readonly SiteName[]): SiteName[] {
  return [...new Set(sites)].filter((site) => aliveAt.includes(site) && !downAt.includes(site));
}

/** A majority of the sites says that it is silent or dead. */
export function isDown({ downAt }: CandidateFacts, sites: readonly SiteName[]): boolean {
  return [...new Set(sites)].filter((site) => downAt.includes(site)).length >= majorityOf(sites);
}

export function isRead(candidate: CandidateFacts): candidate is Readable {
  return candidate.reading !== null;
}

function judge(candidate: CandidateFacts, input: DecisionInput, demands: ReadonlySet<Demand>): Rejected | null {
  const { id, inSync, confirmed, reading, reported } = candidate;
  const reject = (reason: Rejected["reason"], detail: string): Rejected => ({ id, reason, detail });

  if (demands.has("in-sync") && !inSync) {
    return reject("not-in-sync", `the in-sync set is ${input.inSync.join(", ") || "empty"}`);
  }
  if (demands.has("in-sync") && !confirmed) {
    return reject("unconfirmed", "it is not known that the master counts it as in sync");
  }
  const heardAt = hearingSites(candidate, input.sites);
  const needed = sitesNeeded(input);
  if (demands.has("alive") && heardAt.length < needed) {
    return reject("not-alive", `heard at ${heardAt.length} of ${new Set(input.sites).size} sites, ${needed} needed`);
  }
  if (reading === null) return reject("unread", "it did not tell how far it is");
  if (demands.has("whole") && reported !== null && compareProgress(reading, reported) < 0) {
    return reject("lost-tail", `it is at ${progressText(reading)}, and has told of ${progressText(reported)} before`);
  }
  return null;
}

/** A majority, of those that were asked; what an operator does asks nobody: there the site that does it must hear the broker. */
function sitesNeeded({ kind, sites }: DecisionInput): number {
  return kind === "switch" || kind === "switch-back" || kind === "recover" ? 1 : majorityOf(sites);
}

/** Negative: `one` is the better master. Total: two brokers never share an id. */
function compare(one: Readable, other: Readable, input: DecisionInput): number {
  return (
    compareProgress(other.reading, one.reading) ||
    Number(one.drained) - Number(other.drained) ||
    one.priority - other.priority ||
    preference(one, input) - preference(other, input) ||
    Number(other.id === input.master) - Number(one.id === input.master) ||
    one.id - other.id
  );
}

/** IDCs that the policy does not name come last. */
function preference({ idc }: CandidateFacts, { policy }: DecisionInput): number {
  const at = policy.preferIdcs.indexOf(idc);
  return at < 0 ? policy.preferIdcs.length : at;
}

function lackText(winner: Readable, other: Readable, input: DecisionInput): string {
  if (compareProgress(winner.reading, other.reading) !== 0) {
    return `it is at ${progressText(other.reading)}, broker ${winner.id} at ${progressText(winner.reading)}`;
  }
  const level = `as far as broker ${winner.id}`;
  if (winner.drained !== other.drained) return `${level}, but it is drained, or its IDC`;
  if (winner.priority !== other.priority) {
    return `${level}, but of priority ${figure(other.priority)}; ${figure(winner.priority)} is better`;
  }
  if (preference(winner, input) !== preference(other, input)) {
    return `${level}, but in ${other.idc || "no IDC"}; ${winner.idc} is preferred`;
  }
  return winner.id === input.master ? `${level}, which was the master` : `${level}, which has the smaller id`;
}
