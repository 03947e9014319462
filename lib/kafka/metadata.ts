import type { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";

/** What a Kafka broker says of its cluster: who else is there, and who leads which partition. */

export const metadataApi = { key: 3, version: 4 } as const;

export interface KafkaMetadata {
  readonly brokers: readonly { readonly id: number; readonly address: string; readonly rack: string }[];
  /** Those that the broker tells of. `partitions` null: there is no such topic. One that it fails to tell of is not in here. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly KafkaPartition[] | null }[];
}

/** The one error that says that there is no such topic; others say that this broker does not tell: not now, or not us. */
const unknownTopic = 3;

interface KafkaPartition {
  readonly partition: number;
  /** A broker's id; -1: nobody leads it. */
  readonly leader: number;
}

/**
 * Metadata request, version 4.  topics [string] | allow_auto_topic_creation bool
 * @param topics none: brokers only
 * @source Kafka 4.1 MetadataRequest.json; brokers since 0.11 know this version
 */
export function encodeMetadataRequest(writer: Writer, topics: readonly string[]): void {
  writer.vector(topics, writeText);
  // To look is not to create.
  writer.bool(false);
}

/**
 * Metadata response, version 4.  throttle_time_ms i32 | brokers [node_id i32, host string, port i32, rack string?] | cluster_id string? |
 * controller_id i32 | topics [error_code i16, name string, is_internal bool, partitions [error_code i16, partition i32, leader i32,
 * replicas [i32], isr [i32]]]
 * @source Kafka 4.1 MetadataResponse.json
 * @throws {DecodeError} when a length is negative or goes past the frame
 */
export function decodeMetadataResponse(reader: Reader): KafkaMetadata {
  reader.i32();
  const brokers = reader.vector(12, (each) => {
    const id = each.i32();
    const host = readText(each);
    const port = each.i32();
    const rack = readText(each);
    return { id, address: `${host.includes(":") ? `[${host}]` : host}:${port}`, rack };
  });
  readText(reader);
  reader.i32();
  const topics = reader.vector(9, (each) => {
    const error = each.i16();
    const topic = readText(each);
    each.bool();
    return { error, topic, partitions: each.vector(18, readPartition) };
  });
  return {
    brokers,
    topics: topics.flatMap(({ error, topic, partitions }): KafkaMetadata["topics"] => {
      // A partition without a leader has an error of its own, and is told all the same.
      if (partitions.length > 0) return [{ topic, partitions }];
      return error === unknownTopic ? [{ topic, partitions: null }] : [];
    }),
  };
}

function readPartition(reader: Reader): KafkaPartition {
  reader.i16();
  const partition = reader.i32();
  const leader = reader.i32();
  for (let lists = 0; lists < 2; lists += 1) reader.vector(4, (each) => each.i32());
  return { partition, leader };
}

/** i16 length and UTF-8. */
export function writeText(writer: Writer, text: string): void {
  const bytes = Buffer.from(text);
  writer.i16(bytes.length);
  writer.raw(bytes);
}

/** null (length -1) is "". */
function readText(reader: Reader): string {
  const length = reader.i16();
  return length === -1 ? "" : reader.text(length);
}
