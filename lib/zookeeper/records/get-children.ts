import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

const stringBytesMin = 4;

/**
 * GetChildren response, only within a multiRead.  children vector of string (names, not paths).  Request: path-request.ts.
 * @source ZooKeeper 3.9 GetChildrenResponse, zookeeper.jute
 */
export function encodeChildren(writer: Writer, children: readonly string[]): void {
  writer.vector(children, encodeName);
}

export function decodeChildren(reader: Reader): string[] {
  return reader.vector(stringBytesMin, decodeName);
}

function encodeName(writer: Writer, name: string): void {
  writer.string(name);
}

function decodeName(reader: Reader): string {
  return reader.string();
}
