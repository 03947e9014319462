import { clustersOf } from "./homes.ts";
import type { Table } from "./model.ts";

/** Topics of a Kafka cluster, some at a time: new ones first, and all within `topicsEveryMs`. */
export interface KafkaTurn {
  /** Those to be asked for now. */
  next(): readonly string[];
  /** Of those that were to be asked for: nobody has answered, so they come first the next time. */
  unanswered(topics: readonly string[]): void;
}

const topicsAtOnceMax = 500;

export function createKafkaTurn({
  cluster,
  table,
  everyMs,
  topicsEveryMs,
}: {
  readonly cluster: string;
  readonly table: () => Table;
  readonly everyMs: number;
  readonly topicsEveryMs: number;
}): KafkaTurn {
  let waiting: ReadonlySet<string> = new Set();
  let roundSize = 0;
  return {
    next() {
      const { homes, kafka } = table();
      if (waiting.size === 0) {
        const all = [...homes].filter(([, home]) => clustersOf(home).includes(cluster)).map(([topic]) => topic);
        waiting = new Set(all);
        roundSize = waiting.size;
      }
      const known = kafka.get(cluster)?.topics;
      const isKnown = (topic: string): boolean => known?.has(topic) === true;
      const share = Math.min(topicsAtOnceMax, Math.ceil((roundSize * everyMs) / topicsEveryMs));
      const fresh = [...waiting].filter((topic) => !isKnown(topic)).slice(0, topicsAtOnceMax);
      const others = [...waiting].filter(isKnown).slice(0, Math.max(0, share - fresh.length));
      const now = new Set([...fresh, ...others]);
      waiting = waiting.difference(now);
      return [...now];
    },
    unanswered(topics) {
      waiting = new Set([...topics, ...waiting]);
    },
  };
}
