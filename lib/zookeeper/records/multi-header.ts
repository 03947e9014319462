import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import { opcodes } from "./opcodes.ts";

/**
 * The header before each part of a multi or multiRead.  type i32 (an opcode, or -1) | done bool | err i32
 * The end is (-1, true, -1); a part of type -1 that is not the end is an error and has its code as an i32 body.
 * @source ZooKeeper 3.9 MultiHeader, zookeeper.jute; MultiOperationRecord, MultiResponse
 */
export function encodeMultiHeader(writer: Writer, header: { type: number; err: number }): void {
  writer.i32(header.type);
  writer.bool(false);
  writer.i32(header.err);
}

export function encodeMultiEnd(writer: Writer): void {
  writer.i32(opcodes.error);
  writer.bool(true);
  writer.i32(-1);
}

/** The type of the part that follows, or `end`. The err is left out: of an error part the body repeats it. */
export function decodeMultiHeader(reader: Reader): number | "end" {
  const type = reader.i32();
  const done = reader.bool();
  reader.i32();
  return done ? "end" : type;
}
