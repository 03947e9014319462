import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

export interface DeleteRequest {
  readonly path: string;
  /** -1: whatever version is there. */
  readonly version: number;
}

/**
 * Delete request.  path string | version i32.  The response has no body.
 * @source ZooKeeper 3.9 DeleteRequest, zookeeper.jute
 */
export function encodeDeleteRequest(writer: Writer, request: DeleteRequest): void {
  writer.string(request.path);
  writer.i32(request.version);
}

export function decodeDeleteRequest(reader: Reader): DeleteRequest {
  return { path: reader.string(), version: reader.i32() };
}
