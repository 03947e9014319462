import type { Clock, Instant } from "../clock.ts";

export interface KeepaliveOptions {
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  /** When bytes last came from the server. */
  readonly heardAt: () => Instant;
  readonly ping: () => void;
  readonly onSilent: (silentMs: number) => void;
  readonly signal: AbortSignal;
}

/** Pings until the signal is aborted or the server has been silent for too long; then `onSilent` is called, once. */
export function keepAlive(options: KeepaliveOptions): void {
  run(options).catch((error: unknown) => {
    if (!options.signal.aborted) throw error;
  });
}

async function run(options: KeepaliveOptions): Promise<void> {
  const { sessionTimeoutMs, clock, heardAt, signal } = options;
  let pingedAt = clock.now();
  while (!signal.aborted) {
    const step = keepaliveStep({ sessionTimeoutMs, heardAt: heardAt(), pingedAt }, clock.now());
    switch (step.kind) {
      case "ping":
        pingedAt = clock.now();
        options.ping();
        break;
      case "wait":
        await clock.sleep(step.ms, { signal });
        break;
      case "silent":
        if (await stillSilent(options)) {
          options.onSilent(step.silentMs);
          return;
        }
    }
  }
}

/** If this process itself was held up, the server's bytes may lie unread in the socket: reads come before the verdict. */
async function stillSilent({ clock, heardAt, signal }: KeepaliveOptions): Promise<boolean> {
  const before = heardAt();
  await clock.sleep(1, { signal });
  return heardAt() === before;
}

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
