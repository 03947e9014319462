import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Zxid } from "../zookeeper.ts";

export interface SetWatches2Request {
  /** One-shot watches on nodes changed after it would fire at once; persistent ones do not look at it. */
  readonly relativeZxid: Zxid;
  readonly persistent: readonly string[];
  readonly persistentRecursive: readonly string[];
}

const stringBytesMin = 4;

/**
 * SetWatches2 request, xid -8.
 * relativeZxid i64 | five vectors of path string: data, exist, child (the one-shot kinds: empty here), persistent,
 * persistentRecursive.  The response has no body. Servers from 3.6 on.
 * @source ZooKeeper 3.9 SetWatches2, zookeeper.jute
 */
export function encodeSetWatches2Request(writer: Writer, request: SetWatches2Request): void {
  writer.i64(request.relativeZxid);
  for (const paths of [[], [], [], request.persistent, request.persistentRecursive]) writer.vector(paths, encodePath);
}

export function decodeSetWatches2Request(reader: Reader): SetWatches2Request {
  const relativeZxid = reader.i64() as Zxid;
  for (let oneShotKind = 0; oneShotKind < 3; oneShotKind += 1) decodePaths(reader);
  return { relativeZxid, persistent: decodePaths(reader), persistentRecursive: decodePaths(reader) };
}

function encodePath(writer: Writer, path: string): void {
  writer.string(path);
}

function decodePaths(reader: Reader): string[] {
  return reader.vector(stringBytesMin, (paths) => paths.string());
}
