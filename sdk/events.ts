import type { Place } from "./core/places.ts";
import type { Route } from "./core/route.ts";

/** What a client tells its application, for logs and metrics. Nothing has to be done about it. */
export type SdkEvent =
  | { readonly kind: "route"; readonly route: Route }
  /** A router is behind what is known already: its answer changes nothing. */
  | { readonly kind: "older"; readonly topic: string; readonly router: string }
  | { readonly kind: "router"; readonly router: string; readonly ok: boolean; readonly detail: string }
  | { readonly kind: "file"; readonly file: string; readonly detail: string }
  /** A producer or consumer goes to another place. */
  | { readonly kind: "moved"; readonly topic: string; readonly from: Place | null; readonly to: Place }
  /** Brokers of a place cannot be used right now; it is tried again. */
  | { readonly kind: "failed"; readonly topic: string; readonly place: Place; readonly detail: string }
  /** A consumer reads a place no longer. */
  | { readonly kind: "left"; readonly topic: string; readonly place: Place; readonly why: string }
  /** A handler threw: the message comes again. */
  | { readonly kind: "handler"; readonly topic: string; readonly detail: string };

export type OnEvent = (event: SdkEvent) => void;
