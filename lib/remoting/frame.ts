import { DecodeError } from "../bytes/reader.ts";
import { EncodeLimitError } from "../bytes/writer.ts";
import type { Header } from "./header.ts";
import { decodeBinaryHeader, encodeBinaryHeader } from "./header-binary.ts";
import { encodeJsonHeader } from "./header-json.ts";
import { type HeaderReader, readPlainly } from "./header-memo.ts";

export interface Frame extends Header {
  /** How the header is written. An answer uses what the request used. */
  readonly serialize: "json" | "rocketmq";
  /** A view of what was received: copy what is kept for long. */
  readonly body: Uint8Array;
}

export interface FrameLimits {
  /** With its length. */
  readonly frameBytesMax: number;
  readonly headerBytesMax: number;
}

/** What stock peers allow; their headers stay far below. @source RocketMQ 5.3.3 NettyDecoder */
export const frameLimits: FrameLimits = { frameBytesMax: 16 * 1_024 * 1_024, headerBytesMax: 256 * 1_024 };

type DecodeResult =
  | { readonly kind: "frame"; readonly frame: Frame; readonly used: number }
  /** `wanted`: before there are that many bytes it makes no sense to ask again. */
  | { readonly kind: "incomplete"; readonly wanted: number };

const lengthBytes = 4;
const prefixBytes = 8;
const nothing = Buffer.alloc(0);
const serializeTypes = { json: 0, rocketmq: 1 } as const;

/**
 * Frame.  length of what follows i32 | serialize type u8 | header length u24 | header | body
 * @param bytes begin with the frame's first byte
 * @param readJson reads JSON headers
 * @source RocketMQ 5.3.3 NettyDecoder, RemotingCommand
 * @throws {DecodeError} when the frame is malformed or over a limit: nothing after it can be trusted
 */
export function decodeFrame(
  bytes: Uint8Array,
  limits: FrameLimits,
  readJson: HeaderReader = readPlainly,
): DecodeResult {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < lengthBytes) return { kind: "incomplete", wanted: lengthBytes };
  const used = lengthBytes + buffer.readInt32BE(0);
  if (used < prefixBytes || used > limits.frameBytesMax) {
    throw new DecodeError(
      `Byte 0 of the frame gives it ${used - lengthBytes} bytes, where ${prefixBytes - lengthBytes} to ${limits.frameBytesMax - lengthBytes} are allowed`,
    );
  }
  if (buffer.length < prefixBytes) return { kind: "incomplete", wanted: prefixBytes };
  const headerBytes = buffer.readUIntBE(lengthBytes + 1, 3);
  if (headerBytes > used - prefixBytes || headerBytes > limits.headerBytesMax) {
    throw new DecodeError(
      `Byte 5 of the frame gives its header ${headerBytes} bytes, where ${used - prefixBytes} bytes follow and ${limits.headerBytesMax} are allowed`,
    );
  }
  const serialize = serializeTypeOf(buffer.readUInt8(lengthBytes));
  if (buffer.length < used) return { kind: "incomplete", wanted: used };
  const headerEnd = prefixBytes + headerBytes;
  const read =
    serialize === "json"
      ? readJson(buffer, prefixBytes, headerEnd)
      : decodeBinaryHeader(buffer.subarray(prefixBytes, headerEnd));
  const { code, language, version, opaque, isResponse, isOneway, remark, fields } = read;
  const body = headerEnd === used ? nothing : buffer.subarray(headerEnd, used);
  const frame = { code, language, version, opaque, isResponse, isOneway, remark, fields, serialize, body };
  return { kind: "frame", frame, used };
}

/** @throws {EncodeLimitError} when the frame or its header is over its limit */
export function encodeFrame(frame: Frame, limits: FrameLimits): Buffer {
  const { body, serialize } = frame;
  const header =
    serialize === "json" ? encodeJsonHeader(frame) : encodeBinaryHeader(frame, { bytesMax: limits.headerBytesMax });
  if (header.length > limits.headerBytesMax) throw new EncodeLimitError(header.length, limits.headerBytesMax);
  const bytesWanted = prefixBytes + header.length + body.length;
  if (bytesWanted > limits.frameBytesMax) throw new EncodeLimitError(bytesWanted, limits.frameBytesMax);
  const bytes = Buffer.allocUnsafe(bytesWanted);
  bytes.writeInt32BE(bytesWanted - lengthBytes, 0);
  bytes.writeUInt8(serializeTypes[serialize], lengthBytes);
  bytes.writeUIntBE(header.length, lengthBytes + 1, 3);
  bytes.set(header, prefixBytes);
  bytes.set(body, prefixBytes + header.length);
  return bytes;
}

function serializeTypeOf(byte: number): Frame["serialize"] {
  if (byte === serializeTypes.json) return "json";
  if (byte === serializeTypes.rocketmq) return "rocketmq";
  throw new DecodeError(`Byte 4 of the frame is ${byte}, where a header is JSON (0) or binary (1)`);
}
