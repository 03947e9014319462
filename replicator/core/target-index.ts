import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { DriftKind } from "./drift.ts";
import { parentOf } from "./paths.ts";

/**
 * What the replicator knows of the target's nodes under its rules: a hash instead of the bytes, and the version that the next
 * write must meet. Kept up to date from the answers of one connection, in the order of the requests, so it is never older than
 * the last answer.
 */
export interface TargetEntry {
  hash: number;
  version: number;
  /** The low half of its mzxid: with the version it tells whether somebody has written it since, or made it anew. */
  mzxidLow: number;
  /** What somebody else did to it since the link wrote it last; undefined: nothing. */
  foreign: DriftKind | undefined;
  /** How many nodes are directly below it, whoever's: as last read, and counted on with what the link has written since. */
  children: number;
  /** Number of the compare that last saw it in the target. */
  seenInTarget: number;
  /** Number of the compare that last saw a source node for it. */
  seenInSource: number;
}

interface Seen {
  readonly hash: number;
  readonly version: number;
  readonly mzxid: Zxid;
  readonly pass: number;
  readonly children?: number;
  readonly foreign?: DriftKind | undefined;
}

export interface TargetIndex {
  readonly size: number;
  get(path: string): TargetEntry | undefined;
  /** Creates or refreshes the entry as seen in the target now. */
  put(path: string, seen: Seen): void;
  /** Somebody else's node is as the source says: it counts as the link's own from now on. */
  adopt(path: string): void;
  remove(path: string): void;
  /** As remove, but somebody else has deleted it. */
  lose(path: string): void;
  /** Whether somebody else has deleted it, as last noticed. */
  isLost(path: string): boolean;
  /** A write of the link was on its way to this path when the session broke: nobody knows what became of it. */
  doubt(path: string, hash: number): void;
  /** What somebody else did to this node since the link wrote or saw it last; undefined: nothing, or nothing is known. */
  changeOf(path: string, node: NodeId & { readonly hash: number }): DriftKind | undefined;
  /** Another replicator may have written since: nothing is known any more. */
  clear(): void;
  /** A node directly below has come (1) or gone (-1) by a write of the link. */
  countChild(path: string, change: 1 | -1): void;
  /** Nodes that belong to no rule but carry some that do; and nodes known to be there without having been scanned. */
  addPassage(path: string): void;
  removePassage(path: string): void;
  /** Whether a node can be created below this path. */
  exists(path: string): boolean;
  /** Number of indexed nodes directly below. */
  ownChildren(path: string): number;
  /** A node that lives with a session, never the link's to write; seen by the compare `pass`, or undefined when it is none. */
  setEphemeral(path: string, pass: number | undefined): void;
  isEphemeral(path: string): boolean;
  /** Forgets what the compare `pass` did not see in the target. */
  sweep(pass: number): void;
  /** Target paths for which the compare `pass` saw no source node. */
  withoutSource(pass: number): string[];
}

/** Tells one state of a node from another. */
interface NodeId {
  readonly version: number;
  readonly mzxid: Zxid;
}

/** Whether the node is still the one of this entry, unwritten. */
export function isUnchanged(entry: TargetEntry, node: NodeId): boolean {
  return entry.version === node.version && entry.mzxidLow === lowHalf(node.mzxid);
}

function lowHalf(zxid: Zxid): number {
  return Number(BigInt.asIntN(32, zxid));
}

export function createTargetIndex(): TargetIndex {
  const entries = new Map<string, TargetEntry>();
  const childCount = new Map<string, number>();
  const passages = new Set<string>(["/"]);
  const ephemerals = new Map<string, number>();
  const lost = new Set<string>();
  const doubtful = new Map<string, number>();
  /** Whether all nodes of the target were seen once, and every write of the link since then. */
  let isComplete = false;

  const count = (path: string, change: 1 | -1): void => {
    const parent = parentOf(path);
    const next = (childCount.get(parent) ?? 0) + change;
    if (next === 0) childCount.delete(parent);
    else childCount.set(parent, next);
  };
  const remove = (path: string): void => {
    if (entries.delete(path)) count(path, -1);
  };
  const lose = (path: string): void => {
    lost.add(path);
    remove(path);
  };

  return {
    get size() {
      return entries.size;
    },
    get: (path) => entries.get(path),
    put(path, { hash, version, mzxid, pass, children, foreign }) {
      lost.delete(path);
      const entry = entries.get(path);
      const mzxidLow = lowHalf(mzxid);
      if (entry === undefined) {
        const unseen = { children: children ?? 0, seenInTarget: pass, seenInSource: 0 };
        entries.set(path, { hash, version, mzxidLow, foreign, ...unseen });
        count(path, 1);
      } else {
        entry.hash = hash;
        entry.version = version;
        entry.mzxidLow = mzxidLow;
        entry.foreign = foreign;
        entry.children = children ?? entry.children;
        entry.seenInTarget = pass;
      }
    },
    adopt(path) {
      const entry = entries.get(path);
      if (entry !== undefined) entry.foreign = undefined;
    },
    remove,
    lose,
    isLost: (path) => lost.has(path),
    doubt: (path, hash) => void doubtful.set(path, hash),
    changeOf(path, node) {
      if (doubtful.get(path) === node.hash) return undefined;
      const entry = entries.get(path);
      if (entry === undefined) return isComplete ? "created" : undefined;
      return isUnchanged(entry, node) ? entry.foreign : "changed";
    },
    clear() {
      for (const known of [entries, childCount, passages, ephemerals, lost, doubtful]) known.clear();
      passages.add("/");
      isComplete = false;
    },
    countChild(path, change) {
      const entry = entries.get(path);
      if (entry !== undefined) entry.children = Math.max(0, entry.children + change);
    },
    addPassage: (path) => void passages.add(path),
    removePassage: (path) => void (path !== "/" && passages.delete(path)),
    exists: (path) => entries.has(path) || passages.has(path),
    ownChildren: (path) => childCount.get(path) ?? 0,
    setEphemeral(path, pass) {
      if (pass === undefined) ephemerals.delete(path);
      else ephemerals.set(path, pass);
    },
    isEphemeral: (path) => ephemerals.has(path),
    sweep(pass) {
      lost.clear();
      // forEach, as an iterator makes an array for each of them.
      entries.forEach((entry, path) => {
        if (entry.seenInTarget < pass) doubtful.has(path) ? remove(path) : lose(path);
      });
      doubtful.clear();
      isComplete = true;
      for (const [path, seen] of ephemerals) if (seen < pass) ephemerals.delete(path);
    },
    withoutSource(pass) {
      const paths: string[] = [];
      entries.forEach((entry, path) => {
        if (entry.seenInSource < pass) paths.push(path);
      });
      return paths;
    },
  };
}
