import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Zxid } from "../zookeeper.ts";

export interface RequestHeader {
  readonly xid: number;
  readonly opcode: number;
}

export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: Zxid;
  /** 0 or a code of errors.ts; the body follows only on 0. */
  readonly err: number;
}

/**
 * Request header.  xid i32 | opcode i32
 * @source ZooKeeper 3.9 RequestHeader, zookeeper.jute
 */
export function encodeRequestHeader(writer: Writer, header: RequestHeader): void {
  writer.i32(header.xid);
  writer.i32(header.opcode);
}

export function decodeRequestHeader(reader: Reader): RequestHeader {
  return { xid: reader.i32(), opcode: reader.i32() };
}

/**
 * Reply header.  xid i32 | zxid i64 | err i32
 * @source ZooKeeper 3.9 ReplyHeader, zookeeper.jute
 */
export function encodeReplyHeader(writer: Writer, header: ReplyHeader): void {
  writer.i32(header.xid);
  writer.i64(header.zxid);
  writer.i32(header.err);
}

export function decodeReplyHeader(reader: Reader): ReplyHeader {
  return { xid: reader.i32(), zxid: reader.i64() as Zxid, err: reader.i32() };
}
