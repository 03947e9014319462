import { setTimeout as delay } from "node:timers/promises";
import type { SetReport } from "../../../arbiter/io/api-sets.ts";
import { getText, httpAddressOf } from "../http.ts";
import type { SiteName } from "../network/sites.ts";
import type { Stage } from "./stage.ts";

const lookEveryMs = 500;

/** A site that says that the master is down, as an arbiter shows it to people. */
export interface Doubt {
  /** The arbiter's site. */
  readonly shownAt: SiteName;
  readonly doubter: string;
}

export interface DoubtWatch extends AsyncDisposable {
  /** Each that was shown so far, once. */
  readonly doubts: readonly Doubt[];
}

/** Looks all the time at what `idcctl set show` would print at each arbiter. RocketMQ's controllers show nothing. */
export function watchDoubts({ world, contender, deciders, cluster, set }: Stage): DoubtWatch {
  const over = new AbortController();
  const shown = new Map<string, Doubt>();

  const look = async (shownAt: SiteName, address: string): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        // From its own site: between others lines are cut.
        const report = JSON.parse(await getText(world.network, shownAt, address, `/v1/sets/${cluster}/${set}`));
        for (const doubter of doubtersIn(report as SetReport)) shown.set(`${shownAt} ${doubter}`, { shownAt, doubter });
      } catch {
        // It is killed, frozen, or has just started.
      }
      await delay(lookEveryMs);
    }
  };
  const arbiters = contender === "arbiter" ? deciders : [];
  const done = Promise.all(arbiters.map((arbiter) => look(arbiter.site, httpAddressOf(arbiter))));
  return {
    get doubts() {
      return [...shown.values()];
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await done;
    },
  };
}

function doubtersIn({ question }: SetReport): string[] {
  const answers = question?.answers.filter(({ present }) => present) ?? [];
  return answers.flatMap(({ site, verdict }) => (verdict === "silent" || verdict === "dead" ? [site] : []));
}
