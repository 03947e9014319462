import type { Instant } from "#lib/clock.ts";

/** A target node whose source is gone. Times are ages: the clocks of two processes have nothing in common. */
export interface Tombstone {
  readonly path: string;
  readonly ageMs: number;
}

/**
 * With deletes.mode tombstone a node that is gone at the source stays in the target for `graceMs`: since when is remembered here,
 * and in the target, so that a restart does not begin anew. Everything that can go wrong with a memory makes the grace longer.
 */
export interface Tombstones {
  /** Nodes that wait for their time. */
  readonly size: number;
  isWaiting(path: string): boolean;
  paths(): Iterable<string>;
  /** The source has no node for this path: has `takeDue` told it? If not its time runs, from the first call on. */
  isDue(path: string, now: Instant): boolean;
  /** There is one again, or the target's is gone too. */
  clear(path: string): void;
  /** Paths whose time is over, each told once. */
  takeDue(now: Instant): readonly string[];
  /** Oldest first, and no more than fit `bytesMax`: of those that are left out a restart begins anew. */
  list(now: Instant, bytesMax?: number): readonly Tombstone[];
  /** Goes on where another process was: what this one knew before counts no more. */
  resume(found: readonly Tombstone[], now: Instant): void;
  /** Whether something has changed since the last `saving` that was `saved`. */
  readonly isUnsaved: boolean;
  /** Whether it is time to write the list into the target. */
  wantsSaving(now: Instant): boolean;
  saving(now: Instant): void;
  /** The outcome of the last `saving`. */
  saved(applied: boolean): void;
}

/** Least time between two writings of the list. */
const saveEveryMs = 2_000;
/** Quotes, colon, comma and stamp of an entry, roughly; a character of a path takes up to three bytes in UTF-8. */
const entryOverheadBytes = 24;

export function createTombstones(graceMs: number): Tombstones {
  /** Since when each is gone, in the order of time. */
  const waiting = new Map<string, Instant>();
  /** Those whose time is over, until they are deleted. */
  const due = new Map<string, Instant>();
  let changes = 0;
  let savedChanges = 0;
  let saving: { readonly changes: number } | undefined;
  let savedAt = Number.NEGATIVE_INFINITY;

  return {
    get size() {
      return waiting.size;
    },
    isWaiting: (path) => waiting.has(path),
    paths: () => [...due.keys(), ...waiting.keys()],
    isDue(path, now) {
      if (due.has(path)) return true;
      if (waiting.has(path)) return false;
      waiting.set(path, now);
      changes += 1;
      return false;
    },
    clear(path) {
      const isKnown = [waiting.delete(path), due.delete(path)].includes(true);
      if (isKnown) changes += 1;
    },
    takeDue(now) {
      const paths: string[] = [];
      for (const [path, since] of waiting) {
        if (now - since < graceMs) break;
        due.set(path, since);
        paths.push(path);
      }
      for (const path of paths) waiting.delete(path);
      return paths;
    },
    list(now, bytesMax = Number.POSITIVE_INFINITY) {
      const found: Tombstone[] = [];
      let bytes = 0;
      for (const [path, since] of [...due, ...waiting]) {
        bytes += entryOverheadBytes + path.length * 3;
        if (bytes > bytesMax) break;
        found.push({ path, ageMs: now - since });
      }
      return found;
    },
    resume(found, now) {
      waiting.clear();
      due.clear();
      const oldestFirst = found.toSorted((a, b) => b.ageMs - a.ageMs);
      for (const { path, ageMs } of oldestFirst) waiting.set(path, (now - Math.max(0, ageMs)) as Instant);
      saving = undefined;
      savedChanges = changes;
    },
    get isUnsaved() {
      return changes !== savedChanges;
    },
    wantsSaving: (now) => changes !== savedChanges && saving === undefined && now - savedAt >= saveEveryMs,
    saving(now) {
      saving = { changes };
      savedAt = now;
    },
    saved(applied) {
      if (applied && saving !== undefined) savedChanges = saving.changes;
      saving = undefined;
    },
  };
}
