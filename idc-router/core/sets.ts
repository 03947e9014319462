import type { SeenAddresses } from "./events.ts";
import { forgive, observe, type SetHealth, wellAtFirst } from "./health.ts";
import { isCalledDown, type LedgerFacts, type LedgerMaster } from "./ledger.ts";
import { type HealthTiming, type Moment, masterRole, type SetEntry, type SetName, setName } from "./model.ts";
import { answering, type NameServers, sameAddresses } from "./name-servers.ts";

/** Arbiters take less to promote whom they have decided on; after that a master counts though no name server shows it. */
export const promotionMs = 6_000;
/** A ledger that could not be followed for so long has no say over masters. */
export const ledgerStaleMs = 10_000;

/** The last own check of a set's master. */
export interface Check {
  readonly address: string;
  readonly sentAt: number;
  readonly failure: string | null;
  /** Not yet counted. */
  readonly isNew: boolean;
}

export interface SetsInput {
  readonly clusters: readonly string[];
  readonly nameServers: NameServers;
  readonly ledger: LedgerFacts;
  readonly checks: ReadonlyMap<SetName, Check>;
  readonly idcOf: (address: string, set: string) => string;
  readonly weightOf: (name: SetName) => number;
  readonly timing: HealthTiming;
  readonly forgetAfterMs: number;
  /** This process stood still before this moment. */
  readonly stalled: boolean;
  /** When it last had. */
  readonly stalledAt: number;
}

export interface SetsFold {
  readonly sets: ReadonlyMap<SetName, SetEntry>;
  readonly healths: ReadonlyMap<SetName, SetHealth>;
}

/**
 * Every broker set that is known, from all that speak of it. One of which only the ledger speaks is none: it has no address that a
 * client could use. Entries that come out the same stay the same object.
 */
export function foldSets(before: SetsFold, input: SetsInput, moment: Moment): SetsFold {
  const names = new Map<SetName, { cluster: string; set: string }>();
  const name = (cluster: string, set: string): void => void names.set(setName(cluster, set), { cluster, set });
  for (const entry of before.sets.values()) name(entry.cluster, entry.set);
  for (const { cluster, sets } of input.nameServers.values()) for (const set of sets.keys()) name(cluster, set);
  const sets = new Map<SetName, SetEntry>();
  const healths = new Map<SetName, SetHealth>();
  for (const [full, { cluster, set }] of names) {
    if (!input.clusters.includes(cluster)) continue;
    const old = before.sets.get(full);
    const folded = foldSet({ full, cluster, set }, old, before.healths.get(full) ?? wellAtFirst, input, moment);
    const { entry } = folded;
    if (entry.goneSince !== null && moment.wall - entry.goneSince > input.forgetAfterMs) continue;
    // It was forgotten, and all that is left are the last words of a name server that is silent.
    if (old === undefined && !entry.present) continue;
    sets.set(full, old !== undefined && same(old, entry) ? old : entry);
    healths.set(full, folded.health);
  }
  return { sets: sameMap(before.sets, sets) ? before.sets : sets, healths };
}

function foldSet(
  { full, cluster, set }: { full: SetName; cluster: string; set: string },
  old: SetEntry | undefined,
  health: SetHealth,
  input: SetsInput,
  moment: Moment,
): { entry: SetEntry; health: SetHealth } {
  const { nameServers, ledger } = input;
  const speaking = answering(nameServers, cluster);
  const shown = speaking.flatMap(({ sets }) => {
    const addresses = sets.get(set);
    return addresses === undefined ? [] : [addresses];
  });
  const present = speaking.length > 0 ? shown.length > 0 : (old?.present ?? false);
  const record = ledger.sets.get(full);
  const isFollowed = ledger.heardAt !== null && moment.now - ledger.heardAt < ledgerStaleMs;
  const master = !present
    ? null
    : masterOf({ record, isFollowed, shown, isSilent: speaking.length === 0, before: old?.master ?? null }, moment.now);
  const calledDown = isFollowed && isCalledDown(ledger, full);
  const addresses = addressesOf(shown, old?.addresses, master);
  const check = input.checks.get(full);
  const failing = failureOf({ present, master, calledDown, check });
  const since = master !== null && !calledDown ? (check?.sentAt ?? moment.now) : moment.now;
  const at = Math.max(since, input.stalledAt);
  const passed = check?.isNew === true && check.failure === null && check.address === master;
  const kept = input.stalled ? forgive(health, moment.now) : health;
  const nextHealth = observe(kept, { failing, at, passed }, moment, input.timing);
  const out = nextHealth.kind === "out";
  const available = master !== null && !out && !calledDown;
  const lastMaster = master ?? old?.lastMaster ?? null;
  return {
    health: nextHealth,
    entry: {
      name: full,
      cluster,
      set,
      idc: input.idcOf(lastMaster ?? addresses.values().next().value ?? "", set),
      weight: input.weightOf(full),
      addresses,
      master,
      lastMaster,
      epoch: record?.epoch ?? old?.epoch ?? null,
      present,
      out,
      available,
      why: available ? "" : whyNot({ master, calledDown, health: nextHealth, failing }),
      since: old !== undefined && old.available === available ? old.since : moment.wall,
      goneSince: present ? null : (old?.goneSince ?? moment.wall),
    },
  };
}

