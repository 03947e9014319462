import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Stat } from "../zookeeper.ts";
import { decodeStat, encodeStat } from "./stat.ts";

/** `path` is the one asked for, with the counter appended to a sequential node. */
export interface Create2Response {
  readonly path: string;
  readonly stat: Stat;
}

/**
 * Create2 response.  path string | Stat (68 bytes).  Request: create.ts.
 * @source ZooKeeper 3.9 Create2Response, zookeeper.jute
 */
export function encodeCreate2Response(writer: Writer, response: Create2Response): void {
  writer.string(response.path);
  encodeStat(writer, response.stat);
}

export function decodeCreate2Response(reader: Reader): Create2Response {
  return { path: reader.string(), stat: decodeStat(reader) };
}
