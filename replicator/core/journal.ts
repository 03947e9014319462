/**
 * Names and sizes of the entries of the drift journal, without the entries. Bounded: what is added drives out the oldest. It is
 * told of a change when that is sent, so that two on their way never drive out the same entry; one that was refused is undone.
 */
export interface Journal {
  readonly entries: number;
  readonly bytes: number;
  add(sizes: readonly number[]): JournalChange;
  undo(change: JournalChange): void;
  /** As read in the target. Names that were given out before are not given out again. */
  load(found: readonly JournalName[]): void;
}

interface JournalName {
  readonly id: string;
  readonly bytes: number;
}

export interface JournalChange {
  /** One for each size, in its order. */
  readonly added: readonly JournalName[];
  /** Oldest first. */
  readonly evicted: readonly JournalName[];
}

export interface JournalLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** Beyond what makes room by number: a large entry drives out many small ones over several changes, not in one packet. */
  readonly extraEvictionsMax: number;
}

export const journalLimits: JournalLimits = { entriesMax: 1_000, bytesMax: 16 * 1024 * 1024, extraEvictionsMax: 50 };

const idDigits = 10;

/** Whether a znode of the journal's folder is an entry. */
export function isJournalId(name: string): boolean {
  return /^[0-9]{10}$/.test(name);
}

export function createJournal(limits: JournalLimits): Journal {
  const sizes = new Map<string, number>();
  let next = 1;
  let bytes = 0;

  const insert = ({ id, bytes: size }: JournalName): void => {
    if (sizes.has(id)) return;
    sizes.set(id, size);
    bytes += size;
  };
  const remove = ({ id }: JournalName): void => {
    bytes -= sizes.get(id) ?? 0;
    sizes.delete(id);
  };
  const oldest = (): string[] => [...sizes.keys()].toSorted();

  return {
    get entries() {
      return sizes.size;
    },
    get bytes() {
      return bytes;
    },
    add(added) {
      const names = added.map((size) => ({ id: String(next++).padStart(idDigits, "0"), bytes: size }));
      const candidates = oldest();
      for (const name of names) insert(name);
      const evicted: JournalName[] = [];
      for (const id of candidates) {
        if (sizes.size <= limits.entriesMax && bytes <= limits.bytesMax) break;
        if (evicted.length === names.length + limits.extraEvictionsMax) break;
        const name = { id, bytes: sizes.get(id) ?? 0 };
        remove(name);
        evicted.push(name);
      }
      return { added: names, evicted };
    },
    undo({ added, evicted }) {
      for (const name of added) remove(name);
      for (const name of evicted) insert(name);
    },
    load(found) {
      sizes.clear();
      bytes = 0;
      for (const name of found) insert(name);
      next = Math.max(next, ...found.map(({ id }) => Number(id) + 1));
    },
  };
}
