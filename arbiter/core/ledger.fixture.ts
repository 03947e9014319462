import { holds, type LedgerEntry, type Transaction } from "./events.ts";
import type { Revision } from "./model.ts";

/** etcd's part in a test of the core: what stands where, and what becomes of a transaction. */
export interface MemoryLedger {
  readonly revision: Revision;
  text(key: string): string | undefined;
  entry(key: string): LedgerEntry | undefined;
  entries(): readonly LedgerEntry[];
  /** One revision for all of them. */
  put(...puts: readonly { readonly key: string; readonly text: string }[]): void;
  /** All of it, or nothing; refused: what was compared, as it stands there. */
  commit(
    transaction: Transaction,
  ):
    | { readonly kind: "committed"; readonly revision: Revision }
    | { readonly kind: "outdated"; readonly entries: readonly LedgerEntry[]; readonly revision: Revision };
}

export function createMemoryLedger(): MemoryLedger {
  const store = new Map<string, { text: string; revision: Revision }>();
  let revision = 10n;
  const entry = (key: string): LedgerEntry | undefined => {
    const found = store.get(key);
    return found && { key, ...found };
  };
  const put: MemoryLedger["put"] = (...puts) => {
    revision += 1n;
    for (const { key, text } of puts) store.set(key, { text, revision });
  };
  return {
    get revision() {
      return revision;
    },
    text: (key) => store.get(key)?.text,
    entry,
    entries: () => [...store].map(([key, value]) => ({ key, ...value })),
    put,
    commit({ compares, puts, deletes }) {
      if (!compares.every((each) => holds(each, store.get(each.key))))
        return { kind: "outdated", entries: compares.flatMap(({ key }) => entry(key) ?? []), revision };
      put(...puts);
      for (const key of deletes) store.delete(key);
      return { kind: "committed", revision };
    },
  };
}
