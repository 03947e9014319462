import { errorCodes, errorName, ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { Acl, NodeData, Stat, WriteOp, ZooKeeper, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { decideClaim, type LinkNodes, type StopCode } from "../core/claim.ts";
import type { Checkpoint, StoredCheckpoint, WriteOutcome } from "../core/link-events.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { type LinkLayout, linksRoot, ownRoot } from "./layout.ts";

/** Both ends of a link, and how its own znodes are protected. */
export interface FenceOptions {
  readonly layout: LinkLayout;
  readonly source: ZooKeeper;
  readonly target: ZooKeeper;
  /** ACL of /crossidc and everything of ours below. */
  readonly ownAcl: readonly Acl[];
  /** Names this process and no other, in the fence's data. */
  readonly instance: string;
  readonly wallTime: () => number;
}

export type ClaimOutcome =
  | { readonly kind: "claimed"; readonly epoch: bigint; readonly checkpoint: StoredCheckpoint | undefined }
  | { readonly kind: "refused"; readonly code: StopCode; readonly detail: string };

/** Claims that another replicator may win before ours is given up. */
const claimAttempts = 3;

/**
 * Takes the link's fence over, or finds that the one this process `held` before a lost session still stands. Each step may be
 * lost or repeated: a claim that went through unseen is simply taken over again, one epoch higher. ARCHITECTURE.md has the
 * crash table.
 */
export async function claimFence(
  options: FenceOptions,
  held: bigint | undefined,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  const { layout, target } = options;
  const claimed = held === undefined ? await takeOver(options, signal) : await stillOurs(options, held, signal);
  if (claimed.kind === "refused") return claimed;
  const stored = await nodeOf(target, layout.checkpoint, signal);
  const checkpoint =
    stored?.data && decodeCheckpoint({ data: stored.data, mark: stored.stat.mzxid }, options.wallTime());
  if (stored !== undefined && !checkpoint) {
    const detail = `${layout.checkpoint} cannot be read as a checkpoint: whether the source went back cannot be told`;
    return { kind: "refused", code: "claim-failed", detail };
  }
  if (!checkpoint) return { kind: "claimed", epoch: claimed.epoch, checkpoint: undefined };
  const source = await sourceZxid(options.source, signal);
  if (source < checkpoint.sourceZxid) {
    return {
      kind: "refused",
      code: "source-went-back",
      detail: `The source is at zxid 0x${source.toString(16)}, but the target already has what it said at 0x${checkpoint.sourceZxid.toString(16)}: it was restored, wiped, or is another one`,
    };
  }
  // Without rules it was only created: nothing was written under it yet.
  return { kind: "claimed", epoch: claimed.epoch, checkpoint: checkpoint.rules === "" ? undefined : checkpoint };
}

/** One multi: the fence of `checkpoint.epoch` stands, the operations, the checkpoint (I5). */
export async function writeFenced(
  options: FenceOptions,
  ops: readonly WriteOp[],
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const { layout, target } = options;
  const fence = layout.fence(checkpoint.epoch);
  const outcome = await target.multi(
    [
      { kind: "check", path: fence, version: -1 },
      ...ops,
      { kind: "set", path: layout.checkpoint, data: encodeCheckpoint(checkpoint, options.wallTime()), version: -1 },
    ],
    { signal },
  );
  if (outcome.kind === "applied") return { ...outcome, results: outcome.results.slice(1, -1) };
  if (outcome.failedAt === 0) return { kind: "fenced", detail: `${fence} is gone (${errorName(outcome.code)})` };
  if (outcome.failedAt > ops.length)
    return { kind: "fenced", detail: `${layout.checkpoint} is gone (${errorName(outcome.code)})` };
  return { ...outcome, failedAt: outcome.failedAt - 1 };
}

type Owned = { readonly kind: "claimed"; readonly epoch: bigint } | Extract<ClaimOutcome, { kind: "refused" }>;

/** Still there and still the one we made: a target that was emptied meanwhile may have got a new one of the same epoch. */
async function stillOurs(options: FenceOptions, held: bigint, signal: AbortSignal): Promise<Owned> {
  const { layout, target, instance } = options;
  const fence = layout.fence(held);
  // What was on its way when the session broke is decided by now, and the compare that follows sees it.
  await target.sync("/", { signal });
  const owner = ownerOf((await nodeOf(target, fence, signal))?.data ?? null);
  if (owner === instance) return { kind: "claimed", epoch: held };
  const found = owner === undefined ? "is gone" : `is now ${owner}'s`;
  return { kind: "refused", code: "fenced", detail: `${fence} ${found}: another replicator has taken the link over` };
}

async function takeOver(options: FenceOptions, signal: AbortSignal): Promise<Owned> {
  let detail = "";
  for (let attempt = 1; attempt <= claimAttempts; attempt++) {
    const decision = decideClaim(await readNodes(options, signal));
    if (decision.kind === "refuse") return { kind: "refused", code: decision.code, detail: decision.detail };
    const ops =
      decision.kind === "create"
        ? await createOps(options, decision.epoch, signal)
        : takeOverOps(options, decision.from, decision.epoch);
    const outcome = await options.target.multi(ops, { signal });
    if (outcome.kind === "applied") {
      await ensureCheckpoint(options, decision.epoch, signal);
      return { kind: "claimed", epoch: decision.epoch };
    }
    const failed = ops[outcome.failedAt];
    detail = `${failed?.kind} ${failed?.path}: ${errorName(outcome.code)}`;
    if (outcome.code !== errorCodes.noNode && outcome.code !== errorCodes.nodeExists) {
      return { kind: "refused", code: "claim-failed", detail: `The target refused the claim: ${detail}` };
    }
  }
  return {
    kind: "refused",
    code: "fenced",
    detail: `Other replicators were faster ${claimAttempts} times, the last time at ${detail}`,
  };
}

async function readNodes({ layout, source, target }: FenceOptions, signal: AbortSignal): Promise<LinkNodes> {
  const side = async (client: ZooKeeper): Promise<LinkNodes["source"]> => {
    const fences = await childrenOf(client, layout.fences, signal);
    if (fences !== undefined) return { fences };
    return (await client.exists(layout.link, { signal })) === null ? undefined : { fences: [] };
  };
  const [ofSource, ofTarget] = await Promise.all([side(source), side(target)]);
  return { source: ofSource, target: ofTarget };
}

async function createOps(options: FenceOptions, epoch: bigint, signal: AbortSignal): Promise<WriteOp[]> {
  const { layout, ownAcl: acl, target } = options;
  for (const path of [ownRoot, linksRoot]) await createIfAbsent(target, path, acl, signal);
  return [
    { kind: "create", path: layout.link, data: null, acl },
    { kind: "create", path: layout.fences, data: null, acl },
    { kind: "create", path: layout.fence(epoch), data: fenceData(options), acl },
  ];
}

function takeOverOps(options: FenceOptions, from: bigint, epoch: bigint): WriteOp[] {
  const { layout, ownAcl: acl } = options;
  return [
    { kind: "delete", path: layout.fence(from), version: -1 },
    { kind: "create", path: layout.fence(epoch), data: fenceData(options), acl },
  ];
}

/** Every batch sets the checkpoint, so it must be there. Created under the fence, like all that follows. */
async function ensureCheckpoint(options: FenceOptions, epoch: bigint, signal: AbortSignal): Promise<void> {
  const { layout, target, ownAcl: acl } = options;
  if ((await target.exists(layout.checkpoint, { signal })) !== null) return;
  const empty = { epoch, sourceZxid: 0n as Zxid, rules: "", brake: { engaged: undefined, deletes: [] } };
  const data = encodeCheckpoint(empty, options.wallTime());
  await target.multi(
    [
      { kind: "check", path: layout.fence(epoch), version: -1 },
      { kind: "create", path: layout.checkpoint, data, acl },
    ],
    { signal },
  );
}

function ownerOf(data: NodeData): string | undefined {
  try {
    const { instance } = JSON.parse(new TextDecoder().decode(data ?? undefined)) as { instance?: unknown };
    return typeof instance === "string" ? instance : undefined;
  } catch {
    return undefined;
  }
}

function fenceData({ instance, wallTime }: FenceOptions): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ schema: 1, instance, at: new Date(wallTime()).toISOString() }));
}

/** Where the source stands, asked of its leader. */
async function sourceZxid(source: ZooKeeper, signal: AbortSignal): Promise<Zxid> {
  await source.sync("/", { signal });
  await source.exists("/", { signal });
  return source.lastZxid;
}

async function childrenOf(
  client: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    return (await client.getChildren(path, { signal })).children;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

async function nodeOf(
  client: ZooKeeper,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly data: NodeData; readonly stat: Stat } | undefined> {
  try {
    return await client.getData(path, { signal });
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

async function createIfAbsent(
  client: ZooKeeper,
  path: string,
  acl: readonly Acl[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(path, null, { acl, signal });
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.is("nodeExists"))) throw error;
  }
}
