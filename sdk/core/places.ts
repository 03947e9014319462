import type { Route } from "./route.ts";

/** A cluster as one IDC begins in it. When a topic's route names another place, its clients connect anew. */
export interface Place {
  readonly kind: Route["kind"];
  readonly cluster: string;
  /** Where most messages go. */
  readonly idc: string;
  /** Nearest first. */
  readonly bootstrap: readonly string[];
}

export function placeOf({ kind, cluster, chosen, bootstrap }: Route): Place {
  return { kind, cluster, idc: chosen, bootstrap };
}

/** Equal names mean equal places. The order of addresses beyond the chosen IDC is no other place. */
export function placeName({ kind, cluster, idc, bootstrap }: Place): string {
  return JSON.stringify([kind, cluster, idc, bootstrap.toSorted()]);
}

/** Where a consumer reads: at its place, and at those that it has left until they are empty and quiet. */
export interface Stays {
  readonly current: Place | null;
  /** Oldest first. */
  readonly drains: readonly { readonly place: Place; readonly leftAt: number }[];
}

export const noStays: Stays = { current: null, drains: [] };

export type StayCommand =
  | { readonly kind: "start"; readonly place: Place }
  | { readonly kind: "drain"; readonly place: Place }
  /** It is current again. */
  | { readonly kind: "keep"; readonly place: Place }
  | { readonly kind: "stop"; readonly place: Place; readonly why: "drained" | "drained too long" | "too many drains" };

/** The topic is at this place now. */
export function moveTo(
  stays: Stays,
  place: Place,
  { now, drainsMax }: { readonly now: number; readonly drainsMax: number },
): { readonly stays: Stays; readonly commands: readonly StayCommand[] } {
  const name = placeName(place);
  const { current } = stays;
  if (current !== null && placeName(current) === name) return { stays, commands: [] };
  const isBack = stays.drains.some((drain) => placeName(drain.place) === name);
  const left = current === null ? [] : [{ place: current, leftAt: now }];
  const drains = [...stays.drains.filter((drain) => placeName(drain.place) !== name), ...left];
  const dropped = drains.slice(0, Math.max(0, drains.length - drainsMax));
  return {
    stays: { current: place, drains: drains.slice(dropped.length) },
    commands: [
      isBack ? { kind: "keep", place } : { kind: "start", place },
      ...left.map((one) => ({ kind: "drain", place: one.place }) as const).filter((one) => !isIn(one.place, dropped)),
      ...dropped.map((one) => ({ kind: "stop", place: one.place, why: "too many drains" }) as const),
    ],
  };
}

function isIn(place: Place, drains: Stays["drains"]): boolean {
  return drains.some((drain) => placeName(drain.place) === placeName(place));
}

/** What is known of a place that was left. */
export interface DrainView {
  /** What the group has not read yet; null: it cannot be told. */
  readonly lag: bigint | null;
  /** Of the last message from there, or of the leave. */
  readonly lastAt: number;
  readonly leftAt: number;
}

export interface DrainLimits {
  readonly drainQuietMs: number;
  readonly drainMsMax: number;
}

/** null: it goes on. */
export function drainEnd(
  { lag, lastAt, leftAt }: DrainView,
  now: number,
  { drainQuietMs, drainMsMax }: DrainLimits,
): "drained" | "drained too long" | null {
  if (lag === 0n && now - Math.max(lastAt, leftAt) >= drainQuietMs) return "drained";
  return now - leftAt >= drainMsMax ? "drained too long" : null;
}

/** A place that was drained is forgotten. One that is current again is not. */
export function forgetDrain(stays: Stays, place: Place): Stays {
  const name = placeName(place);
  return { ...stays, drains: stays.drains.filter((drain) => placeName(drain.place) !== name) };
}
