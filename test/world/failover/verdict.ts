import { serverSites } from "../network/sites.ts";
import { faults } from "./faults.ts";
import type { Outcome } from "./play.ts";

export const inSyncMsUsual = 90_000;

/** What is wrong with an outcome where nothing may be lost; empty: nothing. */
export function problemsOf(outcome: Outcome): string[] {
  const { fault, old, oldEpoch, named, namedLater, set, stale, mute, acting, gap } = outcome;
  const { must, singleLink } = faults[fault];
  const first = (ids: readonly { readonly id: string; readonly broker: string }[]) =>
    ids
      .slice(0, 3)
      .map(({ id, broker }) => `${id} at ${broker}`)
      .join(", ");
  const master = named.at(-1);
  const last = namedLater.at(-1)?.broker ?? master?.broker ?? old;
  return [
    set.enough ? "" : `only ${set.acked} messages were acknowledged`,
    set.lost.length === 0
      ? ""
      : `${set.lost.length} of ${set.acked} acknowledged messages are lost: ${first(set.lost)}`,
    set.duplicated.length === 0 ? "" : `${set.duplicated.length} messages are there more than once`,
    set.reordered.length === 0 ? "" : `${set.reordered.length} messages are out of order: ${first(set.reordered)}`,
    stale.acks.length === 0
      ? ""
      : `${stale.acks.length} acknowledgements by a master that was replaced, over ${Math.round(stale.spanMs)} ms: ${first(stale.acks)}`,
    outcome.epochsOfTwo.length === 0 ? "" : `two masters in epochs ${outcome.epochsOfTwo}`,
    must === "keep" && master !== undefined
      ? `${singleLink ? "needless switch" : "a master was replaced"}: ${old} in ${oldEpoch}, then ${master.broker} in ${master.epoch}`
      : "",
    must === "new-epoch" && master === undefined ? `${old} restarted, and its epoch is still ${oldEpoch}` : "",
    must === "switch" && (master === undefined || master.broker === old)
      ? `no other master was named after ${old}`
      : "",
    must === "switch" && gap.movedMs === null ? "no other master accepted a write" : "",
    mute.length === 0
      ? ""
      : `${mute.length} acknowledgements by a master that had only its own IDC left: ${first(mute)}`,
    acting.length === 1 && acting[0] === last
      ? ""
      : `in the end ${acting.join(" and ") || "nobody"} acts as master, and ${last} is on record`,
    doubtProblem(outcome),
    outcome.inSyncMs === null ? "not all replicas came back in sync" : "",
  ].filter((problem) => problem !== "");
}

/** A master that one site alone does not hear stays; but people must see at every arbiter that this site doubts, and no other. */
function doubtProblem({ fault, doubts }: Outcome): string {
  const { doubter } = faults[fault];
  if (doubter === undefined) return "";
  const others = doubts.filter((doubt) => doubt.doubter !== doubter);
  const blind = serverSites.filter(
    (site) => !doubts.some((doubt) => doubt.shownAt === site && doubt.doubter === doubter),
  );
  return [
    ...others.map((doubt) => `${doubt.doubter} doubts, as ${doubt.shownAt} shows`),
    ...blind.map((site) => `${site} does not show that ${doubter} doubts`),
  ].join(", ");
}

/** For people, in one line. */
export function lineOf({
  fault,
  old,
  oldEpoch,
  named,
  namedLater,
  decidedMs,
  gap,
  set,
  stale,
  blindMs,
  inSyncMs,
  evidence,
}: Outcome): string {
  const masters = [...named, ...namedLater].map(({ broker, epoch }) => `${broker} in ${epoch}`);
  const gaps = Object.entries(gap.bySite).map(([site, { ms }]) => `${site} ${seconds(ms)}`);
  return [
    `${fault}: ${[`${old} in ${oldEpoch}`, ...masters].join(" -> ")}`,
    `decided after ${seconds(decidedMs)}`,
    `first write elsewhere ${seconds(gap.movedMs)}`,
    `no writes for ${seconds(gap.all.ms)} (${gaps.join(", ")})`,
    `${set.acked} acked, ${set.lost.length} lost, ${set.duplicated.length} twice, ${set.reordered.length} out of order`,
    `${stale.acks.length} stale over ${seconds(stale.spanMs)}, ${stale.late} late`,
    `master told of again after ${seconds(blindMs)}`,
    `in sync after ${seconds(inSyncMs)}`,
    evidence,
  ].join("; ");
}

function seconds(ms: number | null): string {
  return ms === null ? "-" : `${(ms / 1_000).toFixed(2)} s`;
}
