import type { NodeData, Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { Checkpoint } from "../core/link-events.ts";

/**
 * The checkpoint znode's data: JSON with a schema version, 64-bit numbers as decimal strings.
 * Written in the same multi as the nodes it speaks of; `at` is wall time, for people.
 */
export function encodeCheckpoint(checkpoint: Checkpoint, atMs: number): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      schema: 1,
      epoch: checkpoint.epoch.toString(),
      sourceZxid: checkpoint.sourceZxid.toString(),
      rules: checkpoint.rules,
      at: new Date(atMs).toISOString(),
    }),
  );
}

/** The source zxid of a checkpoint; undefined when the data is not one of ours. */
export function checkpointZxid(data: NodeData): Zxid | undefined {
  try {
    const { schema, sourceZxid } = JSON.parse(new TextDecoder().decode(data ?? undefined)) as {
      schema: unknown;
      sourceZxid: unknown;
    };
    if (schema !== 1 || typeof sourceZxid !== "string" || !/^\d{1,19}$/.test(sourceZxid)) return undefined;
    return BigInt(sourceZxid) as Zxid;
  } catch {
    return undefined;
  }
}
