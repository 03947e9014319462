import type { Application } from "../harness/application.ts";

/** What one node is: its bytes, and the marks that any write to it, or its re-creation, would leave. */
export interface NodeImage {
  readonly data: Buffer | null;
  readonly version: number;
  readonly aversion: number;
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ephemeral: boolean;
}

/** By path, parents before children. */
export type Tree = ReadonlyMap<string, NodeImage>;

/** Reads everything at and below `root` through the independent client, which must have no chroot or one that exists. */
export async function snapshot(application: Application, root = "/"): Promise<Tree> {
  const tree = new Map<string, NodeImage>();
  let level = [root];
  while (level.length > 0) {
    const found = await Promise.all(level.map((path) => look(application, path)));
    const next: string[] = [];
    for (const one of found) {
      if (one === undefined) continue;
      tree.set(one.path, one.image);
      next.push(...one.children);
    }
    level = next;
  }
  return tree;
}

/** The data of every node as text, null as null: for a plain comparison. */
export function textsOf(tree: Tree): Record<string, string | null> {
  return Object.fromEntries([...tree].map(([path, { data }]) => [path, data === null ? null : data.toString()]));
}

/** undefined when the node has gone meanwhile. */
async function look(application: Application, path: string) {
  const stat = await application.stat(path);
  if (stat === null) return undefined;
  const data = await application.get(path);
  const children = stat.numChildren === 0 ? [] : await application.children(path);
  const { version, aversion, czxid, mzxid, ephemeralOwner } = stat;
  return {
    path,
    image: { data, version, aversion, czxid, mzxid, ephemeral: ephemeralOwner !== 0n },
    children: children.map((name) => (path === "/" ? `/${name}` : `${path}/${name}`)),
  };
}