/** Whom clients should take for the master; see record 16 for the reasons. */
function masterOf(
  {
    record,
    isFollowed,
    shown,
    isSilent,
    before,
  }: {
    record: LedgerMaster | undefined;
    isFollowed: boolean;
    shown: readonly SeenAddresses[];
    /** No name server answers. */
    isSilent: boolean;
    before: string | null;
  },
  now: number,
): string | null {
  const masters = shown.flatMap((addresses) => addresses.get(masterRole) ?? []);
  if (record !== undefined && isFollowed) {
    const { master, learnedAt } = record;
    if (master === null) return null;
    return isSilent || masters.includes(master) || now - learnedAt >= promotionMs ? master : null;
  }
  if (isSilent) return before;
  // An old epoch's master does not count while anybody shows the newer one's.
  if (record?.master != null && masters.includes(record.master)) return record.master;
  return mostShown(masters, before);
}

/** Where as many show one as another, the one from before stays. */
function mostShown(masters: readonly string[], before: string | null): string | null {
  const count = (address: string): number => masters.filter((each) => each === address).length;
  const most = Math.max(0, ...masters.map(count));
  const leading = masters.filter((address) => count(address) === most).toSorted();
  if (before !== null && leading.includes(before)) return before;
  return leading[0] ?? null;
}

/** What name servers show, all together, with the right master; what was known last, if none shows the set. */
function addressesOf(
  shown: readonly SeenAddresses[],
  before: SeenAddresses | undefined,
  master: string | null,
): SeenAddresses {
  const slaves = new Map<number, string>();
  for (const addresses of shown.length > 0 ? shown : [before ?? []]) {
    for (const [id, address] of addresses) if (id !== masterRole && address !== master) slaves.set(id, address);
  }
  const ordered = [...slaves].toSorted(([one], [other]) => one - other);
  return new Map(master === null ? ordered : [[masterRole, master], ...ordered]);
}

/** Why it fails right now; null: it doesn't, as far as is known. */
function failureOf(seen: {
  present: boolean;
  master: string | null;
  calledDown: boolean;
  check: Check | undefined;
}): string | null {
  const { present, master, calledDown, check } = seen;
  if (!present) return "no name server shows it";
  if (master === null) return "it has no master";
  if (calledDown) return "most sites call its master down";
  return check?.address === master ? check.failure : null;
}

function whyNot({
  master,
  calledDown,
  health,
  failing,
}: {
  master: string | null;
  calledDown: boolean;
  health: SetHealth;
  failing: string | null;
}): string {
  if (master === null || calledDown) return failing ?? "";
  if (health.kind === "in") return "";
  return health.wellSince === null ? `out: ${health.reason}` : "in hold-down: it was out, and is well again";
}

function same(one: SetEntry, other: SetEntry): boolean {
  return (
    one.idc === other.idc &&
    one.weight === other.weight &&
    one.master === other.master &&
    one.lastMaster === other.lastMaster &&
    one.epoch === other.epoch &&
    one.present === other.present &&
    one.out === other.out &&
    one.available === other.available &&
    one.why === other.why &&
    one.since === other.since &&
    one.goneSince === other.goneSince &&
    sameAddresses(one.addresses, other.addresses)
  );
}

function sameMap(one: ReadonlyMap<SetName, SetEntry>, other: ReadonlyMap<SetName, SetEntry>): boolean {
  return one.size === other.size && [...other].every(([name, entry]) => one.get(name) === entry);
}
