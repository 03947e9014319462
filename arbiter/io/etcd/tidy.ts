import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { CallOptions, Members } from "#lib/etcd/members.ts";
import { parseKey } from "../../core/keys.ts";
import { prefixEnd } from "./read.ts";

/** Decisions kept of each set. */
export const decisionsPerSetMax = 1_000;
/** Revisions kept for watches that come late: some two hours of three sites' beats. */
export const revisionsKept = 100_000n;
const deletesPerTxnMax = 100;

export interface Tidied {
  readonly deleted: number;
  /** null: there was nothing to compact. */
  readonly compactedTo: bigint | null;
}

/** Deletes the oldest decisions and compacts etcd's history: beats alone are a million revisions a day. */
export async function tidy(
  { members, clock, prefix }: { members: Members; clock: Clock; prefix: string },
  { keepPerSet, keepRevisions, signal }: { keepPerSet: number; keepRevisions: bigint; signal: AbortSignal },
): Promise<Tidied> {
  const begin = (): CallOptions => ({ startedAt: clock.now(), signal });
  const folder = `${prefix}decisions/`;
  const { kvs, header } = await members.call(
    "list of decisions",
    (etcd, call) => etcd.kv.range({ key: Buffer.from(folder), range_end: prefixEnd(folder), keys_only: true }, call),
    begin(),
  );
  const old = beyond(
    kvs.map(({ key }) => key.toString().slice(prefix.length)),
    keepPerSet,
  );
  for (let from = 0; from < old.length; from += deletesPerTxnMax) {
    const success = old
      .slice(from, from + deletesPerTxnMax)
      .map((key) => ({ request_delete_range: { key: Buffer.from(prefix + key) } }));
    await members.call("delete of old decisions", (etcd, call) => etcd.kv.txn({ success }, call), begin());
  }
  const compactedTo = BigInt(header.revision) - keepRevisions;
  if (compactedTo <= 0n) return { deleted: old.length, compactedTo: null };
  try {
    await members.call("compaction", (etcd, call) => etcd.kv.compact({ revision: String(compactedTo) }, call), begin());
  } catch (error) {
    // Another site was quicker.
    if (!messageOf(error).includes("has been compacted")) throw error;
    return { deleted: old.length, compactedTo: null };
  }
  return { deleted: old.length, compactedTo };
}

/** The keys of all but the last `keep` decisions of each set. */
function beyond(keys: readonly string[], keep: number): string[] {
  const bySet = new Map<string, { key: string; epoch: number }[]>();
  for (const key of keys) {
    const parsed = parseKey(key);
    if (parsed?.kind !== "decision") continue;
    const decisions = bySet.get(parsed.set) ?? [];
    decisions.push({ key, epoch: parsed.epoch });
    bySet.set(parsed.set, decisions);
  }
  return [...bySet.values()].flatMap((decisions) =>
    decisions
      .toSorted((a, b) => b.epoch - a.epoch)
      .slice(keep)
      .map(({ key }) => key),
  );
}
