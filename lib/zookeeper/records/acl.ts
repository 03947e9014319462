import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Acl } from "../zookeeper.ts";

const aclBytesMin = 12;

/**
 * ACL vector.  count i32 | count x (perms i32 | scheme string | id string)
 * @source ZooKeeper 3.9 ACL and Id, zookeeper.jute
 */
export function encodeAcl(writer: Writer, acl: readonly Acl[]): void {
  writer.vector(acl, encodeEntry);
}

export function decodeAcl(reader: Reader): Acl[] {
  return reader.vector(aclBytesMin, decodeEntry);
}

function encodeEntry(writer: Writer, entry: Acl): void {
  writer.i32(entry.perms);
  writer.string(entry.scheme);
  writer.string(entry.id);
}

function decodeEntry(reader: Reader): Acl {
  return { perms: reader.i32(), scheme: reader.string(), id: reader.string() };
}
