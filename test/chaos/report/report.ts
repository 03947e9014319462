import {
  doubleEpochs,
  emptyRoutes,
  fallenEpochs,
  reignsIn,
  routesGoneBack,
  staleAcks,
  undecidedEpochs,
  unfoundedDecisions,
} from "./masters.ts";
import { ackedOf, duplicatedIn, lostIn, reorderedIn, unconsumedIn } from "./messages.ts";
import type { Evidence } from "./read.ts";
import { type FaultOutcome, followed, outcomesOf, type Spread, silencesBetween, spreadOf } from "./recovery.ts";

/** A run that has acknowledged fewer messages says nothing. */
const ackedMin = 2_000;
/** Of the producers that follow the route, in calm. */
const shownMax = 5;

/** Names up to averageRecoveryTime as OpenMessaging-Chaos has them, as far as it has them. Times in ms. */
export interface Report {
  readonly isValid: boolean;
  readonly enqueueInvokeCount: number;
  readonly enqueueSuccessCount: number;
  readonly enqueueActualCount: number;
  readonly dequeueCount: number;
  readonly lostMessageCount: number;
  readonly lostMessages: readonly string[];
  readonly duplicateMessageCount: number;
  readonly duplicateMessages: readonly string[];
  readonly unOrderMessageCount: number;
  readonly unconsumedMessageCount: number;
  readonly atMostOnce: boolean;
  readonly atLeastOnce: boolean;
  readonly exactlyOnce: boolean;
  readonly results: readonly FaultOutcome[];
  readonly averageRecoveryTime: number | null;
  readonly allRecoveryInFaultInterval: boolean;
  readonly unexpectedUnavailableInNormalInterval: boolean;

  readonly startedAt: string;
  readonly contender: string;
  readonly settings: string;
  readonly rpo: string;
  readonly seed: number;
  readonly faultMs: number;
  readonly missing: Evidence["about"]["missing"];
  /** By fault, over all its turns. */
  readonly recovery: Readonly<Record<string, Spread>>;
  readonly unavailableTime: number;
  readonly epochs: readonly { readonly epoch: number; readonly broker: string; readonly atMs: number }[];
  readonly needlessSwitches: number;
  readonly staleAckCount: number;
  readonly decisionCount: number;
  /** Latency of what was acknowledged, ms. */
  readonly latency: Spread;
  /** Why the run is not valid; empty: it is. */
  readonly problems: readonly string[];
}

