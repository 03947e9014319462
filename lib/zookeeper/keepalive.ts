import type { Instant } from "../clock.ts";

/** What a connection knows about its being alive. */
export interface Keepalive {
  /** The session timeout that the server settled. */
  readonly sessionTimeoutMs: number;
  /** When bytes last came from the server, or the connection began. */
  readonly heardAt: Instant;
  /** When the last ping went out, or the connection began. */
  readonly pingedAt: Instant;
}

export type KeepaliveStep =
  | { readonly kind: "ping" }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "silent"; readonly silentMs: number };

/**
 * What to do at `now`. A ping goes out every third of the timeout, whatever else is sent or received: only packets from us
 * keep the session alive. Two thirds of silence mean a dead peer, which leaves one third to find another server.
 */
export function keepaliveStep(state: Keepalive, now: Instant): KeepaliveStep {
  const pingEveryMs = state.sessionTimeoutMs / 3;
  const silentMaxMs = (state.sessionTimeoutMs * 2) / 3;
  const silentMs = now - state.heardAt;
  if (silentMs >= silentMaxMs) return { kind: "silent", silentMs };
  const sincePingMs = now - state.pingedAt;
  if (sincePingMs >= pingEveryMs) return { kind: "ping" };
  return { kind: "wait", ms: Math.ceil(Math.min(silentMaxMs - silentMs, pingEveryMs - sincePingMs)) };
}
