import { holds, type LedgerEntry, type Transaction } from "../../../arbiter/core/events.ts";
import type { CommitOutcome } from "../../../arbiter/ledger.ts";
import { type Net, type Site, sites } from "./net.ts";

/** etcd as the arbiters see it: a member at each site, one order of transactions, leases, and watches that lag, break, and begin anew. */
export interface VirtualEtcd {
  commit(site: Site, transaction: Transaction, answer: (outcome: CommitOutcome | "unanswered") => void): void;
  /** Everything at once, then every change; everything again after the watch broke. */
  follow(site: Site, listener: Listener): void;
  /** The site's process is gone: nobody listens, its lease ends. */
  forget(site: Site): void;
  readonly entries: ReadonlyMap<string, LedgerEntry>;
  /** Before every transaction that will be applied: `entries` are still those it has compared. */
  onApply(look: (transaction: Transaction, site: Site) => void): void;
  hasQuorum(site: Site): boolean;
  /** A member stands still, or goes on. */
  setMember(site: Site, isUp: boolean): void;
  isUp(site: Site): boolean;
  /** What the watch tells a site comes so much later. */
  setLag(site: Site, ms: number): void;
  /** Its watch was compacted away: it reads everything anew. */
  breakWatch(site: Site): void;
  /** So many answers are lost, of transactions that were applied. */
  setLostAnswers(probability: number): void;
  heal(): void;
  /** What there is now. @returns puts it back, in a cluster with another id: what is on its way then meets another history */
  snapshot(): () => void;
}

interface Listener {
  all(entries: readonly LedgerEntry[], revision: bigint, etcd: string): void;
  changed(key: string, text: string | null, revision: bigint): void;
}

interface Watch {
  readonly listener: Listener;
  broken: boolean;
  /** Of the last thing told: none overtakes another. */
  sentAt: number;
  lagMs: number;
}

const answerMsMax = 1_500;
const leaseMs = 5_000;
const lookEveryMs = 200;
const lostAnswersUsual = 0.01;
const readMsMax = 40;

export function createVirtualEtcd(net: Net): VirtualEtcd {
  const { timeline, random } = net;
  const entries = new Map<string, LedgerEntry>();
  const leases = new Map<string, Site>();
  const renewedAt = new Map<Site, number>();
  const watches = new Map<Site, Watch>();
  const down = new Set<Site>();
  const looks: ((transaction: Transaction, site: Site) => void)[] = [];
  let revision = 0n;
  let cluster = 1;
  let lostAnswers = lostAnswersUsual;

  const reaches = (one: Site, other: Site): boolean =>
    !down.has(other) && net.passes(one, other) && net.passes(other, one);
  const isServing = (member: Site): boolean =>
    !down.has(member) && sites.filter((other) => reaches(member, other)).length > sites.length / 2;
  const hasQuorum = (site: Site): boolean => sites.some((member) => reaches(site, member) && isServing(member));

  /** In order, and only what is not broken by then. */
  const deliver = (site: Site, watch: Watch, ms: number, task: () => void): void => {
    watch.sentAt = Math.max(watch.sentAt, timeline.now + ms);
    timeline.after(watch.sentAt - timeline.now, () => {
      if (watches.get(site) === watch && !watch.broken) task();
    });
  };
  const tell = (changes: readonly { key: string; text: string | null }[]): void => {
    for (const [site, watch] of watches) {
      if (watch.broken) continue;
      if (!hasQuorum(site)) {
        watch.broken = true;
        continue;
      }
      const of = revision;
      deliver(site, watch, random.int(1, 15) + watch.lagMs, () => {
        for (const { key, text } of changes) watch.listener.changed(key, text, of);
      });
    }
  };
  const readAnew = (site: Site, { listener, lagMs }: Watch): void => {
    const watch = { listener, lagMs, broken: false, sentAt: timeline.now };
    watches.set(site, watch);
    const all = [...entries.values()];
    const of = revision;
    const id = String(cluster);
    deliver(site, watch, random.int(1, readMsMax), () => listener.all(all, of, id));
  };
  const look = (): void => {
    timeline.after(lookEveryMs, look);
    for (const site of sites) {
      const watch = watches.get(site);
      if (watch?.broken === true && hasQuorum(site)) readAnew(site, watch);
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

  const apply = (site: Site, transaction: Transaction): CommitOutcome => {
    const { compares, puts, deletes } = transaction;
    const isHeld = compares.every((each) => holds(each, entries.get(each.key)));
    renewedAt.set(site, timeline.now);
    if (!isHeld) {
      return { kind: "outdated", entries: compares.flatMap(({ key }) => entries.get(key) ?? []), revision };
    }
    for (const one of looks) one(transaction, site);
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
    hasQuorum,
    onApply: (one) => void looks.push(one),
    commit(site, transaction, answer) {
      let over = false;
      const end = (outcome: CommitOutcome | "unanswered"): void => {
        if (over) return;
        over = true;
        answer(outcome);
      };
      timeline.after(answerMsMax, () => end("unanswered"));
      const of = cluster;
      timeline.after(random.int(2, 20), () => {
        if (!hasQuorum(site) || of !== cluster) return;
        const outcome = apply(site, transaction);
        if (random.chance(lostAnswers)) return;
        timeline.after(random.int(1, 10), () => {
          if (hasQuorum(site)) end(outcome);
        });
      });
    },
    follow(site, listener) {
      watches.set(site, { listener, broken: true, sentAt: 0, lagMs: 0 });
    },
    forget(site) {
      watches.delete(site);
      renewedAt.set(site, timeline.now - leaseMs + random.int(0, leaseMs));
    },
    setMember(site, isUp) {
      if (isUp) down.delete(site);
      else down.add(site);
    },
    isUp: (site) => !down.has(site),
    setLag(site, ms) {
      const watch = watches.get(site);
      if (watch !== undefined) watch.lagMs = ms;
    },
    breakWatch(site) {
      const watch = watches.get(site);
      if (watch !== undefined) watch.broken = true;
    },
    setLostAnswers(probability) {
      lostAnswers = probability;
    },
    snapshot() {
      const saved = [...entries].filter(([key]) => !leases.has(key));
      const of = revision;
      return () => {
        cluster += 1;
        revision = of;
        entries.clear();
        leases.clear();
        for (const [key, entry] of saved) entries.set(key, entry);
        for (const watch of watches.values()) watch.broken = true;
      };
    },
    heal() {
      down.clear();
      lostAnswers = lostAnswersUsual;
      for (const watch of watches.values()) watch.lagMs = 0;
    },
  };
}
