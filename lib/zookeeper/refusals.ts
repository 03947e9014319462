import type { Instant } from "../clock.ts";

/**
 * Tells when it is time to connect as if for the first time. A server whose zxid is behind ours hangs up without a word. So does
 * one without a quorum, or one that catches up: they get better. But an ensemble that was wiped or restored never does.
 * A new session is a transaction of its own: a server that grants one has caught up with its quorum, so nobody is heard who
 * merely lags. Whether what is there now has gone back is for our user to judge.
 */
export interface Refusals {
  /** A server hung up on the connect request. */
  hungUp(now: Instant): void;
  /** A server has answered. */
  answered(): void;
  /** Whether the next connect is to forget session and zxid. So for one round of all servers, then they are refused for long anew. */
  forget(now: Instant): boolean;
}

const roundsMin = 3;

/** @param options.sessionTimeoutMs by then a session that nobody resumed is over, unless there is no quorum to end it */
export function createRefusals(options: { servers: number; sessionTimeoutMs: number }): Refusals {
  const { servers, sessionTimeoutMs } = options;
  let since = 0;
  let hangUps = 0;
  let forgotten = 0;
  return {
    hungUp(now) {
      if (hangUps === 0) since = now;
      hangUps += 1;
    },
    answered() {
      hangUps = 0;
      forgotten = 0;
    },
    forget(now) {
      if (hangUps < roundsMin * servers || now - since < sessionTimeoutMs) return false;
      forgotten += 1;
      if (forgotten === servers) {
        hangUps = 0;
        forgotten = 0;
      }
      return true;
    },
  };
}
