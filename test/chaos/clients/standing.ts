import { setTimeout as delay } from "node:timers/promises";
import type { Stage } from "../../world/failover/stage.ts";
import { createSwitchboard } from "../../world/rocketmq/dial.ts";
import { askSetStatus, type SetStatus } from "../../world/rocketmq/status.ts";

const everyMs = 100;
const answerMsMax = 400;

/** How the set stands, by the newest record that anybody has told of: what the run waits for. The report does not read it. */
export interface Standing extends AsyncDisposable {
  /** HOST:PORT. @throws when nobody has told of any */
  readonly master: string;
  /** Whether it was told after that time, of performance.now(), that so many replicas are in sync. */
  completeAfter(at: number, replicas: number): boolean;
}

export function watchStanding({ world, deciders, set }: Stage): Standing {
  const over = new AbortController();
  const switchboard = createSwitchboard(world.network, "clients", answerMsMax);
  let newest: SetStatus | undefined;
  let toldAt = -Infinity;
  const look = async (address: string): Promise<void> => {
    while (!over.signal.aborted) {
      const askedAt = performance.now();
      try {
        const status = await askSetStatus(await switchboard.to(address), set, answerMsMax);
        if (status !== undefined && (newest === undefined || isNewer(status, newest))) {
          newest = status;
          toldAt = askedAt;
        }
      } catch {
        switchboard.leave(address);
      }
      await delay(everyMs);
    }
  };
  const done = Promise.all(deciders.map(({ address }) => look(address)));
  return {
    get master() {
      if (newest === undefined) throw new Error(`nobody knew a master of ${set}`);
      return newest.masterAddress;
    },
    completeAfter: (at, replicas) => toldAt > at && newest?.inSync.length === replicas,
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
      await switchboard[Symbol.asyncDispose]();
    },
  };
}

/** Of several that are asked some may be behind. */
function isNewer(status: SetStatus, than: SetStatus): boolean {
  const { masterEpoch, inSyncEpoch } = status;
  return masterEpoch > than.masterEpoch || (masterEpoch === than.masterEpoch && inSyncEpoch >= than.inSyncEpoch);
}
