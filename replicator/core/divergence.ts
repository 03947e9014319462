import type { Stat } from "#lib/zookeeper/zookeeper.ts";
import type { DriftKind } from "./drift.ts";
import type { Past } from "./past.ts";
import { parentOf } from "./paths.ts";

/**
 * Finds out, in the first compare after a claim, what somebody else did in the target since the mark and what is not as the
 * source says. Equal content is no divergence. A delete shows in the node above: its list of children has changed.
 */
export interface Divergence {
  /** undefined: there is no past to judge by, nothing is found. */
  start(past: Past | undefined): void;
  /** A node of the target. `ruled`: some source path leads to it. */
  saw(path: string, stat: Stat, ruled: boolean): void;
  /** What somebody else did to this target node since the mark; undefined: nothing. */
  since(stat: Stat): DriftKind | undefined;
  /** It is not known that this target node may stay as it is. */
  differs(path: string): void;
  /** The source has this one, and it is to be created. True if somebody else has deleted it since the mark. */
  missing(path: string, source: Pick<Stat, "czxid">): boolean;
  /** Nothing will be created here: two sources stand behind it, or something is there that cannot be read. */
  undecided(path: string): void;
  /** What would be lost if the link went on, by target path. */
  readonly found: ReadonlyMap<string, DriftKind>;
}

/** `isRuled`: whether some source path leads to this target path. `exists`: whether a ruled path is there. */
export function createDivergence(target: {
  isRuled: (path: string) => boolean;
  exists: (path: string) => boolean;
}): Divergence {
  let past: Past | undefined;
  /** Ruled nodes written since the mark. */
  const written = new Map<string, DriftKind>();
  /** Nodes with children that came or went since the mark. */
  const touched = new Set<string>();
  /** Nodes that are there although no rule leads to them. */
  const passages = new Set<string>();
  const undecided = new Set<string>();
  const found = new Map<string, DriftKind>();

  const since = (stat: Stat): DriftKind | undefined => {
    if (past === undefined || stat.mzxid <= past.mark) return undefined;
    return stat.czxid > past.mark ? "created" : "changed";
  };
  /** The nearest node above that is there; of a ruled one that is missing too, its own check decides. */
  const foothold = (path: string): string | undefined => {
    const parent = parentOf(path);
    if (target.isRuled(parent)) return target.exists(parent) ? parent : undefined;
    return passages.has(parent) || parent === "/" ? parent : foothold(parent);
  };
  const add = (path: string, kind: DriftKind): void => {
    if (past?.stops === true) found.set(path, kind);
  };

  return {
    start(next) {
      past = next;
      for (const set of [written, touched, passages, undecided, found]) set.clear();
    },
    saw(path, stat, ruled) {
      if (past === undefined) return;
      if (stat.pzxid > past.mark) touched.add(path);
      if (!ruled) passages.add(path);
      const kind = since(stat);
      if (ruled && kind !== undefined) written.set(path, kind);
    },
    since,
    differs(path) {
      const kind = written.get(path);
      if (kind !== undefined) add(path, kind);
    },
    missing(path, source) {
      if (past === undefined || source.czxid > past.sourceZxid) return false;
      if (found.delete(path)) undecided.add(path);
      const above = foothold(path);
      if (above === undefined || !touched.has(above) || undecided.has(path)) return false;
      add(path, "deleted");
      return true;
    },
    undecided: (path) => void undecided.add(path),
    found,
  };
}
