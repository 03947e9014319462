import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

/**
 * The request of exists, getData, getChildren and getChildren2.  path string | watch bool = false
 * The bool would arm a one-shot watch: this client has persistent ones only.
 * @source ZooKeeper 3.9 ExistsRequest, GetDataRequest, GetChildrenRequest, GetChildren2Request, zookeeper.jute
 */
export function encodePathRequest(writer: Writer, path: string): void {
  writer.string(path);
  writer.bool(false);
}

export function decodePathRequest(reader: Reader): string {
  const path = reader.string();
  reader.bool();
  return path;
}
