/** Whether `path` is strictly below `root`. */
export function isBelow(path: string, root: string): boolean {
  return root === "/" ? path !== "/" : path.startsWith(root) && path[root.length] === "/";
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
