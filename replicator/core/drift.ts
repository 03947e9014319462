import type { NodeData, Zxid } from "#lib/zookeeper/zookeeper.ts";

/** What somebody else did to a target node that the link keeps equal to its source. */
export const driftKinds = ["changed", "created", "deleted"] as const;

export type DriftKind = (typeof driftKinds)[number];

/** What the journal keeps: a node, or with aclChanged the ACL that it had (core/acl-drift.ts). */
export const journalKinds = [...driftKinds, "aclChanged"] as const;

export type JournalKind = (typeof journalKinds)[number];

/** A target node as it was last read. */
export interface Found {
  readonly version: number;
  readonly mzxid: Zxid;
  readonly data: NodeData;
}

/** What the link overwrites or deletes although it is not its own: kept in the journal. */
export interface Overwritten extends Found {
  readonly path: string;
  readonly kind: JournalKind;
}

/**
 * Target nodes to be read again: because a write met something else than the index said, or because somebody else's bytes are
 * to be at hand before they are overwritten. The path stays busy: after the target its sources are read, then it is settled.
 */
export interface Rechecks {
  ask(path: string): void;
  /** How many are still to be sent. */
  readonly asked: number;
  /** The next paths to read, at most so many; none while enough bytes wait for their sources. */
  take(max: number): readonly string[];
  /** `found`: where its bytes are needed. */
  answered(path: string, found: Found | undefined): void;
  /** The path whose sources are to be read now; the same one until it is begun. */
  readonly next: string | undefined;
  /** False if the path was not asked for here. */
  begin(path: string): boolean;
  /** What was read, once. */
  takeFound(path: string): Found | undefined;
  clear(): void;
}

/** @param answeredMax nothing more is read while so many wait for their sources */
export function createRechecks(answeredMax: number): Rechecks {
  const asked = new Set<string>();
  const answered = new Set<string>();
  const found = new Map<string, Found>();

  return {
    ask: (path) => void asked.add(path),
    get asked() {
      return asked.size;
    },
    take(max) {
      if (answered.size >= answeredMax) return [];
      const paths = [...asked.values().take(max)];
      for (const path of paths) asked.delete(path);
      return paths;
    },
    answered(path, node) {
      if (node !== undefined) found.set(path, node);
      answered.add(path);
    },
    get next() {
      return answered.values().next().value;
    },
    begin: (path) => answered.delete(path),
    takeFound(path) {
      const node = found.get(path);
      found.delete(path);
      return node;
    },
    clear() {
      asked.clear();
      answered.clear();
      found.clear();
    },
  };
}
