import { best, chosen, furtherText, furtherThan, notGathered } from "./best.ts";
import type { DecisionInput, DecisionVerdict } from "./decision.ts";
import { clean, isRead, type Ranking, type Readable, rank, unclean, whole } from "./elect.ts";
import { listText, progressText } from "./figures.ts";
import type { BrokerId } from "./model.ts";
import type { Objection } from "./permit.ts";
import { elect, lagOf, notDesignated, refuse } from "./verdict.ts";

/**
 * The record is of no use any more (etcd restored, or made anew, or brokers taken over): an epoch above all that anybody may have seen.
 * Whoever acts as master, alone, stays it: he acknowledges messages while this is decided. An empty in-sync set says that nobody knows
 * who is in sync: then every broker has to be read, since the one that was not may have more.
 */
export function recovered(input: DecisionInput): DecisionVerdict {
  const { designated, forced, inSync } = input;
  const isKnown = inSync.length > 0;
  const ranking = rank(input, isKnown ? clean : whole);
  if (designated !== null && forced) return named(input, designated);
  const objection = notGathered(input) ?? (isKnown ? null : notRead(input));
  if (objection !== null) return refuse(objection.reason, objection.why, ranking.rejected);

  const acting = inOrder(input.candidates.filter(isRead)).filter(({ id }) => input.acting.includes(id));
  const [master, ...others] = acting;
  if (others.length > 0) {
    const why = `broker ${listText(acting.map(({ id }) => id))} act as master, each of them`;
    return refuse("behind", why, ranking.rejected);
  }
  const serving = ranking.eligible.find(({ id }) => id === master?.id);
  if (serving !== undefined && (designated === null || designated === serving.id)) return stays(input, serving);
  if (designated !== null) return named(input, designated);
  if (!isKnown && master !== undefined) return refuse("behind", `broker ${master.id} acts as master`, ranking.rejected);

  const choice = isKnown ? best(input, ranking) : furthest(input, ranking);
  if (choice === null) {
    const nobody = isKnown ? "no in-sync replica is there" : "no replica is there";
    return refuse("no-candidate", nobody, ranking.rejected);
  }
  const further = furtherThan(choice.winner, input.candidates.filter(isRead));
  if (further !== undefined)
    return refuse("behind", `${furtherText(choice.winner, further)}: name a master`, choice.rejected);
  return elect(input, { ...choice, winner: choice.winner.id, knownLag: lagOf(choice.winner, input) });
}

/** It goes on acknowledging: what another one has told since is its own. Not so where that one knows of a later master. */
function stays(input: DecisionInput, serving: Readable): DecisionVerdict {
  const rejected = notDesignated(input, serving.id);
  const later = inOrder(input.candidates.filter(isRead)).find(({ reading }) => reading.epoch > serving.reading.epoch);
  if (later !== undefined) return refuse("behind", furtherText(serving, later), rejected);
  const why = `broker ${serving.id} acts as master, at ${progressText(serving.reading)}`;
  return elect(input, { winner: serving.id, knownLag: lagOf(serving, input), rejected, why });
}

function named(input: DecisionInput, designated: BrokerId): DecisionVerdict {
  const candidate = input.candidates.find(({ id }) => id === designated);
  if (candidate === undefined) return refuse("no-candidate", `broker ${designated} is none of the set`, []);
  const ranking = rank(input, input.forced ? unclean : input.inSync.length > 0 ? clean : whole);
  const own = ranking.rejected.find(({ id }) => id === designated);
  if (own !== undefined) return refuse(own.reason, `broker ${designated}: ${own.detail}`, ranking.rejected);
  if (!isRead(candidate)) return refuse("unread", `broker ${designated} was not read`, ranking.rejected);

  const further = furtherThan(candidate, input.candidates.filter(isRead));
  const [serving] = input.acting.filter((id) => id !== designated).toSorted((one, other) => one - other);
  const objection: Objection = input.forced
    ? null
    : serving !== undefined
      ? { reason: "behind", why: `broker ${serving} acts as master, and acknowledges messages` }
      : further === undefined
        ? null
        : { reason: "behind", why: furtherText(candidate, further) };
  if (objection !== null) return refuse(objection.reason, objection.why, ranking.rejected);
  const why = `an operator ${input.forced ? "forces" : "names"} broker ${designated}, at ${progressText(candidate.reading)}${
    further === undefined ? "" : `; ${furtherText(candidate, further)}`
  }`;
  const knownLag = lagOf(candidate, input);
  return elect(input, { winner: designated, knownLag, rejected: notDesignated(input, designated), why });
}

function notRead({ candidates }: DecisionInput): Objection {
  const unread = inOrder(candidates)
    .filter(({ reading }) => reading === null)
    .map(({ id }) => id);
  if (unread.length === 0) return null;
  const why = `nobody knows who is in sync, and broker ${listText(unread)} did not tell how far it is`;
  return { reason: "unread", why };
}

function inOrder<Candidate extends { readonly id: BrokerId }>(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((one, other) => one.id - other.id);
}

function furthest(input: DecisionInput, { eligible, rejected }: Ranking): ReturnType<typeof chosen> | null {
  const [winner, ...others] = eligible;
  return winner === undefined ? null : chosen(input, winner, others, rejected, "");
}
