import { defaultLimits, type LinkLimits } from "../../replicator/core/limits.ts";
import type { LinkOptions } from "../../replicator/core/link-context.ts";
import type { Policies } from "./model.ts";
import type { Random } from "./random.ts";

/** What kind of life a seed draws. Limits are mostly so small that each is met within a few nodes. */
export interface Character {
  /** Nothing but the source and the sessions change: then events alone must keep the target equal. */
  readonly calm: boolean;
  readonly watch: "recursive" | "polling";
  /** Whether the target tells of a deleted fence; without it the next write does. */
  readonly fenceWatch: boolean;
  /** Whether a latch says who leads, and how often it is wrong. */
  readonly latch: { readonly lies: number } | undefined;
  readonly policies: Policies;
  readonly limits: LinkLimits;
  readonly deletes: LinkOptions["deletes"];
  readonly actions: number;
  readonly gapMaxMs: number;
  /** How long a busy process leaves lying what arrives. */
  readonly gatherMs: number;
}

export function drawCharacter(random: Random): Character {
  const calm = random.chance(0.3);
  const roomy = random.chance(0.2);
  return {
    calm,
    watch: calm || random.chance(0.9) ? "recursive" : "polling",
    fenceWatch: random.chance(0.5),
    latch: random.chance(0.6) ? { lies: random.pick([0, 0, 0.2]) } : undefined,
    policies: {
      copiesAcls: random.chance(0.4),
      unmapped: random.pick(["error", "error", "copy", "skip"]),
      onBadData: random.pick(["copy", "skip", "skip", random.chance(0.1) ? "stop" : "skip"]),
    },
    limits: roomy
      ? { ...defaultLimits, nodeBytes: 300 }
      : {
          ...defaultLimits,
          scanReadsInFlight: random.int(1, 3),
          readAhead: random.pick([0, 1, 5, 100]),
          readsInFlight: random.int(1, 3),
          requestsPerRead: random.int(1, 12),
          replyBytesAim: random.int(200, 2_000),
          writesInFlight: random.int(1, 3),
          writesPerSecond: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 20, 500]),
          opsPerWrite: random.int(1, 12),
          aclsPerWrite: random.int(1, 4),
          bytesPerWrite: random.int(150, 800),
          outboxOps: random.int(1, 10),
          outboxBytes: random.int(200, 2_000),
          nodeBytes: random.int(100, 300),
          dirtyPaths: random.pick([5, 30, 1_000]),
          attempts: random.int(2, 5),
        },
    deletes: {
      // Nobody waits for the time of a tombstone in a calm life.
      mode: random.chance(0.8) ? "mirror" : random.pick(calm ? ["keep"] : ["keep", "tombstone"]),
      tombstoneMs: 4_000,
      maxDeletes: random.pick([2, 5, 10, 500]),
      maxDeleteRatio: random.pick([0.1, 0.2, 0.5, 0.8, 1]),
      windowMs: 60_000,
    },
    actions: random.int(10, 70),
    gapMaxMs: random.pick([3, 20, 60]),
    gatherMs: random.pick([0, 0, 3, 15]),
  };
}
