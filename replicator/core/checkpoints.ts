import { assert } from "#lib/assert.ts";
import type { Instant } from "#lib/clock.ts";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { Brake, BrakeReason } from "./brake.ts";
import type { Fence } from "./claim.ts";
import type { LinkContext } from "./link-context.ts";
import type { Checkpoint, LinkEvent } from "./link-events.ts";
import type { Witnesses } from "./witnesses.ts";

/**
 * What the target remembers of the link. Every multi carries it; where none has for long, or where it has news that must
 * survive a crash, it goes alone.
 */
export interface Checkpoints {
  /** @param over see Checkpoint.sourceWins */
  begin(claim: LinkEvent & { kind: "claimed" }, over: Zxid | undefined, now: Instant): void;
  /** For a write that goes out now. */
  take(sourceZxid: Zxid, now: Instant): Checkpoint;
  /** What the operator let the source win over has been carried over. */
  settled(): void;
  isDue(now: Instant): boolean;
}

/** What the last one says that must not wait for its time. */
interface Said {
  readonly at: Instant;
  readonly braked: BrakeReason | undefined;
  readonly sourceWins: Zxid | undefined;
}

export function createCheckpoints(parts: { context: LinkContext; brake: Brake; witnesses: Witnesses }): Checkpoints {
  const { brake, witnesses } = parts;
  const { limits, options } = parts.context;
  let fence: Fence | undefined;
  let sourceWins: Zxid | undefined;
  let last: Said = { at: 0 as Instant, braked: undefined, sourceWins: undefined };

  return {
    begin({ fence: claimed, checkpoint }, over, now) {
      fence = claimed;
      sourceWins = over;
      last = { at: now, braked: checkpoint?.brake.engaged?.reason, sourceWins: checkpoint?.sourceWins };
    },
    take(sourceZxid, now) {
      last = { at: now, braked: brake.engagement()?.reason, sourceWins };
      assert(fence !== undefined, "nothing is written before the fence is claimed");
      const newest = witnesses.newest(limits.witnesses);
      return { fence, sourceZxid, rules: options.rules.hash, brake: brake.memory(now), witnesses: newest, sourceWins };
    },
    settled() {
      sourceWins = undefined;
    },
    isDue(now) {
      const isNews = last.braked !== brake.engagement()?.reason || last.sourceWins !== sourceWins;
      return isNews || now - last.at >= limits.checkpointEveryMs;
    },
  };
}
