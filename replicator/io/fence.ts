import { errorCodes, errorName } from "#lib/zookeeper/errors.ts";
import type { Acl, WriteOp, ZooKeeper, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { decideClaim, type Fence, fenceOf, type LinkNodes, type StopCode } from "../core/claim.ts";
import { fencedBatch, outcomeOfBatch } from "../core/fenced.ts";
import type { Checkpoint, ClaimRequest, Pause, StoredCheckpoint, WriteOutcome } from "../core/link-events.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { type LinkLayout, linksRoot, ownRoot } from "./layout.ts";
import { childrenOf, createIfAbsent, nodeOf } from "./nodes.ts";
import { readPause } from "./pause.ts";
import { firstDenied } from "./witnesses.ts";

/** Both ends of a link, and how its own znodes are protected. */
export interface FenceOptions {
  readonly layout: LinkLayout;
  readonly source: ZooKeeper;
  readonly target: ZooKeeper;
  /** ACL of /crossidc and everything of ours below. */
  readonly ownAcl: readonly Acl[];
  /** Names this process and no other, in the data of its fence and its place in the latch. */
  readonly instance: string;
  /** 8 hexadecimal digits, different at each call. */
  readonly newClaim: () => string;
  readonly wallTime: () => number;
}

export type ClaimOutcome =
  | {
      readonly kind: "claimed";
      readonly fence: Fence;
      readonly checkpoint: StoredCheckpoint | undefined;
      readonly pause: Pause | undefined;
    }
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
  request: ClaimRequest,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  const { layout } = options;
  const { held, seen, witnesses, sourceWins, init } = request;
  const claimed = held === undefined ? await takeOver(options, init, signal) : await stillOurs(options, held, signal);
  if (claimed.kind === "refused") return claimed;
  const stored = await readCheckpoint(options, signal);
  if (stored === "unreadable") {
    const detail = `${layout.checkpoint} cannot be read as a checkpoint: whether the source went back cannot be told`;
    return { kind: "refused", code: "claim-failed", detail };
  }
  const source = await sourceZxid(options.source, signal);
  const known = stored !== undefined && stored.sourceZxid > seen ? stored.sourceZxid : seen;
  if (source < known && !sourceWins) {
    return {
      kind: "refused",
      code: "source-went-back",
      detail: `The source is at zxid 0x${source.toString(16)}, but the target already has what it said at 0x${known.toString(16)}: it was restored, wiped, or is another one`,
    };
  }
  const denied = sourceWins
    ? undefined
    : await firstDenied(options.source, [...(stored?.witnesses ?? []), ...witnesses], signal);
  if (denied !== undefined) return { kind: "refused", code: "source-went-back", detail: denied };
  const pause = await readPause(options, signal);
  // Without rules it was only created: nothing was written under it yet.
  if (stored === undefined || stored.rules === "") return { ...claimed, checkpoint: undefined, pause };
  return { ...claimed, checkpoint: sourceWins ? { ...stored, sourceZxid: source } : stored, pause };
}

/** One multi: the fence of `checkpoint.epoch` stands, the operations, the checkpoint (I5). */
export async function writeFenced(
  options: FenceOptions,
  ops: readonly WriteOp[],
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const { layout, target } = options;
  const paths = { fence: layout.fence(checkpoint.fence.name), checkpoint: layout.checkpoint };
  const batch = fencedBatch(paths, ops, encodeCheckpoint(checkpoint, options.wallTime()));
  return outcomeOfBatch(paths, ops, await target.multi(batch, { signal }));
}

type Owned = { readonly kind: "claimed"; readonly fence: Fence } | Extract<ClaimOutcome, { kind: "refused" }>;

async function stillOurs(options: FenceOptions, held: Fence, signal: AbortSignal): Promise<Owned> {
  const { layout, target } = options;
  const path = layout.fence(held.name);
  // What was on its way when the session broke is decided by now, and the compare that follows sees it.
  await target.sync("/", { signal });
  if ((await target.exists(path, { signal })) !== null) return { kind: "claimed", fence: held };
  const detail = `${path} is gone although this replicator leads: another one has taken the link over`;
  return { kind: "refused", code: "fenced", detail };
}

async function takeOver(options: FenceOptions, init: boolean, signal: AbortSignal): Promise<Owned> {
  let detail = "";
  for (let attempt = 1; attempt <= claimAttempts; attempt++) {
    const nodes = await readNodes(options, signal);
    const stored = init ? await readCheckpoint(options, signal) : undefined;
    const decision = decideClaim(nodes, { init, lastEpoch: typeof stored === "object" ? stored.epoch : 0n });
    if (decision.kind === "refuse") return { kind: "refused", code: decision.code, detail: decision.detail };
    const fence = fenceOf(decision.epoch, options.newClaim());
    const ops =
      decision.kind === "create"
        ? await createOps(options, fence, signal)
        : await takeOverOps(options, decision.from, fence, signal);
    const outcome = await options.target.multi(ops, { signal });
    if (outcome.kind === "applied") {
      await ensureCheckpoint(options, fence, signal);
      return { kind: "claimed", fence };
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

/** @returns undefined where there is none yet */
async function readCheckpoint(
  { layout, target, wallTime }: FenceOptions,
  signal: AbortSignal,
): Promise<StoredCheckpoint | "unreadable" | undefined> {
  const found = await nodeOf(target, layout.checkpoint, signal);
  if (found === undefined) return undefined;
  const { data, stat } = found;
  return (data === null ? undefined : decodeCheckpoint({ data, mark: stat.mzxid }, wallTime())) ?? "unreadable";
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

async function createOps(options: FenceOptions, fence: Fence, signal: AbortSignal): Promise<WriteOp[]> {
  const { layout, ownAcl: acl, target } = options;
  for (const path of [ownRoot, linksRoot]) await createIfAbsent(target, path, acl, signal);
  return [
    { kind: "create", path: layout.link, data: null, acl },
    { kind: "create", path: layout.fences, data: null, acl },
    { kind: "create", path: layout.fence(fence.name), data: fenceData(options), acl },
  ];
}

async function takeOverOps(
  options: FenceOptions,
  from: readonly string[],
  fence: Fence,
  signal: AbortSignal,
): Promise<WriteOp[]> {
  const { layout, ownAcl: acl, target } = options;
  // Somebody may have deleted the folder with the fence in it.
  if (from.length === 0) await createIfAbsent(target, layout.fences, acl, signal);
  return [
    ...from.map((name) => ({ kind: "delete", path: layout.fence(name), version: -1 }) as const),
    { kind: "create", path: layout.fence(fence.name), data: fenceData(options), acl },
  ];
}

/** Every batch sets the checkpoint, so it must be there. Created under the fence, like all that follows. */
async function ensureCheckpoint(options: FenceOptions, fence: Fence, signal: AbortSignal): Promise<void> {
  const { layout, target, ownAcl: acl } = options;
  if ((await target.exists(layout.checkpoint, { signal })) !== null) return;
  const brake = { engaged: undefined, deletes: [] };
  const empty = { fence, sourceZxid: 0n as Zxid, rules: "", brake, witnesses: [], sourceWins: undefined };
  const data = encodeCheckpoint(empty, options.wallTime());
  await target.multi(
    [
      { kind: "check", path: layout.fence(fence.name), version: -1 },
      { kind: "create", path: layout.checkpoint, data, acl },
    ],
    { signal },
  );
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
