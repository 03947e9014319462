import type { Outbox } from "./outbox.ts";
import { parentOf } from "./paths.ts";
import type { TargetIndex } from "./target-index.ts";
import type { Work } from "./work.ts";

/** Target paths that wait for their relatives: creates for their parent, deletes until nothing of the link is below them. */
export interface Family {
  waitForParent(path: string): void;
  /** Whether something below waits for this path to be created. */
  isAwaited(path: string): boolean;
  /** The path is there: who waited for it is looked at again. */
  arrived(path: string): void;
  /** Whether something of the link is or comes below this path, so that it cannot be deleted. */
  isNeeded(path: string): boolean;
  /** The path is to be deleted when nothing needs it any more. */
  park(path: string): void;
  unpark(path: string): void;
  isParked(path: string): boolean;
  /** Call when the path is evaluated anew: it waits for nothing, unless it says so again. */
  stopWaiting(path: string): void;
  /** Call when it is decided what becomes of the path: the last one to need its parent may have gone. */
  settled(path: string): void;
  clear(): void;
}

export function createFamily(parts: { index: TargetIndex; outbox: Outbox; work: Work }): Family {
  const { index, outbox, work } = parts;
  /** Who waits, by parent. */
  const waiting = new Map<string, Set<string>>();
  const parked = new Set<string>();

  const isNeeded = (path: string): boolean =>
    index.ownChildren(path) > 0 || waiting.has(path) || outbox.bringsBelow(path);
  const isWaiting = (path: string): boolean => waiting.get(parentOf(path))?.has(path) ?? false;

  return {
    waitForParent(path) {
      const parent = parentOf(path);
      waiting.set(parent, (waiting.get(parent) ?? new Set()).add(path));
    },
    isAwaited: (path) => waiting.has(path),
    arrived(path) {
      for (const child of waiting.get(path) ?? []) work.mark(child, undefined);
    },
    isNeeded,
    park: (path) => void parked.add(path),
    unpark: (path) => void parked.delete(path),
    isParked: (path) => parked.has(path),
    stopWaiting(path) {
      const parent = parentOf(path);
      const siblings = waiting.get(parent);
      if (siblings?.delete(path) && siblings.size === 0) waiting.delete(parent);
    },
    settled(path) {
      const parent = parentOf(path);
      if ((parked.has(parent) || isWaiting(parent)) && !isNeeded(parent)) work.mark(parent, undefined);
    },
    clear() {
      waiting.clear();
      parked.clear();
    },
  };
}
