import type { Clock, Instant } from "#lib/clock.ts";
import type { Revision } from "../../core/model.ts";

/** Where this site is in etcd's history: what its watch has told, and which own writes it still has to tell. */
export interface Position {
  /** Of the newest change told, or of the last full reading. */
  readonly seen: Revision;
  readonly clusterId: string | undefined;
  /** Set when an answer came out of another history: everything is to be read anew. */
  readonly replaced: string | undefined;
  /** A full reading: whatever was before counts no more. */
  adopt(clusterId: string, revision: Revision): void;
  told(revision: Revision): void;
  /** An own write, which the watch has to tell too. */
  wrote(revision: Revision): void;
  /** How long the watch has owed an own write, in ms. */
  owedMs(): number;
  /** Forgives the time that this process itself stood still. */
  forgive(): void;
  /**
   * False: the answer is of another etcd, or of this one restored to an earlier state (which keeps the cluster's id when
   * its members keep theirs).
   * @param after what was seen before the request was sent; a write lies above it, a refused one not below
   */
  accepts(answer: { clusterId: string; revision: Revision; wrote: boolean }, after: Revision): boolean;
}

export function createPosition({ clock }: { clock: Clock }): Position {
  let seen = 0n;
  let clusterId: string | undefined;
  let replaced: string | undefined;
  let owed: { readonly revision: Revision; readonly since: Instant } | undefined;
  return {
    get seen() {
      return seen;
    },
    get clusterId() {
      return clusterId;
    },
    get replaced() {
      return replaced;
    },
    adopt(id, revision) {
      clusterId = id;
      seen = revision;
      replaced = undefined;
      owed = undefined;
    },
    told(revision) {
      if (revision > seen) seen = revision;
      if (owed !== undefined && owed.revision <= seen) owed = undefined;
    },
    wrote(revision) {
      if (revision > seen) owed ??= { revision, since: clock.now() };
    },
    owedMs: () => (owed === undefined ? 0 : clock.now() - owed.since),
    forgive() {
      if (owed !== undefined) owed = { revision: owed.revision, since: clock.now() };
    },
    accepts(answer, after) {
      if (clusterId === undefined) return true;
      if (answer.clusterId !== clusterId)
        replaced = `etcd is another cluster now: ${answer.clusterId}, not ${clusterId}`;
      else if (answer.wrote ? answer.revision <= after : answer.revision < after) {
        replaced = `etcd went back: revision ${answer.revision} after ${after}`;
      } else return true;
      return false;
    },
  };
}
