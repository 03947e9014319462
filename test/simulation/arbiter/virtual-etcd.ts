import { holds, type LedgerEntry, type Transaction } from "../../../arbiter/core/events.ts";
import type { CommitOutcome } from "../../../arbiter/ledger.ts";
import { type Net, type Site, sites } from "./net.ts";

/** etcd as the arbiters see it: one order of transactions, leases, and watches that break with the lines. */
export interface VirtualEtcd {
  commit(site: Site, transaction: Transaction, answer: (outcome: CommitOutcome | "unanswered") => void): void;
  /** Everything at once, then every change; everything again after the site was without a quorum. */
  follow(
    site: Site,
    listener: {
      all(entries: readonly LedgerEntry[], revision: bigint): void;
      changed(key: string, text: string | null, revision: bigint): void;
    },
  ): void;
  /** The site's process is gone: nobody listens, its lease ends. */
  forget(site: Site): void;
  readonly entries: ReadonlyMap<string, LedgerEntry>;
  /** Every transaction that was applied. */
  onApplied(look: (transaction: Transaction, site: Site) => void): void;
}

const answerMsMax = 1_500;
const leaseMs = 5_000;
const lookEveryMs = 200;
const lostAnswers = 0.01;

export function createVirtualEtcd(net: Net): VirtualEtcd {
  const { timeline, random } = net;
  const entries = new Map<string, LedgerEntry>();
  const leases = new Map<string, Site>();
  const renewedAt = new Map<Site, number>();
  const watches = new Map<Site, { listener: Parameters<VirtualEtcd["follow"]>[1]; broken: boolean; sentAt: number }>();
  const looks: ((transaction: Transaction, site: Site) => void)[] = [];
  let revision = 0n;

  const tell = (changes: readonly { key: string; text: string | null }[]): void => {
    for (const [site, watch] of watches) {
      if (watch.broken) continue;
      if (!net.hasQuorum(site)) {
        watch.broken = true;
        continue;
      }
      const of = revision;
      // In order: none overtakes another.
      watch.sentAt = Math.max(watch.sentAt, timeline.now + random.int(1, 15));
      timeline.after(watch.sentAt - timeline.now, () => {
        if (watches.get(site) !== watch || watch.broken) return;
        for (const { key, text } of changes) watch.listener.changed(key, text, of);
      });
    }
  };
  const look = (): void => {
    timeline.after(lookEveryMs, look);
    for (const site of sites) {
      const watch = watches.get(site);
      if (watch?.broken === true && net.hasQuorum(site)) {
        watch.broken = false;
        watch.sentAt = timeline.now;
        watch.listener.all([...entries.values()], revision);
      }
      if (timeline.now - (renewedAt.get(site) ?? timeline.now) <= leaseMs) continue;
      const gone = [...leases].filter(([, owner]) => owner === site).map(([key]) => key);
      if (gone.length === 0) continue;
      revision += 1n;
      for (const key of gone) {
        entries.delete(key);
        leases.delete(key);
      }
      tell(gone.map((key) => ({ key, text: null })));
    }
  };
  timeline.after(lookEveryMs, look);

  const apply = (site: Site, { compares, puts, deletes }: Transaction): CommitOutcome => {
    const isHeld = compares.every((each) => holds(each, entries.get(each.key)));
    renewedAt.set(site, timeline.now);
<<<<<<< HEAD
    if (!isHeld) return { kind: "outdated", entries: compares.flatMap(({ key }) => entries.get(key) ?? []) };
=======
    if (!holds) {
      return { kind: "outdated", entries: compares.flatMap(({ key }) => entries.get(key) ?? []), revision };
    }
>>>>>>> 0c3ee01 (an answer to an own transaction that the watch has overtaken says nothing new)
    revision += 1n;
    const changes: { key: string; text: string | null }[] = [];
    for (const { key, text, onLease } of puts) {
      entries.set(key, { key, text, revision });
      if (onLease) leases.set(key, site);
      changes.push({ key, text });
    }
    for (const key of deletes) {
      if (entries.delete(key)) changes.push({ key, text: null });
      leases.delete(key);
    }
    if (changes.length > 0) tell(changes);
    return { kind: "committed", revision };
  };

  return {
    entries,
    onApplied: (one) => void looks.push(one),
    commit(site, transaction, answer) {
      let over = false;
      const end = (outcome: CommitOutcome | "unanswered"): void => {
        if (over) return;
        over = true;
        answer(outcome);
      };
      timeline.after(answerMsMax, () => end("unanswered"));
      timeline.after(random.int(2, 20), () => {
        if (!net.hasQuorum(site)) return;
        const outcome = apply(site, transaction);
        if (outcome.kind === "committed") for (const one of looks) one(transaction, site);
        if (random.chance(lostAnswers)) return;
        timeline.after(random.int(1, 10), () => {
          if (net.hasQuorum(site)) end(outcome);
        });
      });
    },
    follow(site, listener) {
      watches.set(site, { listener, broken: true, sentAt: 0 });
    },
    forget(site) {
      watches.delete(site);
      renewedAt.set(site, timeline.now - leaseMs + random.int(0, leaseMs));
    },
  };
}
