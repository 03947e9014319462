import { parentOf } from "./paths.ts";
import type { TargetIndex } from "./target-index.ts";

/** Of target nodes without a source, those that can be deleted: not those with something else below them. */
export function deletable(extras: readonly string[], index: Pick<TargetIndex, "get">): string[] {
  const goingBelow = new Map<string, number>();
  return extras
    .toSorted((a, b) => b.length - a.length)
    .filter((path) => {
      if (index.get(path)?.children !== (goingBelow.get(path) ?? 0)) return false;
      const parent = parentOf(path);
      goingBelow.set(parent, (goingBelow.get(parent) ?? 0) + 1);
      return true;
    });
}
