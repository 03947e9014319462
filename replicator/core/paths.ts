/** Whether `path` is strictly below `root`. */
export function isBelow(path: string, root: string): boolean {
  return root === "/" ? path !== "/" : path.startsWith(root) && path[root.length] === "/";
}

/** Siblings come one after the other and get the same string: cutting it out, and hashing it in a map, costs more than asking. */
let lastParent = "/";

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash <= 0) return "/";
  if (lastParent.length !== slash || !path.startsWith(lastParent)) lastParent = path.slice(0, slash);
  return lastParent;
}

/** The nodes above, nearest first, down to the root. */
export function ancestorsOf(path: string): string[] {
  return path === "/" ? [] : [parentOf(path), ...ancestorsOf(parentOf(path))];
}
