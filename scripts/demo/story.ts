import { setTimeout as delay } from "node:timers/promises";
import type { LinkReport } from "../../replicator/io/report.ts";
import { eventually } from "../../test/integration/harness/eventually.ts";
import type { Buckets } from "./lag.ts";
import type { Stage } from "./stage.ts";
import type { World } from "./world.ts";

/** Longest wait for something that usually takes a second. */
const soonMsMax = 30_000;

/** What the scenes of a story share. */
export interface Story {
  readonly stage: Stage;
  readonly world: World;
  readonly signal: AbortSignal;
  /** Lags seen in IDC2 by what was changed, ms. */
  readonly lags: Map<string, readonly number[]>;
  /** The daemon's own histograms, one for each of its lives. */
  readonly lives: Buckets[];
}

export async function pause({ stage, signal }: Story): Promise<void> {
  await delay(stage.pauseMs, undefined, { signal });
}

/** @throws what was expected and what was found instead; the story ends with it */
export function expectThat(expected: string, holds: boolean, found: string): void {
  if (!holds) throw new Error(`Expected: ${expected}. Found: ${found}`);
}

/** Asks again and again until it holds. @throws as `expectThat`, when it does not soon */
export async function soon(
  { signal }: Story,
  expected: string,
  look: () => Promise<{ readonly holds: boolean; readonly found: string }>,
): Promise<void> {
  await eventually(
    async () => {
      const { holds, found } = await look();
      expectThat(expected, holds, found);
    },
    { withinMs: soonMsMax, everyMs: 25, signal },
  );
}

/** Waits until the link has carried over all it knows. */
export async function settled(story: Story): Promise<LinkReport> {
  let report = await story.world.link();
  await soon(story, "the link follows and nothing is pending", async () => {
    report = await story.world.link();
    return { holds: report.phase === "following" && report.idle, found: `${report.phase}, ${report.pending} pending` };
  });
  return report;
}
