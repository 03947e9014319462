import { type Comparison, holds, type LedgerEntry, type Transaction } from "./events.ts";

/** Transactions that know nothing of each other and go to the ledger as one: all are done at one revision, or none is. */

/** The ledger takes 100 comparisons, and 100 writes; etcd's own limit is 128 of each. */
export const operationsMax = 100;
/** Of all texts in one transaction; etcd takes 1.5 MB. */
const charsMax = 500_000;

/** What goes along with a group. */
interface Besides {
  readonly compares: number;
  readonly writes: number;
  readonly writesForEach: number;
}
const nothing: Besides = { compares: 0, writes: 0, writesForEach: 0 };

/** @returns as many from the front as fit, none of which touches what another one writes; one at least, if there is one */
export function takeGroup<Item extends { readonly transaction: Transaction }>(
  waiting: readonly Item[],
  besides = nothing,
): Item[] {
  const group: Item[] = [];
  const compared = new Map<string, Comparison>();
  const written = new Set<string>();
  let chars = 0;
  for (const one of waiting) {
    const { compares, puts, deletes } = one.transaction;
    const writes = [...puts.map(({ key }) => key), ...deletes];
    const isApart =
      writes.every((key) => !written.has(key) && !compared.has(key)) &&
      compares.every((each) => !written.has(each.key) && isSame(each, compared.get(each.key)));
    chars += puts.reduce((sum, { text }) => sum + text.length, 0);
    const compareCount = compared.size + compares.filter(({ key }) => !compared.has(key)).length + besides.compares;
    const writeCount = written.size + writes.length + besides.writesForEach * (group.length + 1) + besides.writes;
    const fits = isApart && chars <= charsMax && compareCount <= operationsMax && writeCount <= operationsMax;
    if (group.length > 0 && !fits) break;
    group.push(one);
    for (const each of compares) compared.set(each.key, each);
    for (const key of writes) written.add(key);
  }
  return group;
}

export function together(group: readonly { readonly transaction: Transaction }[]): Transaction {
  return {
    compares: [
      ...new Map(group.flatMap(({ transaction: { compares } }) => compares.map((each) => [each.key, each]))).values(),
    ],
    puts: group.flatMap(({ transaction: { puts } }) => puts),
    deletes: group.flatMap(({ transaction: { deletes } }) => deletes),
  };
}

/** Of a group that was refused: who would not have been by itself. @param found the compared keys as they were then */
export function standing<Item extends { readonly transaction: Transaction }>(
  group: readonly Item[],
  found: readonly LedgerEntry[],
): Set<Item> {
  const byKey = new Map(found.map((entry) => [entry.key, entry]));
  return new Set(group.filter((one) => one.transaction.compares.every((each) => holds(each, byKey.get(each.key)))));
}

function isSame(one: Comparison, other: Comparison | undefined): boolean {
  if (other === undefined) return true;
  if ("text" in one) return "text" in other && one.text === other.text;
  return "revision" in other && one.revision === other.revision;
}
