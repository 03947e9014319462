import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

export interface CheckRequest {
  readonly path: string;
  /** -1: the node only has to exist. */
  readonly version: number;
}

/**
 * Check version request, only within a multi.  path string | version i32.  The result has no body.
 * @source ZooKeeper 3.9 CheckVersionRequest, zookeeper.jute
 */
export function encodeCheckRequest(writer: Writer, request: CheckRequest): void {
  writer.string(request.path);
  writer.i32(request.version);
}

export function decodeCheckRequest(reader: Reader): CheckRequest {
  return { path: reader.string(), version: reader.i32() };
}