/** Everything that is to be said of a run, from its raw histories. */
export function reportOf(evidence: Evidence): Report {
  const { about, sends, stored, got, record } = evidence;
  const acked = ackedOf(sends);
  const lost = lostIn(evidence);
  const duplicated = duplicatedIn(evidence);
  const reordered = reorderedIn(evidence);
  const unconsumed = unconsumedIn(evidence);
  const stale = staleAcks(evidence);
  const results = outcomesOf(evidence);
  const recovered = results.flatMap(({ recoveryTime }) => recoveryTime ?? []);
  const calm = calmSilences(evidence);
  const needlessSwitches = results.reduce((sum, one) => sum + one.needlessSwitches, 0);
  const problems = [
    acked.length < ackedMin
      ? `only ${acked.length} messages were acknowledged: fewer than ${ackedMin} say nothing`
      : "",
    ...deadCanaries(evidence),
    results.length === 0 ? "no fault was in force" : "",
    evidence.overAt === undefined ? "the run did not come to its end" : "",
    counted(
      lost.map(({ id, broker }) => `${id} at ${broker}`),
      "acknowledged messages are lost",
    ),
    counted(duplicated, "messages are stored more than once"),
    counted(
      reordered.map(({ id }) => id),
      "messages are out of order",
    ),
    counted(unconsumed, "acknowledged messages were not consumed"),
    evidence.caughtUp ? "" : "the consumers did not come to the end of the queues",
    counted(
      stale.map(({ id, broker }) => `${id} at ${broker}`),
      "acknowledgements by a master that was replaced",
    ),
    counted(doubleEpochs(record).map(String), "epochs have two masters"),
    counted(fallenEpochs(record), "times a decider's epoch fell"),
    counted(emptyRoutes(evidence.routes, about.routers), "times a router showed nobody"),
    counted(routesGoneBack(evidence.routes, about.routers, record), "times a router went back to an older master"),
    ...decisionProblems(evidence),
    counted(
      results.filter((one) => one.needlessSwitches > 0).map(({ nth, fault }) => `${nth} ${fault}`),
      "faults in which a master was replaced without need",
    ),
    counted(
      results.filter(({ wholeMs }) => wholeMs === null).map(({ nth, fault }) => `${nth} ${fault}`),
      "faults after which not all replicas came back",
    ),
    counted(
      results.filter(({ recoveryTime }) => recoveryTime === null).map(({ nth, fault }) => `${nth} ${fault}`),
      "faults after which nothing was acknowledged",
    ),
  ].filter((problem) => problem !== "");
  return {
    isValid: problems.length === 0,
    enqueueInvokeCount: sends.length,
    enqueueSuccessCount: acked.length,
    enqueueActualCount: stored.length,
    dequeueCount: got.length,
    lostMessageCount: lost.length,
    lostMessages: lost.map(({ id }) => id),
    duplicateMessageCount: duplicated.length,
    duplicateMessages: duplicated,
    unOrderMessageCount: reordered.length,
    unconsumedMessageCount: unconsumed.length,
    atMostOnce: duplicated.length === 0,
    atLeastOnce: lost.length === 0,
    exactlyOnce: duplicated.length === 0 && lost.length === 0,
    results,
    averageRecoveryTime: spreadOf(recovered).mean,
    allRecoveryInFaultInterval: results.every((one) => one.isRecoveryInFaultInterval),
    unexpectedUnavailableInNormalInterval: calm > 0,
    startedAt: about.startedAt,
    contender: about.contender,
    settings: about.settings,
    rpo: about.rpo,
    seed: about.seed,
    faultMs: about.faultMs,
    missing: about.missing,
    recovery: recoveryByFault(results),
    unavailableTime: results.reduce((sum, one) => sum + one.unavailableTime, 0),
    epochs: reignsIn(record).map(({ epoch, broker, seenAt }) => ({ epoch, broker, atMs: seenAt })),
    needlessSwitches,
    staleAckCount: stale.length,
    decisionCount: evidence.decisions.length,
    latency: spreadOf(ackedOf(followed(evidence)).map(({ at, answeredAt }) => answeredAt - at)),
    problems,
  };
}

function recoveryByFault(results: readonly FaultOutcome[]): Record<string, Spread> {
  const byFault = Map.groupBy(results, ({ fault }) => fault);
  return Object.fromEntries(
    [...byFault].map(([fault, turns]) => [fault, spreadOf(turns.flatMap(({ recoveryTime }) => recoveryTime ?? []))]),
  );
}

/** Decided without votes, or not decided at all. Stock controllers keep no such record. */
function decisionProblems({ about, decisions, record }: Evidence): string[] {
  if (about.contender !== "arbiter") return [];
  return [
    counted(unfoundedDecisions(decisions), "decisions without a majority on record"),
    counted(undecidedEpochs({ record, decisions }).map(String), "epochs without a decision on record"),
  ];
}

/**
 * A canary sends one message a second all the time. When all is whole in the end, what it sends then must be acknowledged, and
 * every consumer must have got that: else somebody's eyes are shut, and what the run says is worth nothing.
 */
function deadCanaries({ about, sends, got, calmAt }: Evidence): string[] {
  const acked = ackedOf(sends);
  const heard = new Set(got.map(({ consumer, id }) => `${consumer} ${id}`));
  return about.canaries.flatMap((canary) => {
    const last = acked.filter(({ producer, at }) => producer === canary && calmAt !== undefined && at >= calmAt);
    if (last.length === 0) return [`${canary} is dead: nothing that it sent in the end was acknowledged`];
    return about.consumers
      .filter((consumer) => !last.some(({ id }) => heard.has(`${consumer} ${id}`)))
      .map((consumer) => `${canary} is dead: ${consumer} got nothing of what it sent in the end`);
  });
}

/** Silences where nothing is broken: after a fault was whole, until the next. */
function calmSilences(evidence: Evidence): number {
  const acked = ackedOf(followed(evidence));
  const { faults, overAt } = evidence;
  return faults.reduce((sum, { wholeAt }, place) => {
    const until = faults[place + 1]?.beginAt ?? evidence.calmAt ?? overAt;
    return wholeAt === undefined || until === undefined ? sum : sum + silencesBetween(acked, wholeAt, until);
  }, 0);
}

function counted(found: readonly string[], what: string): string {
  if (found.length === 0) return "";
  const more = found.length > shownMax ? ", ..." : "";
  return `${found.length} ${what}: ${found.slice(0, shownMax).join(", ")}${more}`;
}
