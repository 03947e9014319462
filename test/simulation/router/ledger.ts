import type { Event, LedgerEntry } from "../../../idc-router/core/events.ts";
import type { Random } from "../random.ts";
import type { Timeline } from "../timeline.ts";

/** The arbiters' ledger as a router hears it: in full, then change by change; from a member that is behind; restored from a backup. */
export interface VirtualLedger {
  put(key: string, text: string | null): void;
  /** A new process listens; who listened before hears no more. */
  follow(deliver: (event: Event) => void): void;
  readonly isCut: boolean;
  cut(): void;
  mend(): void;
  /** What is told comes so much later. */
  setLag(ms: number): void;
  /** Etcd is what it was some changes ago, and another cluster. */
  restore(): void;
}

const noticedMs = 500;
const currentEveryMs = 1_000;
const backMax = 8;

export function createVirtualLedger(timeline: Timeline, random: Random): VirtualLedger {
  let entries = new Map<string, LedgerEntry>();
  let revision = 100n;
  let incarnation = 1;
  /** Every state that it had, the newest last; of this incarnation. */
  let states: { readonly revision: bigint; readonly entries: ReadonlyMap<string, LedgerEntry> }[] = [];
  /** What each change said, in order; of this incarnation. */
  let changes: { readonly key: string; readonly text: string | null; readonly revision: bigint }[] = [];
  let deliver: (event: Event) => void = () => {};
  let watch = 0;
  let isFollowing = false;
  let isCut = false;
  let lagMs = 0;
  let sentAt = 0;

  /** In order, and only while this watch lasts. */
  const tell = (event: Event): void => {
    const of = watch;
    sentAt = Math.max(sentAt, timeline.now + random.int(1, 20) + lagMs);
    timeline.after(sentAt - timeline.now, () => {
      if (of === watch && !isCut) deliver(event);
    });
  };
  const readAnew = (): void => {
    if (isCut) return;
    watch += 1;
    sentAt = timeline.now;
    isFollowing = true;
    const back = random.chance(0.3) ? random.int(0, backMax) : 0;
    const state = states.at(-1 - Math.min(back, states.length - 1));
    if (state === undefined) return;
    tell({
      kind: "ledger",
      clusterId: `c${incarnation}`,
      revision: state.revision,
      entries: [...state.entries.values()],
    });
    // A member that is behind catches up.
    for (const change of changes) if (change.revision > state.revision) tell({ kind: "ledgerChanged", ...change });
  };
  const current = (): void => {
    timeline.after(currentEveryMs, current);
    if (isFollowing && !isCut) tell({ kind: "ledgerCurrent" });
  };
  timeline.after(currentEveryMs, current);

  const breakWatch = (): void => {
    isFollowing = false;
    watch += 1;
    timeline.after(noticedMs, () => {
      if (!isFollowing) deliver({ kind: "ledgerSilent", detail: "no answer" });
    });
  };

  return {
    get isCut() {
      return isCut;
    },
    put(key, text) {
      revision += 1n;
      entries = new Map(entries);
      if (text === null) entries.delete(key);
      else entries.set(key, { key, text, revision });
      states.push({ revision, entries });
      const change = { key, text, revision };
      changes.push(change);
      if (isFollowing && !isCut) tell({ kind: "ledgerChanged", ...change });
    },
    follow(next) {
      deliver = next;
      isFollowing = false;
      watch += 1;
      timeline.after(random.int(1, 200), readAnew);
    },
    cut() {
      if (isCut) return;
      isCut = true;
      breakWatch();
    },
    mend() {
      if (!isCut) return;
      isCut = false;
      timeline.after(random.int(1, 500), readAnew);
    },
    setLag(ms) {
      lagMs = ms;
    },
    restore() {
      const old = states.at(-1 - Math.min(random.int(1, backMax), states.length - 1));
      if (old === undefined) return;
      incarnation += 1;
      ({ revision } = old);
      entries = new Map(old.entries);
      states = [old];
      changes = [];
      breakWatch();
      timeline.after(random.int(500, 2_000), readAnew);
    },
  };
}
