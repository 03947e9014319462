import type { Answer } from "./core/answer.ts";
import type { DoorOptions } from "./io/door.ts";
import type { Count, RouterMetrics } from "./metrics.ts";

/** Of the name server door: what is counted of an answer hangs on it, so that no label is looked up for a request. */
export function createAnswerCounts(metrics: RouterMetrics): DoorOptions["onAnswer"] {
  const served = metrics.requestCount("nameserver", "served");
  const routes = new WeakMap<Answer, Map<number, Count>>();
  return (outcome, answer, level) => {
    if (answer === undefined) {
      metrics.requested("nameserver", outcome);
      return;
    }
    served.value += 1;
    let byLevel = routes.get(answer);
    if (byLevel === undefined) {
      byLevel = new Map();
      routes.set(answer, byLevel);
    }
    let count = byLevel.get(level);
    if (count === undefined) {
      const to = answer.levels[level]?.idc ?? "";
      count = metrics.routeCount("nameserver", { from: answer.idc, to, stale: answer.stale });
      byLevel.set(level, count);
    }
    count.value += 1;
  };
}
