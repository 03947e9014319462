import { errorCodes } from "#lib/zookeeper/errors.ts";
import type {
  Acl,
  MultiOutcome,
  NodeData,
  ReadRequest,
  ReadResult,
  Stat,
  WatchEventKind,
  WriteOp,
  WriteResult,
  Zxid,
} from "#lib/zookeeper/zookeeper.ts";
import type { AclResult, AclWriteResult } from "../../replicator/core/link-events.ts";

/**
 * One ensemble's tree in memory, as a client sees it: versions, zxids, all-or-nothing multis with the server's error codes, and
 * the events of persistent recursive watches in the order of the transactions.
 * @source ZooKeeper 3.9 PrepRequestProcessor, DataTree
 */
export interface VirtualZooKeeper {
  readonly zxid: Zxid;
  readonly nodes: ReadonlyMap<string, VirtualNode>;
  apply(ops: readonly VirtualOp[]): MultiOutcome;
  read(requests: readonly ReadRequest[]): { results: readonly ReadResult[]; zxid: Zxid };
  readAcls(paths: readonly string[]): readonly AclResult[];
  /** A transaction of its own that no event tells of; -1: whatever aversion is there. ACLs are kept, not obeyed. */
  setAcl(path: string, acl: readonly Acl[], aversion: number): AclWriteResult;
  /** Takes the right to read a node away, or gives it back. No version changes and no event tells of it. */
  setReadable(path: string, readable: boolean): void;
  /** Calls back for each change of a readable node, in order, before `apply` returns. Gives the function that ends it. */
  watch(onChange: (change: Change) => void): () => void;
}

export interface VirtualNode {
  readonly data: NodeData;
  readonly version: number;
  readonly acl: readonly Acl[];
  readonly aversion: number;
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  /** When a child came or went last. */
  readonly pzxid: Zxid;
  /** 0n, or the session it lives with. */
  readonly ephemeralOwner: bigint;
  readonly readable: boolean;
  readonly children: ReadonlySet<string>;
}

export interface Change {
  readonly path: string;
  readonly kind: Exclude<WatchEventKind, "childrenChanged">;
  /** False where a server drops the event silently, because the watcher may not read the node. */
  readonly visible: boolean;
}

/** `owner`: the session that a created ephemeral belongs to. */
export type VirtualOp = WriteOp & { readonly owner?: bigint };

type Undo = () => void;
/** The result, or the server's error code. */
type Performed = WriteResult | number;
type MutableNode = { -readonly [key in keyof VirtualNode]: VirtualNode[key] } & { children: Set<string> };

