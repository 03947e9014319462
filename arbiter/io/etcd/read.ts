import type { IKeyValue } from "etcd3/lib/rpc.js";
import type { CallOptions, Member, Members } from "#lib/etcd/members.ts";
import type { LedgerEntry } from "../../core/events.ts";

/** Keys of one page: a few MB at most. */
const pageKeysMax = 500;

export interface Reading {
  readonly entries: readonly LedgerEntry[];
  readonly revision: bigint;
  readonly clusterId: string;
}

/**
 * Everything below the prefix, as it was at one revision. The revision is that of a write, answered by the very member that
 * is read then: a linearizable read may be stale on etcd 3.4.20 and later after a pause (etcd issue 20418), a write's answer
 * is not, and a member that has given it has applied all that was before.
 */
export async function readAll(
  members: Members,
  member: Member,
  { prefix, proof, begin }: { prefix: string; proof: string; begin: () => CallOptions },
): Promise<Reading> {
  const { header } = await members.callAt(
    member,
    "proof",
    (etcd, call) => etcd.kv.put({ key: Buffer.from(prefix + proof), value: Buffer.alloc(0) }, call),
    begin(),
  );
  const entries: LedgerEntry[] = [];
  const end = prefixEnd(prefix);
  for (let key: Buffer | undefined = Buffer.from(prefix); key !== undefined; ) {
    const from: Buffer = key;
    const page = await members.callAt(
      member,
      "full reading",
      (etcd, call) =>
        etcd.kv.range(
          { key: from, range_end: end, revision: header.revision, limit: pageKeysMax, serializable: true },
          call,
        ),
      begin(),
    );
    entries.push(...page.kvs.map((each) => entryOf(each, prefix)));
    const last = page.kvs.at(-1);
    key = page.more && last !== undefined ? Buffer.concat([last.key, Buffer.of(0)]) : undefined;
  }
  return { entries, revision: BigInt(header.revision), clusterId: header.cluster_id };
}

/** The entries below a folder, the newest change first. For people: it may be a little old. */
export async function readNewest(
  members: Members,
  { prefix, below, limit, call }: { prefix: string; below: string; limit: number; call: CallOptions },
): Promise<readonly LedgerEntry[]> {
  const folder = prefix + below;
  const { kvs } = await members.call(
    "list",
    (etcd, options) =>
      etcd.kv.range(
        { key: Buffer.from(folder), range_end: prefixEnd(folder), limit, sort_target: "Mod", sort_order: "Descend" },
        options,
      ),
    call,
  );
  return kvs.map((each) => entryOf(each, prefix));
}

export function entryOf(each: IKeyValue, prefix: string): LedgerEntry {
  return {
    key: each.key.toString().slice(prefix.length),
    text: each.value.toString(),
    revision: BigInt(each.mod_revision),
  };
}

/** The first key that does not start with `prefix`. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  // Prefixes end with "/".
  end.writeUInt8((end.at(-1) ?? 0) + 1, end.length - 1);
  return end;
}
