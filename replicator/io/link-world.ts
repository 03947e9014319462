import type { WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { Identity } from "../core/acl.ts";
import type { AclWrite, AclWriteOutcome, Checkpoint, ClaimRequest, WatchMode } from "../core/link-events.ts";
import type { Tombstone } from "../core/tombstones.ts";
import { learnIdentities, writeAclsFenced } from "./acls.ts";
import { type ClaimOutcome, claimFence, type FenceOptions } from "./fence.ts";
import type { JournalStore } from "./journal.ts";
import type { Latch } from "./latch.ts";
import { isRefusal, type Reader } from "./reader.ts";
import { forgetTombstones, readTombstones, writeTombstones } from "./tombstones.ts";

/**
 * What a link's commands do to the two ensembles. A rejected promise means that a session was lost: the answer is unknown, and
 * a `disconnected` event says the same.
 */
export interface LinkWorld {
  /** Resolves once this process leads; `onWaiting` is told who does until then. */
  lead(
    onWaiting: (leader: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly kind: "leading"; readonly kept: boolean } | Extract<ClaimOutcome, { kind: "refused" }>>;
  leaveToOthers(signal: AbortSignal): Promise<void>;
  claim(
    request: ClaimRequest,
    signal: AbortSignal,
  ): Promise<ClaimOutcome & { readonly own?: readonly Identity[]; readonly tombstones?: readonly Tombstone[] }>;
  arm(roots: readonly string[], signal: AbortSignal): Promise<WatchMode>;
  readonly read: Reader["read"];
  readonly readAcls: Reader["readAcls"];
  readonly write: JournalStore["write"];
  writeAcls(writes: readonly AclWrite[], checkpoint: Checkpoint, signal: AbortSignal): Promise<AclWriteOutcome>;
}

export function createLinkWorld(
  options: FenceOptions & {
    readonly reader: Reader;
    readonly latch: Latch;
    readonly journal: JournalStore;
    /** Called at each claim; undefined: ACLs are not copied, and nobody asks. */
    readonly onIdentities: ((own: readonly Identity[]) => void) | undefined;
    readonly keepsTombstones: boolean;
    /** Told of operations that the target has acknowledged. */
    readonly onApplied: ((ops: readonly WriteOp[]) => void) | undefined;
  },
): LinkWorld {
  const { journal, latch, layout, reader, source, target } = options;
  return {
    async lead(onWaiting, signal) {
      try {
        await reader.probe(signal);
        const { kept } = await latch.lead({ watch: !reader.isOld("target"), onWaiting }, signal);
        return { kind: "leading", kept };
      } catch (error) {
        return refusedBy(error);
      }
    },
    leaveToOthers: latch.leaveToOthers,
    async claim(request, signal) {
      try {
        const outcome = await claimFence(options, request, signal);
        // Without it a replicator that was taken over from would notice at its next write only.
        if (outcome.kind === "claimed" && !reader.isOld("target")) {
          await target.addWatch(layout.pause, { recursive: false, signal });
          const fence = layout.fence(outcome.fence.name);
          await target.addWatch(fence, { recursive: false, signal });
          if ((await target.exists(fence, { signal })) === null) {
            return { kind: "refused", code: "fenced", detail: `${fence} was deleted as soon as it was ours` };
          }
        }
        if (outcome.kind === "refused") return outcome;
        await journal.open(outcome.fence, signal);
        if (!options.keepsTombstones) await forgetTombstones(options, outcome.fence, signal);
        const tombstones = options.keepsTombstones ? await readTombstones(options, signal) : [];
        if (options.onIdentities === undefined) return { ...outcome, tombstones };
        const own = await learnIdentities(target, layout.fence(outcome.fence.name), signal);
        options.onIdentities(own);
        return { ...outcome, own, tombstones };
      } catch (error) {
        return refusedBy(error);
      }
    },
    async arm(roots, signal) {
      if (reader.isOld("source")) return "polling";
      for (const root of roots) await source.addWatch(root, { recursive: true, signal });
      return "recursive";
    },
    read: reader.read,
    readAcls: reader.readAcls,
    async write(batch, signal) {
      const { tombstones } = batch.checkpoint;
      if (tombstones === undefined) {
        const outcome = await journal.write(batch, signal);
        if (outcome.kind === "applied") options.onApplied?.(batch.ops);
        return outcome;
      }
      return await writeTombstones(options, tombstones, (op) => journal.write({ ...batch, ops: [op] }, signal));
    },
    writeAcls: (writes, checkpoint, signal) => writeAclsFenced(options, writes, checkpoint, signal),
  };
}

/** @throws the error itself, unless it is the server's own no */
function refusedBy(error: unknown): Extract<ClaimOutcome, { kind: "refused" }> {
  if (!isRefusal(error)) throw error;
  return { kind: "refused", code: "claim-failed", detail: error.message };
}
