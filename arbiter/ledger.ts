import type { LedgerEntry, Transaction } from "./core/events.ts";
import type { Revision } from "./core/model.ts";

/** The one store that sites share, as the shell sees it: etcd through io/etcd-ledger.ts, or a virtual one in tests. */
export interface Ledger extends AsyncDisposable {
  /**
   * Applies a transaction in one Raft entry, or not at all. Always writes (`proofs/<site>` when nothing else is put), since
   * only a write that was applied proves a quorum.
   * @throws {OperatorError} ARB_LEDGER_UNANSWERED when no answer came in time: it may have been applied. ARB_LEDGER_REFUSED:
   *   it was not, and will not be by itself (a full etcd, missing rights)
   */
  commit(transaction: Transaction, options: { signal: AbortSignal }): Promise<CommitOutcome>;
  /** Calls back with everything, then with every change in order; again with everything whenever the watch was made anew. */
  follow(on: LedgerListener, options: { signal: AbortSignal }): Promise<void>;
  /** For people: what lies below a key ("decisions/C1/bs1/"), newest change first, at most `limit` entries. */
  list(prefix: string, options: { limit: number; signal: AbortSignal }): Promise<readonly LedgerEntry[]>;
  /** For people, `idcctl doctor` and metrics. */
  health(options: { signal: AbortSignal }): Promise<LedgerHealth>;
}

export type CommitOutcome =
  | { readonly kind: "committed"; readonly revision: Revision }
  /** The compared keys as they were at that revision; absent ones are left out. */
  | { readonly kind: "outdated"; readonly entries: readonly LedgerEntry[]; readonly revision: Revision };

export interface LedgerListener {
  /** As it was at that revision; what follows is later. @param etcd the cluster's id: another one after a restore */
  all(entries: readonly LedgerEntry[], revision: Revision, etcd: string): void;
  changed(key: string, text: string | null, revision: Revision): void;
}

export interface LedgerHealth {
  /** Of the etcd cluster: another one after a restore from a snapshot or a new cluster. */
  readonly clusterId: string;
  readonly members: readonly {
    readonly endpoint: string;
    readonly ok: boolean;
    readonly version: string;
    readonly dbBytes: bigint;
    readonly isLeader: boolean;
    readonly detail: string;
  }[];
  /** NOSPACE and the like; a full etcd means no failover. */
  readonly alarms: readonly string[];
}
