import type { Instant } from "#lib/clock.ts";
import type { LinkContext } from "./link-context.ts";
import type { ProblemKind, Problems } from "./problems.ts";

/**
 * Which target paths are to be looked at (dirty) and which are being worked on (busy). A path is busy from its first read to
 * the answer of its write; marked meanwhile, it becomes dirty again afterwards. So the writes of one path never overtake each
 * other, and what is written was read after the last event that is answered by it.
 */
export interface Work {
  /** The target path may differ. `since`: when an event said so; undefined when a compare or an operator did. */
  mark(path: string, since: Instant | undefined): void;
  isBusy(path: string): boolean;
  isPending(path: string): boolean;
  /** The dirty path whose turn it is, the one marked first as a rule; the same one until it is begun. */
  next(): string | undefined;
  begin(path: string): void;
  since(path: string): Instant | undefined;
  finish(path: string): void;
  /** Done for now, and to be evaluated afresh. */
  repeat(path: string): void;
  /** Gives a path up until something changes, and says why. */
  hold(path: string, kind: ProblemKind, detail: string, now: Instant): void;
  /** Everything busy becomes dirty again. */
  abandon(): void;
  readonly dirtyCount: number;
  readonly pending: number;
  readonly oldestSince: Instant | undefined;
}

interface Busy {
  readonly since: Instant | undefined;
  again: { readonly since: Instant | undefined } | undefined;
}

export function createWork(context: LinkContext, problems: Problems): Work {
  const dirty = new Map<string, Instant | undefined>();
  const busy = new Map<string, Busy>();
  /** One walk over the dirty paths, kept: starting afresh each time would step over all that was begun before. */
  let turn = dirty.keys();
  let candidate: string | undefined;

  const mark = (path: string, since: Instant | undefined): void => {
    const working = busy.get(path);
    if (working === undefined) dirty.set(path, earliest(dirty.get(path), since));
    else working.again = { since: earliest(working.again?.since, since) };
  };
  const finish = (path: string): void => {
    const again = busy.get(path)?.again;
    busy.delete(path);
    if (again !== undefined) mark(path, again.since);
  };

  return {
    mark,
    finish,
    isBusy: (path) => busy.has(path),
    isPending: (path) => dirty.has(path) || busy.has(path),
    next() {
      while (candidate === undefined || !dirty.has(candidate)) {
        const step = turn.next();
        candidate = step.value;
        if (!step.done) continue;
        if (dirty.size === 0) return undefined;
        turn = dirty.keys();
      }
      return candidate;
    },
    begin(path) {
      busy.set(path, { since: dirty.get(path), again: undefined });
      dirty.delete(path);
    },
    since: (path) => busy.get(path)?.since,
    repeat(path) {
      const since = busy.get(path)?.since;
      finish(path);
      mark(path, since);
    },
    hold(path, kind, detail, now) {
      const problem = { kind, path, side: "target", detail } as const;
      if (problems.set(problem, now)) context.note({ kind: "problem", problem });
      finish(path);
    },
    abandon() {
      for (const [path, { since, again }] of busy) dirty.set(path, earliest(since, again?.since));
      busy.clear();
    },
    get dirtyCount() {
      return dirty.size;
    },
    get pending() {
      return dirty.size + busy.size;
    },
    get oldestSince() {
      let oldest: Instant | undefined;
      for (const since of dirty.values()) oldest = earliest(oldest, since);
      for (const { since } of busy.values()) oldest = earliest(oldest, since);
      return oldest;
    },
  };
}

function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}
