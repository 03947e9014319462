import type { Instant } from "#lib/clock.ts";

/**
 * Why a path is held back: neither written nor deleted until the cause is gone.
 * conflict: two source nodes stand behind one target path (I8). unmapped: a cluster or an address has no row.
 * badData: the node is not of its rule's format. unreadable: the source refuses to show it. oversize: it would not fit a
 * packet. foreign: somebody else wrote the target's node while nobody watched. targetEphemeral: a session in the target owns the path. invalidTarget: the rule gives a path ZooKeeper does not
 * allow. ambiguous: more sources could stand behind it than are looked at. keptForChildren: gone at the source, but something
 * that is not ours is below it. acl: its ACL cannot be carried over, and without it the data are not. parentMissing: the node above it is not in the target yet. refused: the target refused the write again and again.
 * One runbook entry each in docs/operations.md.
 */
export const problemKinds = [
  "conflict",
  "unmapped",
  "badData",
  "unreadable",
  "oversize",
  "foreign",
  "targetEphemeral",
  "invalidTarget",
  "ambiguous",
  "keptForChildren",
  "acl",
  "parentMissing",
  "refused",
] as const;

export type ProblemKind = (typeof problemKinds)[number];

export interface Problem {
  readonly kind: ProblemKind;
  /** Target path; where a source path maps nowhere, that source path. */
  readonly path: string;
  readonly side: "source" | "target";
  readonly detail: string;
  readonly since: Instant;
}

export interface Problems {
  /** Records or replaces. True if this path had no problem of this kind before. */
  set(problem: Omit<Problem, "since">, now: Instant): boolean;
  clear(side: Problem["side"], path: string): void;
  clearAll(kind: ProblemKind): void;
  /** At most `listMax` of them, oldest first. */
  list(): readonly Problem[];
  readonly counts: ReadonlyMap<ProblemKind, number>;
  readonly size: number;
  /** All paths of this side that have one. */
  paths(side: Problem["side"]): readonly string[];
}

export function createProblems(listMax: number): Problems {
  const byPath = new Map<string, Problem>();
  const counts = new Map<ProblemKind, number>();
  const keyOf = (side: Problem["side"], path: string): string => (side === "target" ? path : `source:${path}`);
  const clear = (side: Problem["side"], path: string): void => {
    const key = keyOf(side, path);
    const problem = byPath.get(key);
    if (problem === undefined) return;
    byPath.delete(key);
    counts.set(problem.kind, (counts.get(problem.kind) ?? 1) - 1);
  };
  return {
    set(problem, now) {
      const key = keyOf(problem.side, problem.path);
      const known = byPath.get(key);
      if (known?.kind === problem.kind) {
        if (known.detail !== problem.detail) byPath.set(key, { ...problem, since: known.since });
        return false;
      }
      clear(problem.side, problem.path);
      byPath.set(key, { ...problem, since: now });
      counts.set(problem.kind, (counts.get(problem.kind) ?? 0) + 1);
      return true;
    },
    clear,
    clearAll(kind) {
      for (const problem of byPath.values()) if (problem.kind === kind) clear(problem.side, problem.path);
    },
    list: () => [...byPath.values().take(listMax)],
    counts,
    get size() {
      return byPath.size;
    },
    paths: (wanted) => [...byPath.values()].filter(({ side }) => side === wanted).map(({ path }) => path),
  };
}
