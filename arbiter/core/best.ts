import type { DecisionInput, Rejected } from "./decision.ts";
import { isDown, outranked, type Ranking, type Readable, rank, unclean } from "./elect.ts";
import { listText, progressText } from "./figures.ts";
import type { Objection } from "./permit.ts";
import { compareProgress } from "./progress.ts";
import { byId } from "./verdict.ts";

/** Who is the best of those that may be elected, and whether others may still turn up with more. */

interface Choice {
  readonly winner: Readable;
  readonly rejected: readonly Rejected[];
  readonly why: string;
}

/** The first of the ranking; when there is none and the policy says unclean: allow, of all that are there (I3). */
export function best(input: DecisionInput, ranking: Ranking): Choice | null {
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

export function chosen(
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

/** In-sync members that may still turn up with more than the others have are waited for, until `gathered`. */
export function notGathered(input: DecisionInput): Objection {
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

export function furtherThan(winner: Readable, others: readonly Readable[]): Readable | undefined {
  const [furthest] = others.toSorted((one, other) => compareProgress(other.reading, one.reading) || one.id - other.id);
  return furthest !== undefined && compareProgress(furthest.reading, winner.reading) > 0 ? furthest : undefined;
}

export function furtherText(winner: Readable, further: Readable): string {
  return `broker ${further.id} is at ${progressText(further.reading)}, broker ${winner.id} at ${progressText(winner.reading)}`;
}
