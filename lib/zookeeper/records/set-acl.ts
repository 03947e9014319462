import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Acl, Stat } from "../zookeeper.ts";
import { decodeAcl, encodeAcl } from "./acl.ts";
import { decodeStat, encodeStat } from "./stat.ts";

export interface SetAclRequest {
  readonly path: string;
  readonly acl: readonly Acl[];
  /** -1: whatever aversion is there. */
  readonly aversion: number;
}

/**
 * SetACL request.  path string | acl vector | aversion i32
 * @source ZooKeeper 3.9 SetACLRequest, zookeeper.jute
 */
export function encodeSetAclRequest(writer: Writer, request: SetAclRequest): void {
  writer.string(request.path);
  encodeAcl(writer, request.acl);
  writer.i32(request.aversion);
}

export function decodeSetAclRequest(reader: Reader): SetAclRequest {
  return { path: reader.string(), acl: decodeAcl(reader), aversion: reader.i32() };
}

/**
 * SetACL response.  Stat (68 bytes)
 * @source ZooKeeper 3.9 SetACLResponse, zookeeper.jute
 */
export function encodeSetAclResponse(writer: Writer, stat: Stat): void {
  encodeStat(writer, stat);
}

export function decodeSetAclResponse(reader: Reader): Stat {
  return decodeStat(reader);
}
