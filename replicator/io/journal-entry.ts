import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import { type JournalKind, journalKinds, type Overwritten } from "../core/drift.ts";

/**
 * An entry of the drift journal: one line of JSON, then the bytes as they were, so that zkCli.sh shows text as text. 64-bit
 * numbers are decimal strings; `bytes` is null where the node had no data at all.
 */
export interface JournalEntry {
  readonly path: string;
  readonly kind: JournalKind;
  readonly version: number;
  readonly mzxid: string;
  /** Wall time of the repair. */
  readonly at: string;
  /** How many the node had; `data` has fewer where it was cut to fit a packet. */
  readonly bytes: number | null;
  readonly data: NodeData;
}

/** With header and all that goes with it in its multi it fits a packet (jute.maxbuffer); longer data is cut. */
export const entryBytesMax = 1_040_000;

/** @param atMs wall time */
export function encodeEntry({ path, kind, version, mzxid, data }: Overwritten, atMs: number): Uint8Array {
  const header = {
    schema: 1,
    path,
    kind,
    version,
    mzxid: mzxid.toString(),
    at: new Date(atMs).toISOString(),
    bytes: data?.length ?? null,
  };
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const kept = data?.subarray(0, Math.max(0, entryBytesMax - line.length)) ?? new Uint8Array();
  const entry = new Uint8Array(line.length + kept.length);
  entry.set(line);
  entry.set(kept, line.length);
  return entry;
}

/** undefined when it is none of ours. */
export function decodeEntry(entry: NodeData): JournalEntry | undefined {
  const end = entry?.indexOf(newline) ?? -1;
  if (entry === null || end < 0) return undefined;
  try {
    const header = JSON.parse(new TextDecoder().decode(entry.subarray(0, end))) as Record<string, unknown>;
    const { schema, path, kind, version, mzxid, at, bytes } = header;
    const isOurs =
      schema === 1 &&
      typeof path === "string" &&
      journalKinds.includes(kind as JournalKind) &&
      typeof version === "number" &&
      typeof mzxid === "string" &&
      typeof at === "string" &&
      (bytes === null || typeof bytes === "number");
    if (!isOurs) return undefined;
    return {
      path,
      kind: kind as JournalKind,
      version,
      mzxid,
      at,
      bytes,
      data: bytes === null ? null : entry.slice(end + 1),
    };
  } catch {
    return undefined;
  }
}

const newline = 10;
