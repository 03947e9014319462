import { type Acked, ackedOf } from "./messages.ts";
import type { Decision, Evidence, RouteSeen, Sighting } from "./read.ts";

/** A master under an epoch, as deciders had it on record. */
export interface Reign {
  readonly epoch: number;
  readonly broker: string;
  /** When anybody first told of it. */
  readonly seenAt: number;
}

/** In the order of their epochs. */
export function reignsIn(record: readonly Sighting[]): Reign[] {
  const reigns = new Map<string, Reign>();
  for (const { epoch, broker, at } of record) {
    const key = `${epoch} ${broker}`;
    if (!reigns.has(key)) reigns.set(key, { epoch, broker, seenAt: at });
  }
  return [...reigns.values()].toSorted((one, other) => one.epoch - other.epoch);
}

/** Epochs with two masters. */
export function doubleEpochs(record: readonly Sighting[]): number[] {
  const byEpoch = Map.groupBy(reignsIn(record), ({ epoch }) => epoch);
  return [...byEpoch].flatMap(([epoch, reigns]) => (reigns.length > 1 ? [epoch] : []));
}

/** A decider that tells of a lower epoch than it had told of before. */
export function fallenEpochs(record: readonly Sighting[]): string[] {
  const highest = new Map<string, number>();
  return record.flatMap(({ by, epoch }) => {
    const before = highest.get(by) ?? 0;
    highest.set(by, Math.max(before, epoch));
    return epoch < before ? [`${by}: ${before}, then ${epoch}`] : [];
  });
}

/**
 * Acknowledgements of a broker whose reign is over: of messages that were sent after a later master, another broker, had
 * acknowledged. A broker's reign ends with the first acknowledgement of a later one, and never begins anew without an epoch.
 */
export function staleAcks({ sends, record }: Pick<Evidence, "sends" | "record">): Acked[] {
  const reigns = reignsIn(record);
  const acked = ackedOf(sends);
  const [first] = reigns;
  if (first === undefined) return acked;
  const spans = reigns.map((reign, nth) => ({ broker: reign.broker, fromAt: beginOf(reign, reigns[nth - 1], record) }));
  const ended = spans.map((span, nth) => ({ ...span, untilAt: endOf(spans.slice(nth + 1), span.broker, acked) }));
  return acked.filter(
    (ack) =>
      !ended.some(
        ({ broker, fromAt, untilAt }) => ack.broker === broker && ack.answeredAt > fromAt && ack.at <= untilAt,
      ),
  );
}

interface Span {
  readonly broker: string;
  readonly fromAt: number;
}

/** The first acknowledgement by another broker in a later reign. */
function endOf(later: readonly Span[], broker: string, acked: readonly Acked[]): number {
  const firsts = later
    .filter((span) => span.broker !== broker)
    .flatMap((span) => acked.find((ack) => ack.broker === span.broker && ack.answeredAt > span.fromAt) ?? []);
  return Math.min(...firsts.map(({ answeredAt }) => answeredAt));
}

/** It is told of some time after its begin, but not before its predecessor was told of for the last time before that. */
function beginOf(reign: Reign, before: Reign | undefined, record: readonly Sighting[]): number {
  if (before === undefined) return -Infinity;
  const last = record.findLast(
    ({ at, epoch, broker }) => at < reign.seenAt && epoch === before.epoch && broker === before.broker,
  );
  return last?.at ?? -Infinity;
}

/** A router that shows no broker after it has shown one. */
export function emptyRoutes(routes: readonly RouteSeen[], promising: readonly string[]): string[] {
  const known = new Set<string>();
  return routes.flatMap(({ by, brokers, at }) => {
    if (!promising.includes(by)) return [];
    if (brokers.length > 0) known.add(by);
    return brokers.length === 0 && known.has(by) ? [`${by} at ${at}`] : [];
  });
}

/** A router that shows a master whose reigns are all older than the one it has shown before. */
export function routesGoneBack(
  routes: readonly RouteSeen[],
  promising: readonly string[],
  record: readonly Sighting[],
): string[] {
  const reigns = reignsIn(record);
  const reached = new Map<string, number>();
  return routes.flatMap(({ by, master, at }) => {
    if (master === null || !promising.includes(by)) return [];
    const before = reached.get(by) ?? 0;
    const epochs = reigns.filter(({ broker }) => broker === master).map(({ epoch }) => epoch);
    const epoch = epochs.find((one) => one >= before);
    if (epoch === undefined) return [`${by} at ${at}: ${master} after epoch ${before}`];
    reached.set(by, epoch);
    return [];
  });
}

/** Kinds that need the word of a majority; a chaos run has no operator, so there is no other kind but the very first. */
const votedKinds: readonly string[] = ["failover", "restart"];
const downVerdicts: readonly string[] = ["silent", "dead"];

/** Decisions on record that no majority of the voting sites stands behind, with what is wrong. */
export function unfoundedDecisions(decisions: readonly Decision[]): string[] {
  return decisions.flatMap((decision) => {
    const problem = problemOf(decision);
    return problem === "" ? [] : [`${decision.id} (${decision.kind}): ${problem}`];
  });
}

function problemOf({ kind, epoch, epochBefore, master, question, sites, answers }: Decision): string {
  if (epoch <= epochBefore) return `epoch ${epoch} after ${epochBefore}`;
  if (kind === "first-master") return epochBefore === 0 ? "" : `there was a master in epoch ${epochBefore}`;
  if (!votedKinds.includes(kind)) return "nobody has asked for it";
  if (question === null) return "no site was asked";
  if (question.epoch !== epochBefore || question.master !== master) return "the sites were asked about another master";
  const voters = [...new Set(sites)];
  const down = voters.filter((site) => {
    const own = answers.filter((answer) => answer.site === site && answer.question === question.id);
    return own.length > 0 && own.every(({ verdict }) => downVerdicts.includes(verdict));
  });
  return down.length * 2 > voters.length ? "" : `${down.length} of ${voters.length} sites say that it is down`;
}

/** Epochs that masters on record have and no decision has; every epoch above the first must have been decided. */
export function undecidedEpochs({ record, decisions }: Pick<Evidence, "record" | "decisions">): number[] {
  const decided = new Set(decisions.map(({ epoch }) => epoch));
  return [...new Set(record.map(({ epoch }) => epoch))].filter((epoch) => !decided.has(epoch));
}
