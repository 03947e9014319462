import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Acl, NodeData, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import type { Pause } from "../core/link-events.ts";
import type { LinkLayout } from "./layout.ts";
import { createIfAbsent, dataOf } from "./nodes.ts";

/**
 * A pause is a znode, so that it outlives the process and the take-over: JSON with a schema version. An operator may ask any
 * replicator of the link for it, also one that does not lead, so it carries no fence; it writes nothing but itself.
 */
interface PauseOptions {
  readonly layout: LinkLayout;
  readonly target: ZooKeeper;
  readonly ownAcl: readonly Acl[];
  readonly wallTime: () => number;
}

const unreadable: Pause = { reason: "The pause node cannot be read: resume to end the pause", at: "" };

export async function readPause(
  { layout, target }: Pick<PauseOptions, "layout" | "target">,
  signal: AbortSignal,
): Promise<Pause | undefined> {
  const data = await dataOf(target, layout.pause, signal);
  return data === undefined ? undefined : decodePause(data);
}

/** @throws ZooKeeperError noNode when the link has never run */
export async function writePause(options: PauseOptions, reason: string, signal: AbortSignal): Promise<void> {
  const { layout, target, ownAcl, wallTime } = options;
  const data = new TextEncoder().encode(JSON.stringify({ schema: 1, reason, at: new Date(wallTime()).toISOString() }));
  await createIfAbsent(target, layout.pause, ownAcl, signal, data);
}

export async function deletePause({ layout, target }: PauseOptions, signal: AbortSignal): Promise<void> {
  try {
    await target.delete(layout.pause, -1, { signal });
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.is("noNode"))) throw error;
  }
}

/** What nobody can read still is a pause. */
function decodePause(data: NodeData): Pause {
  try {
    const { reason, at } = JSON.parse(new TextDecoder().decode(data ?? undefined)) as Record<string, unknown>;
    return typeof reason === "string" && typeof at === "string" ? { reason, at } : unreadable;
  } catch {
    return unreadable;
  }
}
