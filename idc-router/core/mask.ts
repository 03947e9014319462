import { sha256 } from "#lib/digest.ts";
import { partAt } from "#lib/shares.ts";
import type { Answer, AnswerBroker } from "./answer.ts";
import { permissions } from "./model.ts";

/** A topic's route as a stock client is shown it: who may be written to, and who only read. */
export interface MaskedRoute {
  readonly orderConf: string | null;
  readonly brokers: readonly MaskedBroker[];
}

export interface MaskedBroker extends AnswerBroker {
  /** Without the write bit where this client does not send to. */
  readonly perm: number;
}

/**
 * Which level a client sends to: the one that its point falls in.
 * @param point 0 to 1, always the same of a client
 * @returns the place in `levels`; -1: nobody takes messages
 */
export function levelAt({ levels }: Pick<Answer, "levels">, point: number): number {
  return partAt(levels, point);
}

/** Where a client stands between 0 and 1: the same for the same address, and spread evenly over addresses. */
export function pointOf(remoteAddress: string): number {
  return Number.parseInt(sha256(remoteAddress).slice(0, 8), 16) / 2 ** 32;
}

/**
 * Consumers see every queue: only the write bit is taken away, from sets that are not the client's to send to.
 * Producers of ordered topics go by the order text alone, so it is cut to the same sets. Static topics are not masked.
 */
export function maskRoute({ brokers, levels, entry }: Answer, level: number): MaskedRoute {
  const writable = new Set(levels[level]?.sets.map(({ set }) => set));
  const masked = brokers.map((broker) => {
    const { perm, set } = broker.queue;
    return { ...broker, perm: writable.has(set) ? perm : perm & ~permissions.write };
  });
  return { orderConf: cutOrder(entry.orderConf, writable), brokers: masked };
}

/** "bs1:4;bs2:4": kept whole where it names none of the sets, since without it the topic would not be an ordered one. */
function cutOrder(orderConf: string | null, writable: ReadonlySet<string>): string | null {
  if (orderConf === null || orderConf === "" || writable.size === 0) return null;
  const kept = orderConf.split(";").filter((part) => writable.has(part.slice(0, part.lastIndexOf(":"))));
  return kept.length === 0 ? orderConf : kept.join(";");
}
