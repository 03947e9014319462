import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import { type MessageProperties, parseMessageProperties, printMessageProperties } from "./message-properties.ts";

/** A message as a broker keeps it. */
export interface StoredMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: bigint;
  /** Where it begins in the broker's log. */
  readonly logOffset: bigint;
  /** Bits: 1 the body is compressed; the others tell of addresses and transactions. */
  readonly sysFlag: number;
  /** Milliseconds since 1970, by the sender's and by the broker's clock. */
  readonly bornTimestamp: bigint;
  readonly storeTimestamp: bigint;
  readonly properties: MessageProperties;
  /** A view of the frame: copy what is kept for long. */
  readonly body: Uint8Array;
}

const magic = { shortTopic: -626_843_481, longTopic: -626_843_477 } as const;
const sysFlags = { bornHostV6: 1 << 4, storeHostV6: 1 << 5 } as const;
const hostBytes = { v4: 4, v6: 16 } as const;

/**
 * size i32 | magic i32 | body CRC i32 | queue i32 | flag i32 | queue offset i64 | log offset i64 | sysFlag i32 | born i64 |
 * born host (4 or 16 bytes, port i32) | stored i64 | store host (the same) | retries i32 | prepared offset i64 | body buffer |
 * topic (length u8, or i16 by the magic) | properties (length i16)
 * @source RocketMQ 5.3.3 MessageDecoder
 * @throws {DecodeError}
 */
export function decodeStoredMessage(reader: Reader): StoredMessage {
  const begin = reader.remaining;
  const size = reader.i32();
  const version = reader.i32();
  if (version !== magic.shortTopic && version !== magic.longTopic) {
    throw new DecodeError(`A stored message has the magic number ${version}, which is none of a message`);
  }
  reader.i32();
  const queueId = reader.i32();
  reader.i32();
  const queueOffset = reader.i64();
  const logOffset = reader.i64();
  const sysFlag = reader.i32();
  const bornTimestamp = reader.i64();
  reader.bytes(addressBytes(sysFlag, sysFlags.bornHostV6));
  const storeTimestamp = reader.i64();
  reader.bytes(addressBytes(sysFlag, sysFlags.storeHostV6));
  reader.i32();
  reader.i64();
  const body = reader.buffer() ?? new Uint8Array();
  const topic = reader.text(version === magic.longTopic ? reader.i16() : reader.u8());
  const properties = parseMessageProperties(reader.text(reader.i16()));
  if (begin - reader.remaining !== size) {
    throw new DecodeError(`A stored message gives its size as ${size}, and is ${begin - reader.remaining} bytes long`);
  }
  return { topic, queueId, queueOffset, logOffset, sysFlag, bornTimestamp, storeTimestamp, properties, body };
}

/** With addresses and checksum of zeros. */
export function encodeStoredMessage(writer: Writer, message: StoredMessage): void {
  const begin = writer.bytes.length;
  const topic = Buffer.from(message.topic);
  const isLongTopic = topic.length > 127;
  writer.i32(0);
  writer.i32(isLongTopic ? magic.longTopic : magic.shortTopic);
  writer.i32(0);
  writer.i32(message.queueId);
  writer.i32(0);
  writer.i64(message.queueOffset);
  writer.i64(message.logOffset);
  writer.i32(message.sysFlag);
  writer.i64(message.bornTimestamp);
  writer.raw(new Uint8Array(addressBytes(message.sysFlag, sysFlags.bornHostV6)));
  writer.i64(message.storeTimestamp);
  writer.raw(new Uint8Array(addressBytes(message.sysFlag, sysFlags.storeHostV6)));
  writer.i32(0);
  writer.i64(0n);
  writer.buffer(message.body);
  if (isLongTopic) writer.i16(topic.length);
  else writer.u8(topic.length);
  writer.raw(topic);
  const properties = Buffer.from(printMessageProperties(message.properties));
  writer.i16(properties.length);
  writer.raw(properties);
  writer.overwriteI32(begin, writer.bytes.length - begin);
}

function addressBytes(sysFlag: number, v6Bit: number): number {
  return ((sysFlag & v6Bit) === 0 ? hostBytes.v4 : hostBytes.v6) + 4;
}
