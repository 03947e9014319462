import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

export interface AuthRequest {
  readonly scheme: string;
  /** For digest `user:password`. */
  readonly credential: Uint8Array;
}

/**
 * Auth packet, xid -4.  type i32 = 0 | scheme string | auth buffer.  The response has no body.
 * @source ZooKeeper 3.9 AuthPacket, zookeeper.jute
 */
export function encodeAuthRequest(writer: Writer, request: AuthRequest): void {
  writer.i32(0);
  writer.string(request.scheme);
  writer.buffer(request.credential);
}

export function decodeAuthRequest(reader: Reader): AuthRequest {
  reader.i32();
  return { scheme: reader.string(), credential: reader.buffer() ?? new Uint8Array() };
}
