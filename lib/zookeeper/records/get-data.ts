import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { NodeData, Stat } from "../zookeeper.ts";
import { decodeStat, encodeStat } from "./stat.ts";

export interface GetDataResponse {
  readonly data: NodeData;
  readonly stat: Stat;
}

/**
 * GetData response.  data buffer | Stat (68 bytes).  Request: path-request.ts.
 * @source ZooKeeper 3.9 GetDataResponse, zookeeper.jute
 */
export function encodeGetDataResponse(writer: Writer, response: GetDataResponse): void {
  writer.buffer(response.data);
  encodeStat(writer, response.stat);
}

export function decodeGetDataResponse(reader: Reader): GetDataResponse {
  return { data: reader.buffer(), stat: decodeStat(reader) };
}
