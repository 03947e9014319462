import type { WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { Identity } from "../core/acl.ts";
import type { AclWrite, AclWriteOutcome, Checkpoint, WatchMode, WriteOutcome } from "../core/link-events.ts";
import { learnIdentities, writeAclsFenced } from "./acls.ts";
import { type ClaimOutcome, claimFence, type FenceOptions, writeFenced } from "./fence.ts";
import { isRefusal, type Reader } from "./reader.ts";

/**
 * What a link's commands do to the two ensembles. A rejected promise means that a session was lost: the answer is unknown, and
 * a `disconnected` event says the same.
 */
export interface LinkWorld {
  claim(held: bigint | undefined, signal: AbortSignal): Promise<ClaimOutcome & { readonly own?: readonly Identity[] }>;
  arm(roots: readonly string[], signal: AbortSignal): Promise<WatchMode>;
  readonly read: Reader["read"];
  readonly readAcls: Reader["readAcls"];
  write(ops: readonly WriteOp[], checkpoint: Checkpoint, signal: AbortSignal): Promise<WriteOutcome>;
  writeAcls(writes: readonly AclWrite[], checkpoint: Checkpoint, signal: AbortSignal): Promise<AclWriteOutcome>;
}

export function createLinkWorld(
  options: FenceOptions & {
    readonly reader: Reader;
    /** Called at each claim; undefined: ACLs are not copied, and nobody asks. */
    readonly onIdentities: ((own: readonly Identity[]) => void) | undefined;
  },
): LinkWorld {
  const { layout, reader, source, target } = options;
  return {
    async claim(held, signal) {
      try {
        await reader.probe(signal);
        const outcome = await claimFence(options, held, signal);
        // Without it a replicator that was taken over from would notice at its next write only.
        if (outcome.kind === "claimed" && !reader.isOld("target")) {
          const fence = layout.fence(outcome.epoch);
          await target.addWatch(fence, { recursive: false, signal });
          if ((await target.exists(fence, { signal })) === null) {
            return { kind: "refused", code: "fenced", detail: `${fence} was deleted as soon as it was ours` };
          }
        }
        if (outcome.kind === "refused" || options.onIdentities === undefined) return outcome;
        const own = await learnIdentities(target, layout.fence(outcome.epoch), signal);
        options.onIdentities(own);
        return { ...outcome, own };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return { kind: "refused", code: "claim-failed", detail: error.message };
      }
    },
    async arm(roots, signal) {
      if (reader.isOld("source")) return "polling";
      for (const root of roots) await source.addWatch(root, { recursive: true, signal });
      return "recursive";
    },
    read: reader.read,
    readAcls: reader.readAcls,
    async write(ops, checkpoint, signal) {
      try {
        return await writeFenced(options, ops, checkpoint, signal);
      } catch (error) {
        // Refused as a whole, for example by a server that lacks one of the operations: none of it was applied.
        if (!isRefusal(error)) throw error;
        return { kind: "refused", failedAt: 0, code: error.zkCode };
      }
    },
    writeAcls: (writes, checkpoint, signal) => writeAclsFenced(options, writes, checkpoint, signal),
  };
}
