import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { NodeData, Stat } from "../zookeeper.ts";
import { decodeStat, encodeStat } from "./stat.ts";

export interface SetDataRequest {
  readonly path: string;
  readonly data: NodeData;
  /** -1: whatever version is there. */
  readonly version: number;
}

/**
 * SetData request.  path string | data buffer | version i32
 * @source ZooKeeper 3.9 SetDataRequest, zookeeper.jute
 */
export function encodeSetDataRequest(writer: Writer, request: SetDataRequest): void {
  writer.string(request.path);
  writer.buffer(request.data);
  writer.i32(request.version);
}

export function decodeSetDataRequest(reader: Reader): SetDataRequest {
  return { path: reader.string(), data: reader.buffer(), version: reader.i32() };
}

/**
 * SetData response.  Stat (68 bytes)
 * @source ZooKeeper 3.9 SetDataResponse, zookeeper.jute
 */
export function encodeSetDataResponse(writer: Writer, stat: Stat): void {
  encodeStat(writer, stat);
}

export function decodeSetDataResponse(reader: Reader): Stat {
  return decodeStat(reader);
}
