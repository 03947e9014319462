import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { Acl, WriteOp } from "#lib/zookeeper/zookeeper.ts";
import type { Fence } from "../core/claim.ts";
import type { Overwritten } from "../core/drift.ts";
import { createJournal, isJournalId, journalLimits } from "../core/journal.ts";
import type { Checkpoint, WriteOutcome } from "../core/link-events.ts";
import { type FenceOptions, writeFenced } from "./fence.ts";
import { decodeEntry, encodeEntry, type JournalEntry } from "./journal-entry.ts";
import { childrenOf, dataOf } from "./nodes.ts";
import { isRefusal } from "./reader.ts";

/** The drift journal in the target: what others had written there, kept in the multi that overwrites it. */
export interface JournalStore {
  readonly entries: number;
  readonly bytes: number;
  /** Call with each claim: makes the journal's folder under the fence if there is none, and reads what it holds. */
  open(fence: Fence, signal: AbortSignal): Promise<void>;
  /** Carries out the operations and keeps what they overwrite; see ARCHITECTURE.md's crash table. */
  write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome>;
}

interface Batch {
  readonly ops: readonly WriteOp[];
  readonly journal: readonly Overwritten[];
  readonly checkpoint: Checkpoint;
}

type JournalOptions = FenceOptions & {
  /** Of its folder and its entries: what others wrote is not for everybody to read. */
  readonly journalAcl: readonly Acl[];
};

/** Operations with more bytes than this do not go into one packet with the entries that they cause (jute.maxbuffer: 1,048,575). */
const bytesTogetherMax = 1_000_000;
const opOverheadBytes = 100;
/** How often a multi is composed anew because the journal was not as it should be. */
const writeAttempts = 3;

export function createJournalStore(options: JournalOptions): JournalStore {
  const { layout, target, journalAcl: acl, wallTime } = options;
  const journal = createJournal(journalLimits);
  /** The checkpoint never goes back, also when a batch is held up. */
  let newest: Checkpoint | undefined;

  const send = async (ops: readonly WriteOp[], checkpoint: Checkpoint, signal: AbortSignal): Promise<WriteOutcome> => {
    try {
      return await writeFenced(options, ops, checkpoint, signal);
    } catch (error) {
      // Refused as a whole, for example by a server that lacks one of the operations: none of it was applied.
      if (!isRefusal(error)) throw error;
      return { kind: "refused", failedAt: 0, code: error.zkCode };
    }
  };
  const load = async (signal: AbortSignal): Promise<void> => {
    const names = (await childrenOf(target, layout.drift, signal)) ?? [];
    const sizes = await Promise.all(
      names.filter(isJournalId).map(async (id) => {
        const stat = await target.exists(layout.driftEntry(id), { signal });
        return stat === null ? [] : [{ id, bytes: stat.dataLength }];
      }),
    );
    journal.load(sizes.flat());
  };
  const attempt = async ({ ops, journal: overwritten, checkpoint }: Batch, signal: AbortSignal): Promise<Attempt> => {
    const entries = overwritten.map((one) => encodeEntry(one, wallTime()));
    const change = journal.add(entries.map(({ length }) => length));
    const keeping: readonly WriteOp[] = [
      ...change.added.map(({ id }, at) => createEntry(layout.driftEntry(id), entries[at] ?? null, acl)),
      ...change.evicted.map(({ id }) => ({ kind: "delete", path: layout.driftEntry(id), version: -1 }) as const),
    ];
    const isTogether = bytesOf(ops) + bytesOf(keeping) <= bytesTogetherMax;
    if (!isTogether) {
      const kept = await send(keeping, checkpoint, signal);
      if (kept.kind !== "applied") journal.undo(change);
      if (kept.kind === "refused") return { kind: "unkept", entry: kept.failedAt, code: kept.code };
      if (kept.kind === "fenced") return kept;
      return send(ops, newest ?? checkpoint, signal);
    }
    const outcome = await send([...ops, ...keeping], checkpoint, signal);
    if (outcome.kind === "applied") return { ...outcome, results: outcome.results.slice(0, ops.length) };
    journal.undo(change);
    if (outcome.kind === "fenced" || outcome.failedAt < ops.length) return outcome;
    return { kind: "unkept", entry: outcome.failedAt - ops.length, code: outcome.code };
  };

  return {
    get entries() {
      return journal.entries;
    },
    get bytes() {
      return journal.bytes;
    },
    async open(fence, signal) {
      if ((await target.exists(layout.drift, { signal })) === null) {
        await target.multi(
          [
            { kind: "check", path: layout.fence(fence.name), version: -1 },
            { kind: "create", path: layout.drift, data: null, acl },
          ],
          { signal },
        );
      }
      await load(signal);
    },
    async write(batch, signal) {
      newest = batch.checkpoint;
      if (batch.journal.length === 0) return send(batch.ops, batch.checkpoint, signal);
      let current = batch;
      for (let attempts = 1; ; attempts++) {
        const outcome = await attempt(current, signal);
        if (outcome.kind !== "unkept") return outcome;
        const wasChanged = outcome.code === errorCodes.noNode || outcome.code === errorCodes.nodeExists;
        if (!wasChanged || attempts === writeAttempts) {
          // What cannot be kept is not overwritten: it is that operation which is refused.
          const path = batch.journal[Math.min(outcome.entry, batch.journal.length - 1)]?.path;
          const failedAt = batch.ops.findIndex((op) => op.path === path);
          return { kind: "refused", failedAt: Math.max(0, failedAt), code: outcome.code };
        }
        // Somebody has changed the journal by hand.
        await load(signal);
        current = { ...batch, checkpoint: newest };
      }
    },
  };
}

/** `entry`: which of the journal's operations was refused. */
type Attempt = WriteOutcome | { readonly kind: "unkept"; readonly entry: number; readonly code: number };

/** All entries, oldest first, without their bytes. */
export async function listJournal(
  { layout, target }: Pick<FenceOptions, "layout" | "target">,
  signal: AbortSignal,
): Promise<readonly (JournalEntry & { readonly id: string })[]> {
  const ids = ((await childrenOf(target, layout.drift, signal)) ?? []).filter(isJournalId).toSorted();
  const entries: (JournalEntry & { readonly id: string })[] = [];
  for (let from = 0; from < ids.length; from += readTogetherMax) {
    const part = ids.slice(from, from + readTogetherMax);
    const read = await Promise.all(part.map((id) => readJournal({ layout, target }, id, signal)));
    entries.push(...read.flatMap((entry) => (entry === undefined ? [] : { ...entry, data: null })));
  }
  return entries;
}

/** Entries read at a time: each may have a megabyte. */
const readTogetherMax = 8;

export async function readJournal(
  { layout, target }: Pick<FenceOptions, "layout" | "target">,
  id: string,
  signal: AbortSignal,
): Promise<(JournalEntry & { readonly id: string }) | undefined> {
  if (!isJournalId(id)) return undefined;
  const entry = decodeEntry((await dataOf(target, layout.driftEntry(id), signal)) ?? null);
  return entry && { ...entry, id };
}

function createEntry(path: string, data: Uint8Array | null, acl: readonly Acl[]): WriteOp {
  return { kind: "create", path, data, acl };
}

function bytesOf(ops: readonly WriteOp[]): number {
  return ops.reduce((sum, op) => {
    const data = "data" in op ? (op.data?.length ?? 0) : 0;
    return sum + opOverheadBytes + 3 * op.path.length + data;
  }, 0);
}
