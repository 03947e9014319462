import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { NodeData, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { Fence } from "../core/claim.ts";
import type { WriteOutcome } from "../core/link-events.ts";
import type { Tombstone } from "../core/tombstones.ts";
import type { FenceOptions } from "./fence.ts";
import { dataOf } from "./nodes.ts";

/**
 * The tombstones of a link stand in one znode: JSON with a schema version, and for each target path since when its source is
 * gone, ms of wall time. Written under the fence, a moment late: what a crash loses of it makes a grace longer, or begins it anew.
 */
interface Stored {
  readonly schema: 1;
  readonly goneSince: Readonly<Record<string, number>>;
}

/** What cannot be read counts as none: then each grace begins anew. */
export async function readTombstones(
  { layout, target, wallTime }: Pick<FenceOptions, "layout" | "target" | "wallTime">,
  signal: AbortSignal,
): Promise<readonly Tombstone[]> {
  const data = await dataOf(target, layout.tombstones, signal);
  return data === undefined ? [] : decodeTombstones(data, wallTime());
}

/** A link that keeps none any more must not find old ones when it does again. */
export async function forgetTombstones(options: FenceOptions, fence: Fence, signal: AbortSignal): Promise<void> {
  const { layout, target } = options;
  if ((await target.exists(layout.tombstones, { signal })) === null) return;
  await target.multi(
    [
      { kind: "check", path: layout.fence(fence.name), version: -1 },
      { kind: "delete", path: layout.tombstones, version: -1 },
    ],
    { signal },
  );
}

/** @param write carries one operation out, with fence and checkpoint */
export async function writeTombstones(
  { layout, ownAcl: acl, wallTime }: Pick<FenceOptions, "layout" | "ownAcl" | "wallTime">,
  list: readonly Tombstone[],
  write: (op: WriteOp) => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  const path = layout.tombstones;
  const data = encodeTombstones(list, wallTime());
  const outcome = await write({ kind: "set", path, data, version: -1 });
  if (outcome.kind !== "refused" || outcome.code !== errorCodes.noNode) return outcome;
  return await write({ kind: "create", path, data, acl });
}

export function encodeTombstones(list: readonly Tombstone[], atMs: number): Uint8Array {
  const goneSince = Object.fromEntries(list.map(({ path, ageMs }) => [path, Math.round(atMs - ageMs)]));
  const stored: Stored = { schema: 1, goneSince };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** Clocks differ between machines: a stamp in the future counts as now. */
export function decodeTombstones(data: NodeData, atMs: number): readonly Tombstone[] {
  try {
    const { schema, goneSince } = JSON.parse(new TextDecoder().decode(data ?? undefined)) as Record<string, unknown>;
    if (schema !== 1 || typeof goneSince !== "object" || goneSince === null) return [];
    return Object.entries(goneSince).flatMap(([path, since]: [string, unknown]) =>
      typeof since === "number" && path.startsWith("/") ? [{ path, ageMs: Math.max(0, atMs - since) }] : [],
    );
  } catch {
    return [];
  }
}
