import type { Acl, NodeData, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import { anyone, isWithin, keyOf } from "./acls.ts";
import { shown, type Wanted } from "./model.ts";
import { Violation } from "./violation.ts";

/**
 * Watches that no data of the source can be read by more people in the target than at the source at that time, and that no ACL
 * is set that the source never had, or in vain.
 */
interface AclChecker {
  /** What the target path is to be now. */
  wanted(path: string, wanted: Wanted): void;
  /** A replicator has written this; `before`: the ACL of the node until then. */
  check(op: WriteOp, before: readonly Acl[]): void;
  set(path: string, before: readonly Acl[], acl: readonly Acl[]): void;
  setByOthers(path: string): void;
}

export function createAclChecker(): AclChecker {
  /** For each path the ACLs that went with some data, by the data. */
  const pairs = new Map<string, Map<string, Map<string, readonly Acl[]>>>();
  const others = new Set<string>();

  const aclsFor = (path: string, data: NodeData): readonly (readonly Acl[])[] => [
    ...(pairs.get(path)?.get(shown(data))?.values() ?? []),
  ];
  const isPassage = (data: NodeData, acl: readonly Acl[]): boolean => data === null && keyOf(acl) === keyOf(anyone);

  return {
    wanted(path, wanted) {
      if (wanted.kind !== "present" || wanted.acl === undefined) return;
      const byData = pairs.get(path) ?? new Map<string, Map<string, readonly Acl[]>>();
      const byKey = byData.get(shown(wanted.data)) ?? new Map<string, readonly Acl[]>();
      pairs.set(path, byData.set(shown(wanted.data), byKey.set(keyOf(wanted.acl), wanted.acl)));
    },
    check(op, before) {
      if (op.kind === "create") {
        const given = aclsFor(op.path, op.data).some((acl) => keyOf(acl) === keyOf(op.acl));
        if (!given && !isPassage(op.data, op.acl))
          throw new Violation(`create ${op.path} (${shown(op.data)}) with an ACL it never had: ${keyOf(op.acl)}`);
        others.delete(op.path);
      } else if (op.kind === "set" && !others.has(op.path)) {
        const fits = aclsFor(op.path, op.data).some((acl) => isWithin(before, acl));
        if (!fits) throw new Violation(`set ${op.path} (${shown(op.data)}) under too open an ACL: ${keyOf(before)}`);
      }
    },
    set(path, before, acl) {
      const known = [...(pairs.get(path)?.values() ?? [])].some((byKey) => byKey.has(keyOf(acl)));
      if (!known) throw new Violation(`set the ACL of ${path} to what the source never had: ${keyOf(acl)}`);
      if (keyOf(before) === keyOf(acl)) throw new Violation(`set the ACL of ${path} to what it was: ${keyOf(acl)}`);
      others.delete(path);
    },
    setByOthers: (path) => void others.add(path),
  };
}
