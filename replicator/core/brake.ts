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

export type BrakeReason = "tooManyDeletes" | "sourceRootMissing" | "sourceRootEmpty";

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
  };
}
