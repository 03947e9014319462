import { partAt } from "../../lib/shares.ts";
import type { Route } from "./route.ts";

/** A cluster as one IDC begins in it. When a topic's route names another place, its clients connect anew. */
export interface Place {
  readonly kind: Route["kind"];
  readonly cluster: string;
  /** Where it begins; "" where the router does not say. */
  readonly idc: string;
  /** Nearest first. */
  readonly bootstrap: readonly string[];
}

/**
 * Clients are spread over the levels of a route by their points: a share that shrinks sends those between the old border and the new
 * one elsewhere, and nobody else.
 * @param point 0 to 1, always the same of a client
 */
export function placeOf({ kind, cluster, chosen, bootstrap, levels }: Route, point: number): Place {
  const level = levels[partAt(levels, point)];
  if (level === undefined || level.bootstrap.length === 0)
    return { kind, cluster, idc: kind === "kafka" ? chosen : "", bootstrap };
  return { kind, cluster, idc: level.idc, bootstrap: [...new Set([...level.bootstrap, ...bootstrap])] };
}

/**
 * Kafka's addresses are only where a client begins: it knows all brokers soon, so a list that has lost or won some is no other
 * place. Of RocketMQ's proxies the nearest one that answers is used, so their order counts.
 */
export function isSamePlace(one: Place, other: Place): boolean {
  if (one.kind !== other.kind || one.cluster !== other.cluster || one.idc !== other.idc) return false;
  return one.kind === "kafka"
    ? one.bootstrap.some((address) => other.bootstrap.includes(address))
    : one.bootstrap.join() === other.bootstrap.join();
}

/** Where a consumer reads: at its place, and at those that it has left until they are empty and quiet. A place is one object in all of it. */
export interface Stays {
  readonly current: Place | null;
  /** Oldest first. */
  readonly lingers: readonly { readonly place: Place; readonly leftAt: number }[];
}

export const noStays: Stays = { current: null, lingers: [] };

export type StayCommand =
  | { readonly kind: "start"; readonly place: Place }
  | { readonly kind: "linger"; readonly place: Place }
  /** It is current again. */
  | { readonly kind: "keep"; readonly place: Place }
  | { readonly kind: "stop"; readonly place: Place; readonly why: "empty" | "lingered too long" | "too many places" };

/** The topic is at this place now. */
export function moveTo(
  stays: Stays,
  place: Place,
  { now, lingersMax }: { readonly now: number; readonly lingersMax: number },
): { readonly stays: Stays; readonly commands: readonly StayCommand[] } {
  const { current } = stays;
  if (current !== null && isSamePlace(current, place)) return { stays, commands: [] };
  const back = stays.lingers.find((linger) => isSamePlace(linger.place, place))?.place;
  const next = back ?? place;
  const left = current === null ? [] : [{ place: current, leftAt: now }];
  const lingers = [...stays.lingers.filter((linger) => linger.place !== back), ...left];
  const dropped = lingers.slice(0, Math.max(0, lingers.length - lingersMax));
  return {
    stays: { current: next, lingers: lingers.slice(dropped.length) },
    commands: [
      back === undefined ? { kind: "start", place: next } : { kind: "keep", place: next },
      ...left.map((one) => ({ kind: "linger", place: one.place }) as const).filter((one) => !isIn(one.place, dropped)),
      ...dropped.map((one) => ({ kind: "stop", place: one.place, why: "too many places" }) as const),
    ],
  };
}

function isIn(place: Place, lingers: Stays["lingers"]): boolean {
  return lingers.some((linger) => linger.place === place);
}

/** What is known of a place that was left. */
export interface LingerView {
  /** What the group has not read yet; null: it cannot be told. */
  readonly lag: bigint | null;
  /** Of the last message from there, or of the leave. */
  readonly lastAt: number;
  readonly leftAt: number;
}

export interface LingerLimits {
  readonly lingerQuietMs: number;
  readonly lingerMsMax: number;
}

/** null: it goes on. */
export function lingerEnd(
  { lag, lastAt, leftAt }: LingerView,
  now: number,
  { lingerQuietMs, lingerMsMax }: LingerLimits,
): "empty" | "lingered too long" | null {
  if (lag === 0n && now - Math.max(lastAt, leftAt) >= lingerQuietMs) return "empty";
  return now - leftAt >= lingerMsMax ? "lingered too long" : null;
}

/** It is read no longer. One that is current again stays. */
export function forgetLinger(stays: Stays, place: Place): Stays {
  return { ...stays, lingers: stays.lingers.filter((linger) => linger.place !== place) };
}
