import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Stat } from "../zookeeper.ts";
import { decodeStat, encodeStat } from "./stat.ts";

/**
 * Exists response.  Stat (68 bytes).  A missing node is err -101 in the header.  Request: path-request.ts.
 * @source ZooKeeper 3.9 ExistsResponse, zookeeper.jute
 */
export function encodeExistsResponse(writer: Writer, stat: Stat): void {
  encodeStat(writer, stat);
}

export function decodeExistsResponse(reader: Reader): Stat {
  return decodeStat(reader);
}
