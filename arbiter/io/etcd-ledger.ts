import type { IRequestOp, ITxnRequest, ITxnResponse } from "etcd3/lib/rpc.js";
import { assert } from "#lib/assert.ts";
import type { Clock } from "#lib/clock.ts";
import { messageOf, OperatorError } from "#lib/errors.ts";
import { type CallOptions, type EtcdOptions, openMembers } from "#lib/etcd/members.ts";
import type { Logger } from "#lib/log.ts";
import type { Transaction } from "../core/events.ts";
import { operationsMax } from "../core/grouping.ts";
import { proofKey } from "../core/keys.ts";
import type { CommitOutcome, Ledger } from "../ledger.ts";
import { follow } from "./etcd/follow.ts";
import { createGrouped } from "./etcd/grouped.ts";
import { readHealth } from "./etcd/health.ts";
import { createLease } from "./etcd/lease.ts";
import { createPosition } from "./etcd/position.ts";
import { entryOf, readNewest } from "./etcd/read.ts";
import { decisionsPerSetMax, revisionsKept, type Tidied, tidy } from "./etcd/tidy.ts";

const codes = { unanswered: "ARB_LEDGER_UNANSWERED", refused: "ARB_LEDGER_REFUSED" } as const;
const revokeMsMax = 500;

export interface EtcdLedger extends Ledger {
  /** Deletes old decisions and compacts etcd's history. For one site at a time, now and then; more do no harm. */
  tidy(options: { signal: AbortSignal; keepPerSet?: number; keepRevisions?: bigint }): Promise<Tidied>;
}

export interface EtcdLedgerDeps {
  readonly etcd: EtcdOptions;
  /** Of all keys, with the environment: "/crossidc/prod/". */
  readonly prefix: string;
  readonly site: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The ledger in etcd. Connects when it is first asked. docs/decisions/0013-ledger-in-etcd.md has the reasons. */
export function openEtcdLedger({ etcd, prefix, site, clock, log }: EtcdLedgerDeps): EtcdLedger {
  assert(prefix.endsWith("/"), "the ledger's prefix ends with /");
  const members = openMembers(etcd, { clock, codes });
  const position = createPosition({ clock });
  const lease = createLease({ members, clock, log });
  const closing = new AbortController();
  const keeping = lease.keep(closing.signal);
  const proof = proofKey(site);

  const send = async (transaction: Transaction, options: CallOptions): Promise<CommitOutcome> => {
    const after = position.seen;
    const leased = transaction.puts.some(({ onLease }) => onLease);
    for (;;) {
      const leaseId = leased ? await lease.id(options) : undefined;
      const request = requestOf(transaction, { prefix, proof, leaseId });
      try {
        const response = await members.call("transaction", (client, call) => client.kv.txn(request, call), options);
        return outcomeOf(response, after);
      } catch (error) {
        if (leaseId === undefined || !messageOf(error).includes("lease not found")) throw error;
        lease.lost(leaseId);
      }
    }
  };

  const outcomeOf = ({ header, succeeded, responses }: ITxnResponse, after: bigint): CommitOutcome => {
    const revision = BigInt(header.revision);
    if (!position.accepts({ clusterId: header.cluster_id, revision, wrote: succeeded }, after)) {
      throw new OperatorError("ARB_LEDGER_UNANSWERED", `The answer is out of another history: ${position.replaced}`, {
        hint: "After a restore of etcd: idcctl set recover",
      });
    }
    if (succeeded) {
      position.wrote(revision);
      return { kind: "committed", revision };
    }
    const found = responses.flatMap(({ response_range }) => response_range?.kvs ?? []);
    return { kind: "outdated", entries: found.map((each) => entryOf(each, prefix)), revision };
  };

  const commit = createGrouped(send, clock);
  const prove = (signal: AbortSignal): Promise<unknown> =>
    send({ compares: [], puts: [], deletes: [] }, { startedAt: clock.now(), signal });

  return {
    commit: (transaction, { signal }) => commit(transaction, { startedAt: clock.now(), signal }),
    follow: (on, { signal }) => {
      const ending = AbortSignal.any([signal, closing.signal]);
      return follow({ members, position, clock, log, prefix, proof, prove }, on, ending);
    },
    list: (below, { limit, signal }) =>
      readNewest(members, { prefix, below, limit, call: { startedAt: clock.now(), signal } }),
    health: ({ signal }) => readHealth(members, clock, signal),
    tidy: ({ signal, keepPerSet = decisionsPerSetMax, keepRevisions = revisionsKept }) =>
      tidy({ members, clock, prefix }, { keepPerSet, keepRevisions, signal }),
    async [Symbol.asyncDispose]() {
      closing.abort(new OperatorError("ARB_LEDGER_CLOSED", "The ledger was closed", { hint: "" }));
      await keeping;
      await lease.revoke({ startedAt: clock.now(), signal: AbortSignal.timeout(revokeMsMax) });
      members[Symbol.dispose]();
    },
  };
}

/** Always with a write, in both of its ways through Raft: etcd answers a mere comparison from what one member knows. */
function requestOf(
  { compares, puts, deletes }: Transaction,
  { prefix, proof, leaseId }: { prefix: string; proof: string; leaseId: string | undefined },
): ITxnRequest {
  assert(compares.length <= operationsMax, `at most ${operationsMax} comparisons in a transaction`);
  assert(puts.length + deletes.length <= operationsMax, `at most ${operationsMax} writes in a transaction`);
  const bytes = (key: string): Buffer => Buffer.from(prefix + key);
  const writes: IRequestOp[] = [
    ...puts.map(({ key, text, onLease }) => ({
      request_put: {
        key: bytes(key),
        value: Buffer.from(text),
        ...(onLease && leaseId !== undefined ? { lease: leaseId } : {}),
      },
    })),
    ...deletes.map((key) => ({ request_delete_range: { key: bytes(key) } })),
  ];
  return {
    // A key that is not there has the revision 0.
    compare: compares.map((each) => ({
      key: bytes(each.key),
      result: "Equal",
      ...("text" in each
        ? { target: "Value", value: Buffer.from(each.text) }
        : { target: "Mod", mod_revision: String(each.revision) }),
    })),
    success: puts.length > 0 ? writes : [...writes, { request_put: { key: bytes(proof), value: Buffer.alloc(0) } }],
    failure: compares.map(({ key }) => ({ request_range: { key: bytes(key) } })),
  };
}
