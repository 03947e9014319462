import type { WriteOp, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { Overwritten } from "../../replicator/core/drift.ts";
import { type Model, shown } from "./model.ts";
import { Violation } from "./violation.ts";
import { isHidden, type VirtualZooKeeper } from "./virtual-zookeeper.ts";

/**
 * Watches what becomes of others' nodes under the link's target paths: overwritten or deleted they must be in the journal, byte
 * for byte; and what they wrote while nobody watched the source is not touched before an operator has said so.
 */
export interface Others {
  /**
   * `mark`: the target's zxid at which the last checkpoint was written, undefined if there is none. `afresh`: by a process that
   * has not seen the target before, so that it cannot know older nodes to be others'. `unwatched`: what is newer than the mark
   * was written while nobody watched.
   */
  claimed(claim: { mark: Zxid | undefined; afresh: boolean; unwatched: boolean }): void;
  /** The operator lets the source win; his word stands until who was told has made a compare. */
  sourceWins(): void;
  /** A compare has been made: what it could not read is found later. `wins`: it was made by who was to let the source win. */
  compared(wins: boolean): void;
  /** What is as the source wants it counts as the link's from now on. */
  adopt(): void;
  /** Whether what happens in the target now is the link's doing. */
  linkWrites(now: boolean): void;
  /** Call before the target carries out these; call what it gives if it did. */
  overwriting(ops: readonly WriteOp[], journal: readonly Overwritten[]): () => void;
}

interface Foreign {
  readonly since: Zxid;
  /** Written while nobody watched: not to be touched. */
  protected: boolean;
}

export function createOthers(world: {
  model: Model;
  source: VirtualZooKeeper;
  target: VirtualZooKeeper;
  keepsDeletes: boolean;
}): Others {
  const { model, source, target, keepsDeletes } = world;
  const foreign = new Map<string, Foreign>();
  /** Versions that a path had before it was deleted: made anew, a node of such a version is taken for the old one. */
  const pastVersions = new Map<string, Set<number>>();
  const versions = new Map<string, number>();
  let isLink = false;
  let isWordGiven = false;

  const isAsWanted = (path: string): boolean => {
    const wanted = model.wanted(path, source.nodes);
    const node = target.nodes.get(path);
    return wanted.kind === "present" && node !== undefined && shown(node.data) === shown(wanted.data);
  };
  /** Where deletes are kept a node without a source is in nobody's way, until one shows up. */
  const mayStay = (path: string): boolean =>
    keepsDeletes &&
    (model.wanted(path, source.nodes).kind === "absent" ||
      (model.sourcesByTarget.get(path) ?? []).some((one) => isHidden(source, one)));
  target.watch(({ path }) => {
    if (!model.sourcesByTarget.has(path)) return;
    const node = target.nodes.get(path);
    if (node === undefined) {
      const version = versions.get(path);
      if (version !== undefined) pastVersions.set(path, (pastVersions.get(path) ?? new Set()).add(version));
      versions.delete(path);
      foreign.delete(path);
      return;
    }
    versions.set(path, node.version);
    if (isLink || node.ephemeralOwner !== 0n || isAsWanted(path)) foreign.delete(path);
    else foreign.set(path, { since: node.mzxid, protected: false });
  });

  return {
    claimed({ mark, afresh, unwatched }) {
      for (const [path, known] of foreign) {
        if (mark === undefined || (afresh && known.since <= mark)) foreign.delete(path);
        else if (unwatched && !isWordGiven && known.since > mark) known.protected = !mayStay(path);
      }
    },
    sourceWins() {
      isWordGiven = true;
      for (const known of foreign.values()) known.protected = false;
    },
    compared(wins) {
      if (wins) isWordGiven = false;
      for (const [path, known] of foreign)
        if (isHidden(target, path) || target.nodes.get(path)?.readable === false) known.protected = false;
    },
    adopt() {
      for (const [path, known] of foreign) {
        if (isAsWanted(path)) foreign.delete(path);
        else if (mayStay(path)) known.protected = false;
      }
    },
    linkWrites(now) {
      isLink = now;
    },
    overwriting(ops, journal) {
      const before = ops.flatMap(({ path }) => {
        const known = foreign.get(path);
        const node = target.nodes.get(path);
        return known === undefined || node === undefined
          ? []
          : [{ path, known, data: node.data, version: node.version }];
      });
      return () => {
        for (const { path, known, data, version } of before) {
          if (known.protected) throw new Violation(`${path} was written by others while nobody watched, and is lost`);
          if (pastVersions.get(path)?.has(version)) continue;
          const entry = journal.find((one) => one.path === path);
          if (entry === undefined || entry.version !== version || shown(entry.data) !== shown(data))
            throw new Violation(`${path} had ${shown(data)} by others, which is not in the journal`);
        }
      };
    },
  };
}
