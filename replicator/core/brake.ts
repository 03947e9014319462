import type { Instant } from "#lib/clock.ts";
import { parentOf } from "./paths.ts";

/**
 * The delete brake (I7): a wiped, restored or half-read source must never empty the target. Deletes are counted over a sliding
 * window, whether a compare found them or they came one by one as events. Once engaged it holds all deletes until an operator
 * accepts those that are held, or until none is left because the source has its nodes again.
 */
export interface BrakeConfig {
  readonly maxDeletes: number;
  readonly maxDeleteRatio: number;
  readonly windowMs: number;
}

export const brakeReasons = ["tooManyDeletes", "sourceRootMissing", "sourceRootEmpty"] as const;

export type BrakeReason = (typeof brakeReasons)[number];

/**
 * What a restart or a take-over must not forget of the brake. Times are ages: the clocks of two processes have nothing in
 * common.
 */
export interface BrakeMemory {
  readonly engaged: { readonly reason: BrakeReason; readonly ageMs: number } | undefined;
  /** The deletes of the window, oldest first; each count with the age of its youngest. */
  readonly deletes: readonly { readonly count: number; readonly ageMs: number }[];
}

/** Into so many counts the deletes of a window are put together in a memory: each is remembered for at most a twelfth too long. */
const memoryCountsMax = 12;

export interface Brake {
  /** Why it is engaged; undefined while deletes may pass. */
  engagement(): { readonly reason: BrakeReason; readonly since: Instant } | undefined;
  /** Target paths whose delete waits for an operator. */
  readonly held: ReadonlySet<string>;
  /**
   * May this delete go out? Counts it if so, holds it if not. `nodes`: target nodes under the link's rules, without those whose
   * delete is on its way. `emptyRoot`: engages whatever the count, unless this delete has been accepted.
   */
  admit(path: string, nodes: number, emptyRoot: BrakeReason | undefined, now: Instant): boolean;
  /** Announces deletes that one compare found: engages before the first of them if there are too many. */
  announce(deletes: number, nodes: number, now: Instant): void;
  engage(reason: BrakeReason, now: Instant): void;
  /** The path is wanted after all, or gone. */
  forget(path: string): void;
  /** What is held, and the nodes above that are gone as well and only wait for these: what an acceptance lets go. */
  acceptable(waitsForChildren: (path: string) => boolean): readonly string[];
  /** The operator accepts all that is held; gives the acceptable paths back, for each of which `admit` says yes once. */
  accept(waitsForChildren: (path: string) => boolean): readonly string[];
  /** Call when everything known has been looked at: lets go if nothing is held. True if it was engaged until now. */
  releaseIfEmpty(): boolean;
  memory(now: Instant): BrakeMemory;
  /** Goes on where another process was: what this one knew before counts no more. */
  resume(memory: BrakeMemory, now: Instant): void;
}

/** How many deletes a window allows. One is always allowed, or small trees could not be kept equal. */
export function allowedDeletes(config: BrakeConfig, nodes: number): number {
  return Math.max(1, Math.min(config.maxDeletes, Math.floor(config.maxDeleteRatio * nodes)));
}

export function createBrake(config: BrakeConfig): Brake {
  let engaged: { reason: BrakeReason; since: Instant } | undefined;
  const held = new Set<string>();
  const accepted = new Set<string>();
  /** When each delete of the window went out, oldest first; never longer than maxDeletes. */
  const passed: Instant[] = [];

  const countInWindow = (now: Instant): number => {
    const first = passed.findIndex((at) => now - at < config.windowMs);
    passed.splice(0, first === -1 ? passed.length : first);
    return passed.length;
  };
  const engage = (reason: BrakeReason, now: Instant): void => {
    engaged ??= { reason, since: now };
  };

  const acceptable = (waitsForChildren: (path: string) => boolean): string[] => {
    const paths = new Set(held);
    for (const path of held) {
      for (let above = parentOf(path); waitsForChildren(above) && !paths.has(above); above = parentOf(above))
        paths.add(above);
    }
    return [...paths];
  };

  return {
    engagement() {
      return engaged;
    },
    held,
    engage,
    acceptable,
    admit(path, nodes, emptyRoot, now) {
      if (accepted.delete(path)) return true;
      if (emptyRoot !== undefined) engage(emptyRoot, now);
      // Nodes already deleted in this window count as part of the tree they were deleted from.
      const count = countInWindow(now);
      if (engaged === undefined && count + 1 > allowedDeletes(config, nodes + count)) engage("tooManyDeletes", now);
      if (engaged === undefined) {
        passed.push(now);
        return true;
      }
      held.add(path);
      return false;
    },
    announce(deletes, nodes, now) {
      const count = countInWindow(now);
      if (deletes > 0 && count + deletes > allowedDeletes(config, nodes + count)) engage("tooManyDeletes", now);
    },
    forget(path) {
      held.delete(path);
      accepted.delete(path);
    },
    accept(waitsForChildren) {
      const paths = acceptable(waitsForChildren);
      for (const path of paths) accepted.add(path);
      held.clear();
      engaged = undefined;
      return paths;
    },
    releaseIfEmpty() {
      if (engaged === undefined || held.size > 0) return false;
      engaged = undefined;
      return true;
    },
    memory(now) {
      countInWindow(now);
      const counts = new Map<number, { count: number; ageMs: number }>();
      for (const at of passed) {
        const ageMs = now - at;
        const part = Math.floor((ageMs * memoryCountsMax) / config.windowMs);
        counts.set(part, { count: (counts.get(part)?.count ?? 0) + 1, ageMs });
      }
      return {
        engaged: engaged && { reason: engaged.reason, ageMs: now - engaged.since },
        deletes: [...counts.values()],
      };
    },
    resume(memory, now) {
      held.clear();
      accepted.clear();
      engaged = memory.engaged && { reason: memory.engaged.reason, since: (now - memory.engaged.ageMs) as Instant };
      const counted = memory.deletes.flatMap(({ count, ageMs }) =>
        new Array<Instant>(Math.min(count, config.maxDeletes)).fill((now - ageMs) as Instant),
      );
      passed.splice(0, passed.length, ...counted.toSorted((a, b) => a - b).slice(-config.maxDeletes));
    },
  };
}
