import type { Route } from "./route.ts";

/** A cluster as one IDC begins in it. When a topic's route names another place, its clients connect anew. */
export interface Place {
  readonly kind: Route["kind"];
  readonly cluster: string;
  /** Where most messages go; "" for RocketMQ, whose proxies see to that. */
  readonly idc: string;
  /** Nearest first. */
  readonly bootstrap: readonly string[];
}

export function placeOf({ kind, cluster, chosen, bootstrap }: Route): Place {
  return { kind, cluster, idc: kind === "kafka" ? chosen : "", bootstrap };
}

/**
 * Equal names mean equal places. The order of Kafka's addresses beyond the chosen IDC is no other place; of RocketMQ's proxies the nearest
 * one that answers is used, so their order counts.
 */
export function placeName({ kind, cluster, idc, bootstrap }: Place): string {
  return JSON.stringify([kind, cluster, idc, kind === "kafka" ? bootstrap.toSorted() : bootstrap]);
}

/** Where a consumer reads: at its place, and at those that it has left until they are empty and quiet. */
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
  const name = placeName(place);
  const { current } = stays;
  if (current !== null && placeName(current) === name) return { stays, commands: [] };
  const isBack = stays.lingers.some((linger) => placeName(linger.place) === name);
  const left = current === null ? [] : [{ place: current, leftAt: now }];
  const lingers = [...stays.lingers.filter((linger) => placeName(linger.place) !== name), ...left];
  const dropped = lingers.slice(0, Math.max(0, lingers.length - lingersMax));
  return {
    stays: { current: place, lingers: lingers.slice(dropped.length) },
    commands: [
      isBack ? { kind: "keep", place } : { kind: "start", place },
      ...left.map((one) => ({ kind: "linger", place: one.place }) as const).filter((one) => !isIn(one.place, dropped)),
      ...dropped.map((one) => ({ kind: "stop", place: one.place, why: "too many places" }) as const),
    ],
  };
}

function isIn(place: Place, lingers: Stays["lingers"]): boolean {
  return lingers.some((linger) => placeName(linger.place) === placeName(place));
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
  const name = placeName(place);
  return { ...stays, lingers: stays.lingers.filter((linger) => placeName(linger.place) !== name) };
}
