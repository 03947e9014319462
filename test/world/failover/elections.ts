import { setTimeout as delay } from "node:timers/promises";
import { type Reign, withSighting } from "../checkers/reigns.ts";
import { createSwitchboard } from "../rocketmq/dial.ts";
import { askSetStatus, type SetStatus } from "../rocketmq/status.ts";
import type { Stage } from "./stage.ts";

const lookEveryMs = 50;
const answerMsMax = 400;

/** Looks at the record of a set all the time, through everyone who decides over it. */
export interface ElectionWatch extends AsyncDisposable {
  /** So far. */
  readonly reigns: readonly Reign[];
  /** The newest seen of late; undefined: nobody has answered yet. */
  readonly newest: SetStatus | undefined;
  /** The longest time in which nobody told of a master. */
  blindMs(fromMs: number, untilMs: number): number;
}

export function watchElections({ world, deciders, set }: Stage): ElectionWatch {
  const switchboard = createSwitchboard(world.network, "clients", answerMsMax);
  const over = new AbortController();
  let reigns: readonly Reign[] = [];
  let newest: SetStatus | undefined;
  const toldAt: number[] = [];

  const look = async (address: string): Promise<void> => {
    while (!over.signal.aborted) {
      const at = performance.now();
      try {
        const status = await askSetStatus(await switchboard.to(address), set, answerMsMax);
        if (status !== undefined) {
          toldAt.push(performance.now());
          reigns = withSighting(reigns, { epoch: status.masterEpoch, broker: status.masterAddress, at });
          if (newest === undefined || status.masterEpoch >= newest.masterEpoch) newest = status;
        }
      } catch {
        // It is gone, cut off, or frozen.
        switchboard.leave(address);
      }
      await delay(lookEveryMs);
    }
  };
  const done = Promise.all(deciders.map(({ address }) => look(address)));
  return {
    get reigns() {
      return reigns;
    },
    get newest() {
      return newest;
    },
    blindMs(fromMs, untilMs) {
      const marks = [fromMs, ...toldAt.filter((at) => at > fromMs && at < untilMs), untilMs];
      return Math.max(...marks.slice(1).map((at, nth) => at - (marks[nth] ?? at)));
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
      await switchboard[Symbol.asyncDispose]();
    },
  };
}
