import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Acl, Stat } from "../zookeeper.ts";
import { decodeAcl, encodeAcl } from "./acl.ts";
import { decodeStat, encodeStat } from "./stat.ts";

export interface GetAclResponse {
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}

/**
 * GetACL request.  path string
 * @source ZooKeeper 3.9 GetACLRequest, zookeeper.jute
 */
export function encodeGetAclRequest(writer: Writer, path: string): void {
  writer.string(path);
}

export function decodeGetAclRequest(reader: Reader): string {
  return reader.string();
}

/**
 * GetACL response.  acl vector | Stat (68 bytes)
 * @source ZooKeeper 3.9 GetACLResponse, zookeeper.jute
 */
export function encodeGetAclResponse(writer: Writer, response: GetAclResponse): void {
  encodeAcl(writer, response.acl);
  encodeStat(writer, response.stat);
}

export function decodeGetAclResponse(reader: Reader): GetAclResponse {
  return { acl: decodeAcl(reader), stat: decodeStat(reader) };
}
