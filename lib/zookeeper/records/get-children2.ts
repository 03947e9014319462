import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Stat } from "../zookeeper.ts";
import { decodeChildren, encodeChildren } from "./get-children.ts";
import { decodeStat, encodeStat } from "./stat.ts";

export interface GetChildren2Response {
  readonly children: readonly string[];
  readonly stat: Stat;
}

/**
 * GetChildren2 response.  children vector of string (names, not paths) | Stat (68 bytes).  Request: path-request.ts.
 * @source ZooKeeper 3.9 GetChildren2Response, zookeeper.jute
 */
export function encodeGetChildren2Response(writer: Writer, response: GetChildren2Response): void {
  encodeChildren(writer, response.children);
  encodeStat(writer, response.stat);
}

export function decodeGetChildren2Response(reader: Reader): GetChildren2Response {
  return { children: decodeChildren(reader), stat: decodeStat(reader) };
}
