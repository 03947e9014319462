import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadResult, Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";

/**
 * What the source said of one path. A source that no longer knows it was restored from a backup or is another one, also where
 * its zxid tells nothing: an ensemble that was restored elects a leader, and that raises the zxid beyond all it ever was.
 */
export interface Witness {
  readonly path: string;
  /** there: of the last change of its data. Otherwise one at which there was no such node. */
  readonly zxid: Zxid;
  readonly there: boolean;
}

/** The newest that was heard of the source: what a restore loses first. */
export interface Witnesses {
  /** @param since a zxid that the source had reached when it was asked */
  heard(path: string, said: ReadResult, since: Zxid): void;
  recall(witnesses: readonly Witness[]): void;
  /** Newest first. */
  newest(count: number): readonly Witness[];
  clear(): void;
}

/** Of those kept; twice as many for a while, so that they need not be sorted each time. */
export const witnessesMax = 32;

export function createWitnesses(): Witnesses {
  const kept = new Map<string, Witness>();
  /** Nothing older is worth keeping. */
  let floor = 0n as Zxid;

  const newest = (count: number): readonly Witness[] =>
    [...kept.values()].sort((one, other) => (one.zxid > other.zxid ? -1 : 1)).slice(0, count);
  const keep = (witness: Witness): void => {
    if (witness.zxid <= floor && !kept.has(witness.path)) return;
    kept.set(witness.path, witness);
    if (kept.size < witnessesMax * 2) return;
    const best = newest(witnessesMax);
    kept.clear();
    for (const one of best) kept.set(one.path, one);
    floor = best.at(-1)?.zxid ?? floor;
  };

  return {
    heard(path, said, since) {
      if (said.kind === "data") keep({ path, zxid: said.stat.mzxid, there: true });
      else if (said.kind === "error" && said.code === errorCodes.noNode) keep({ path, zxid: since, there: false });
    },
    recall(witnesses) {
      for (const witness of witnesses) keep(witness);
    },
    newest,
    clear() {
      kept.clear();
      floor = 0n as Zxid;
    },
  };
}

/**
 * Whether a source that says this now never said what the witness heard. Changes of a node raise its mzxid, a new node's czxid
 * is its transaction's, and a delete raises the parent's pzxid.
 * @param now the node's Stat, or that of the nearest ancestor that is there
 */
export function denies(now: { readonly path: string; readonly stat: Stat }, witness: Witness): boolean {
  const { stat } = now;
  if (now.path !== witness.path) return witness.there && stat.pzxid < witness.zxid;
  return witness.there ? stat.mzxid < witness.zxid : stat.czxid <= witness.zxid;
}
