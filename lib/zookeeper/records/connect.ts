import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Zxid } from "../zookeeper.ts";

export interface ConnectRequest {
  readonly lastZxidSeen: Zxid;
  readonly sessionTimeoutMs: number;
  /** 0n asks for a new session. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export interface ConnectResponse {
  /** What the server settled on; 0 or less: the session asked for has expired. */
  readonly sessionTimeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
  readonly readOnly: boolean;
}

const protocolVersion = 0;
export const passwordBytes = 16;

/**
 * Connect request, the first frame, without a header.
 * protocolVersion i32 = 0 | lastZxidSeen i64 | timeout ms i32 | sessionId i64 | password buffer (16) | readOnly bool = false
 * @source ZooKeeper 3.9 ConnectRequest, zookeeper.jute
 */
export function encodeConnectRequest(writer: Writer, request: ConnectRequest): void {
  writer.i32(protocolVersion);
  writer.i64(request.lastZxidSeen);
  writer.i32(request.sessionTimeoutMs);
  writer.i64(request.sessionId);
  writer.buffer(request.password);
  writer.bool(false);
}

export function decodeConnectRequest(reader: Reader): ConnectRequest {
  decodeProtocolVersion(reader);
  const request = {
    lastZxidSeen: reader.i64() as Zxid,
    sessionTimeoutMs: reader.i32(),
    sessionId: reader.i64(),
    password: decodePassword(reader),
  };
  reader.bool();
  return request;
}

/**
 * Connect response, without a header.
 * protocolVersion i32 = 0 | timeout ms i32 | sessionId i64 | password buffer (16) | readOnly bool
 * @source ZooKeeper 3.9 ConnectResponse, zookeeper.jute
 */
export function encodeConnectResponse(writer: Writer, response: ConnectResponse): void {
  writer.i32(protocolVersion);
  writer.i32(response.sessionTimeoutMs);
  writer.i64(response.sessionId);
  writer.buffer(response.password);
  writer.bool(response.readOnly);
}

export function decodeConnectResponse(reader: Reader): ConnectResponse {
  decodeProtocolVersion(reader);
  return {
    sessionTimeoutMs: reader.i32(),
    sessionId: reader.i64(),
    password: decodePassword(reader),
    readOnly: reader.bool(),
  };
}

function decodeProtocolVersion(reader: Reader): void {
  const version = reader.i32();
  if (version !== protocolVersion) throw new DecodeError(`The protocol version is ${version}, and only 0 exists`);
}

function decodePassword(reader: Reader): Uint8Array {
  const password = reader.buffer();
  if (password?.length !== passwordBytes) {
    throw new DecodeError(`The session password has ${password?.length ?? "no"} bytes instead of ${passwordBytes}`);
  }
  return password;
}
