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
}

export function watchElections({ world, deciders, set }: Stage): ElectionWatch {
  const switchboard = createSwitchboard(world.network, "clients", answerMsMax);
  const over = new AbortController();
  let reigns: readonly Reign[] = [];
  let newest: SetStatus | undefined;

  const look = async (address: string): Promise<void> => {
    while (!over.signal.aborted) {
      const at = performance.now();
      try {
        const status = await askSetStatus(await switchboard.to(address), set, answerMsMax);
        if (status !== undefined) {
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
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
      await switchboard[Symbol.asyncDispose]();
    },
  };
}
