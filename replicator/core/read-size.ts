import type { ReadResult } from "#lib/zookeeper/zookeeper.ts";
import type { LinkLimits } from "./limits.ts";

/** How many nodes to ask for at once: by what earlier answers weighed, as a server puts each answer together in memory. */
export interface ReadSize {
  /** Requests in the next multiRead, at least one. */
  readonly next: number;
  answered(results: readonly ReadResult[]): void;
}

/** What a node without data weighs in an answer: its Stat and headers. */
const answerOverheadBytes = 96;
/** Before anything is known. */
const firstGuessBytes = 256;

export function createReadSize(limits: Pick<LinkLimits, "requestsPerRead" | "replyBytesAim">): ReadSize {
  let meanBytes = firstGuessBytes;
  return {
    get next() {
      return Math.max(1, Math.min(limits.requestsPerRead, Math.floor(limits.replyBytesAim / meanBytes)));
    },
    answered(results) {
      if (results.length === 0) return;
      let bytes = 0;
      for (const result of results) if (result.kind === "data") bytes += result.data?.length ?? 0;
      meanBytes = 0.5 * meanBytes + 0.5 * (answerOverheadBytes + bytes / results.length);
    },
  };
}
