import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

/**
 * Sync request and response alike.  path string
 * @source ZooKeeper 3.9 SyncRequest and SyncResponse, zookeeper.jute
 */
export function encodeSync(writer: Writer, path: string): void {
  writer.string(path);
}

export function decodeSync(reader: Reader): string {
  return reader.string();
}
