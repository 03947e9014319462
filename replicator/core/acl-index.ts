import type { Acl, Stat } from "#lib/zookeeper/zookeeper.ts";
import { type Rights, rightsOf } from "./acl.ts";

/**
 * One state of one node's ACL: the transaction that created the node, and its aversion. A node that was deleted and created
 * anew starts at aversion 0 again, but by another transaction.
 */
export type AclMark = bigint & { readonly __brand: "AclMark" };

export function markOf({ czxid, aversion }: Pick<Stat, "czxid" | "aversion">): AclMark {
  return ((czxid << 32n) | BigInt.asUintN(32, BigInt(aversion))) as AclMark;
}

/** What a setACL has to meet. */
export function aversionOf(mark: AclMark): number {
  return Number(BigInt.asIntN(32, mark));
}

/** What is known of one target node's ACL. */
interface KnownAcl {
  readonly rights: Rights;
  readonly mark: AclMark;
  /** The source's ACL that this one was found or made equal to; undefined while they differ. */
  readonly source: AclMark | undefined;
}

/** The ACLs of the target's nodes, as far as known: beside the target index, and only where ACLs are copied. */
export interface AclIndex {
  get(path: string): KnownAcl | undefined;
  /** As read or set just now. */
  put(path: string, acl: readonly Acl[], stat: Pick<Stat, "czxid" | "aversion">): void;
  /** It is what this ACL of the source asks for. */
  verify(path: string, source: AclMark): void;
  /** The source's ACL may be another one than it was. */
  doubt(path: string): void;
  isVerified(path: string, source: AclMark): boolean;
  /** A scan has come upon the node: forgets its ACL if it is another one by now. True: somebody has set it. */
  seen(path: string, stat: Pick<Stat, "czxid" | "aversion">): boolean;
  /** Somebody has set it, as a refused write shows. */
  suspect(path: string): void;
  /** What is there now was set by somebody else, and not made equal to the source's since. */
  isForeign(path: string): boolean;
  forget(path: string): void;
  /** Keeps only what is still in the target. */
  sweep(isThere: (path: string) => boolean): void;
  clear(): void;
}

/** Different ACLs of which one copy is kept for all nodes that have it. */
const sharedMax = 10_000;

export function createAclIndex(): AclIndex {
  const known = new Map<string, KnownAcl>();
  const shared = new Map<string, Rights>();
  const foreign = new Set<string>();

  const share = (rights: Rights): Rights => {
    const first = shared.get(rights.text);
    if (first !== undefined) return first;
    if (shared.size < sharedMax) shared.set(rights.text, rights);
    return rights;
  };

  return {
    get: (path) => known.get(path),
    put(path, acl, stat) {
      known.set(path, { rights: share(rightsOf(acl)), mark: markOf(stat), source: undefined });
    },
    verify(path, source) {
      const entry = known.get(path);
      if (entry !== undefined) known.set(path, { ...entry, source });
      foreign.delete(path);
    },
    doubt(path) {
      const entry = known.get(path);
      if (entry !== undefined) known.set(path, { ...entry, source: undefined });
    },
    isVerified: (path, source) => known.get(path)?.source === source,
    seen(path, stat) {
      const entry = known.get(path);
      if (entry === undefined || entry.mark === markOf(stat)) return false;
      known.delete(path);
      // A lower one was read before our own was set. Another node may be one of ours whose zxid was not known exactly.
      const isForeign = entry.mark >> 32n === stat.czxid && stat.aversion > aversionOf(entry.mark);
      if (isForeign) foreign.add(path);
      return isForeign;
    },
    suspect: (path) => void foreign.add(path),
    isForeign: (path) => foreign.has(path),
    forget: (path) => void known.delete(path),
    sweep(isThere) {
      for (const path of known.keys()) if (!isThere(path)) known.delete(path);
      for (const path of foreign) if (!isThere(path)) foreign.delete(path);
    },
    clear() {
      known.clear();
      foreign.clear();
    },
  };
}
