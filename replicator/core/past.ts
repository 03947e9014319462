import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { StoredCheckpoint } from "./link-events.ts";

/** What a claim tells of the time before it. */
export interface Past {
  /** The target's zxid until which somebody watched the source. The link's own writes are not newer. */
  readonly mark: Zxid;
  /** Up to there the source had been carried over, but for what was still on its way. */
  readonly sourceZxid: Zxid;
  /** Whether what was written since then must not be overwritten. */
  readonly stops: boolean;
}

/**
 * Whether what others wrote in the target is still to be judged. A compare judges it; from then on it need not be, as long as
 * this process goes on watching the source: a source that was watched all the time was not failed over from, and what others
 * wrote meanwhile is drift.
 */
export interface JudgedPast {
  /** The source is not watched from here on, or another has led meanwhile. */
  reopen(): void;
  judged(): void;
  /**
   * @param checkpoint as the last writer left it; undefined: nothing was ever carried over, and there is nothing to judge
   * @param sourceWins an operator lets the source win over what others wrote
   * @returns the target's zxid since which the source wins; undefined: over nothing
   */
  claimed(checkpoint: StoredCheckpoint | undefined, sourceWins: boolean): Zxid | undefined;
  /** Of the last claim, for the first compare after it, once. */
  take(): Past | undefined;
}

export function createJudgedPast(): JudgedPast {
  let isJudged = false;
  /** Until a compare has begun. */
  let past: Past | undefined;

  return {
    reopen() {
      isJudged = false;
    },
    judged() {
      isJudged = true;
    },
    claimed(checkpoint, sourceWins) {
      const wins = sourceWins || checkpoint?.sourceWins !== undefined;
      past = checkpoint && {
        mark: checkpoint.sourceWins ?? checkpoint.mark,
        sourceZxid: checkpoint.sourceZxid,
        stops: !wins && !isJudged,
      };
      return wins ? past?.mark : undefined;
    },
    take() {
      const taken = past;
      past = undefined;
      return taken;
    },
  };
}
