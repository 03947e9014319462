import { parentOf } from "./paths.ts";

/**
 * What the replicator knows of the target's nodes under its rules: a hash instead of the bytes, and the version that the next
 * write must meet. Kept up to date from the answers of one connection, in the order of the requests, so it is never older than
 * the last answer.
 */
export interface TargetEntry {
  hash: number;
  version: number;
  /** How many nodes are directly below it, whoever's: as last read, and counted on with what the link has written since. */
  children: number;
  /** Number of the compare that last saw it in the target. */
  seenInTarget: number;
  /** Number of the compare that last saw a source node for it. */
  seenInSource: number;
}

export interface TargetIndex {
  readonly size: number;
  get(path: string): TargetEntry | undefined;
  /** Creates or refreshes the entry as seen in the target now. */
  put(path: string, seen: { hash: number; version: number; pass: number; children?: number }): void;
  remove(path: string): void;
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

export function createTargetIndex(): TargetIndex {
  const entries = new Map<string, TargetEntry>();
  const childCount = new Map<string, number>();
  const passages = new Set<string>(["/"]);
  const ephemerals = new Map<string, number>();

  const count = (path: string, change: 1 | -1): void => {
    const parent = parentOf(path);
    const next = (childCount.get(parent) ?? 0) + change;
    if (next === 0) childCount.delete(parent);
    else childCount.set(parent, next);
  };
  const remove = (path: string): void => {
    if (entries.delete(path)) count(path, -1);
  };

  return {
    get size() {
      return entries.size;
    },
    get: (path) => entries.get(path),
    put(path, { hash, version, pass, children }) {
      const entry = entries.get(path);
      if (entry === undefined) {
        entries.set(path, { hash, version, children: children ?? 0, seenInTarget: pass, seenInSource: 0 });
        count(path, 1);
      } else {
        entry.hash = hash;
        entry.version = version;
        entry.children = children ?? entry.children;
        entry.seenInTarget = pass;
      }
    },
    remove,
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
      for (const [path, entry] of entries) if (entry.seenInTarget < pass) remove(path);
      for (const [path, seen] of ephemerals) if (seen < pass) ephemerals.delete(path);
    },
    withoutSource(pass) {
      const paths: string[] = [];
      for (const [path, entry] of entries) if (entry.seenInSource < pass) paths.push(path);
      return paths;
    },
  };
}
