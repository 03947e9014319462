import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { permsText, type Rights } from "./acl.ts";
import { type AclMark, aversionOf } from "./acl-index.ts";
import type { Overwritten } from "./drift.ts";

/** As many ACLs as are set at a time fit a packet with this much of each. */
const aclBytesMax = 8_000;

/**
 * Somebody else's ACL as the journal keeps it: a line scheme:id:perms for each entry, digests in full, or it could not be set
 * again. `version` is the ACL's (aversion), `mzxid` the zxid that has created the node.
 */
export function overwrittenAcl(path: string, { rights, mark }: { rights: Rights; mark: AclMark }): Overwritten {
  const text = rights.entries.map(({ scheme, id, perms }) => `${scheme}:${id}:${permsText(perms)}\n`).join("");
  const data = new TextEncoder().encode(text).subarray(0, aclBytesMax);
  return { path, kind: "aclChanged", version: aversionOf(mark), mzxid: (mark >> 32n) as Zxid, data };
}