export function createVirtualZooKeeper(): VirtualZooKeeper {
  const nodes = new Map<string, MutableNode>([["/", nodeOf(null, [], 0n as Zxid, 0n)]]);
  const watchers = new Set<(change: Change) => void>();
  let zxid = 0n as Zxid;

  const create = (op: VirtualOp & { kind: "create" }, at: Zxid, undo: Undo[], changes: Change[]): Performed => {
    const { path } = op;
    const parent = nodes.get(parentPath(path));
    if (parent === undefined) return errorCodes.noNode;
    if (nodes.has(path)) return errorCodes.nodeExists;
    if (parent.ephemeralOwner !== 0n) return errorCodes.noChildrenForEphemerals;
    nodes.set(path, nodeOf(op.data, op.acl, at, op.owner ?? 0n));
    const { pzxid } = parent;
    parent.children.add(nameOf(path));
    parent.pzxid = at;
    undo.push(() => {
      nodes.delete(path);
      parent.children.delete(nameOf(path));
      parent.pzxid = pzxid;
    });
    changes.push({ path, kind: "created", visible: true });
    return { kind: "create", path };
  };
  const perform = (op: VirtualOp, at: Zxid, undo: Undo[], changes: Change[]): Performed => {
    if (op.kind === "create") return create(op, at, undo, changes);
    const node = nodes.get(op.path);
    if (node === undefined) return errorCodes.noNode;
    if (op.version !== -1 && op.version !== node.version) return errorCodes.badVersion;
    if (op.kind === "check") return { kind: "check" };
    if (op.kind === "set") {
      const { data, version, mzxid } = node;
      node.data = op.data;
      node.version += 1;
      node.mzxid = at;
      undo.push(() => Object.assign(node, { data, version, mzxid }));
      changes.push({ path: op.path, kind: "dataChanged", visible: node.readable });
      return { kind: "set", stat: statOf(node) };
    }
    if (node.children.size > 0) return errorCodes.notEmpty;
    const parent = nodes.get(parentPath(op.path));
    const pzxid = parent?.pzxid;
    nodes.delete(op.path);
    parent?.children.delete(nameOf(op.path));
    if (parent !== undefined) parent.pzxid = at;
    undo.push(() => {
      nodes.set(op.path, node);
      parent?.children.add(nameOf(op.path));
      if (parent !== undefined && pzxid !== undefined) parent.pzxid = pzxid;
    });
    changes.push({ path: op.path, kind: "deleted", visible: node.readable });
    return { kind: "delete" };
  };

  const readOne = ({ kind, path }: ReadRequest): ReadResult => {
    const node = nodes.get(path);
    if (node === undefined) return { kind: "error", code: errorCodes.noNode };
    if (!node.readable) return { kind: "error", code: errorCodes.noAuth };
    return kind === "data"
      ? { kind: "data", data: node.data, stat: statOf(node) }
      : { kind: "children", children: [...node.children] };
  };

  return {
    get zxid() {
      return zxid;
    },
    nodes,
    apply(ops) {
      const at = (zxid + 1n) as Zxid;
      const undo: Undo[] = [];
      const changes: Change[] = [];
      const results: WriteResult[] = [];
      for (const [index, op] of ops.entries()) {
        const result = perform(op, at, undo, changes);
        if (typeof result === "number") {
          for (const back of undo.reverse()) back();
          return { kind: "refused", failedAt: index, code: result };
        }
        results.push(result);
      }
      zxid = at;
      for (const change of changes) for (const watcher of watchers) watcher(change);
      return { kind: "applied", results, zxid };
    },
    readAcls: (paths) =>
      paths.map((path) => {
        const node = nodes.get(path);
        if (node === undefined) return { kind: "error", code: errorCodes.noNode };
        if (!node.readable) return { kind: "error", code: errorCodes.noAuth };
        return { kind: "acl", acl: node.acl, stat: statOf(node) };
      }),
    setAcl(path, acl, aversion) {
      const node = nodes.get(path);
      if (node === undefined) return { kind: "error", code: errorCodes.noNode };
      if (aversion !== -1 && aversion !== node.aversion) return { kind: "error", code: errorCodes.badVersion };
      node.acl = acl;
      node.aversion += 1;
      zxid = (zxid + 1n) as Zxid;
      return { kind: "set", stat: statOf(node) };
    },
    read: (requests) => ({ results: requests.map(readOne), zxid }),
    setReadable(path, readable) {
      const node = nodes.get(path);
      if (node !== undefined) node.readable = readable;
    },
    watch(onChange) {
      watchers.add(onChange);
      return () => void watchers.delete(onChange);
    },
  };
}

/** Whether a node above this path cannot be read. */
export function isHidden(store: VirtualZooKeeper, path: string): boolean {
  const parent = parentPath(path);
  return store.nodes.get(parent)?.readable === false || (parent !== "/" && isHidden(store, parent));
}

export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function nodeOf(data: NodeData, acl: readonly Acl[], at: Zxid, ephemeralOwner: bigint): MutableNode {
  return {
    data,
    version: 0,
    acl,
    aversion: 0,
    czxid: at,
    mzxid: at,
    pzxid: at,
    ephemeralOwner,
    readable: true,
    children: new Set(),
  };
}

function statOf(node: VirtualNode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    pzxid: node.pzxid,
    ctime: 0n,
    mtime: 0n,
    version: node.version,
    cversion: 0,
    aversion: node.aversion,
    ephemeralOwner: node.ephemeralOwner,
    dataLength: node.data?.length ?? 0,
    numChildren: node.children.size,
  };
}
