import type { IdcEntry, RouteRule, SetEntry } from "./model.ts";
import { type Level, spill } from "./spill.ts";

/** The sets that are equally near to a caller. */
interface RankedLevel {
  /** Its IDC; "any" where all are one level. */
  readonly idc: string;
  /** Of the load, 0 to 1. */
  readonly share: number;
  /** Those that take it; in a last resort also such as are not available. */
  readonly sets: readonly SetEntry[];
  /** Why it takes less than it could; "" when it doesn't. */
  readonly why: string;
}

export interface Ranking {
  /** Nearest first. */
  readonly levels: readonly RankedLevel[];
  /** Nobody can take anything: the nearest ones stand there as they were last known. */
  readonly lastResort: boolean;
}

/**
 * Who takes a caller's messages: by the operators' intent first, then by health and capacity, then by nearness.
 * @param order the IDCs as they are near to the caller, its own first; sets of others come last
 */
export function rank(
  sets: readonly SetEntry[],
  idcs: ReadonlyMap<string, IdcEntry>,
  order: readonly string[],
  rule: RouteRule,
): Ranking {
  const groups = groupsOf(sets, order, rule);
  const levels = groups.map(({ members }) => levelOf(members, idcs));
  const shares = spill(levels, rule.overprovision);
  if (shares.every((share) => share === 0)) return lastResort(groups, idcs);
  return {
    levels: groups.map(({ idc, members }, nth) => {
      const share = shares[nth] ?? 0;
      return { idc, share, sets: members.filter((set) => takes(set, idcs)), why: whyLess(members, idcs) };
    }),
    lastResort: false,
  };
}

interface Group {
  readonly idc: string;
  readonly members: readonly SetEntry[];
}

/** Sets of an IDC that no row names are the farthest. */
function groupsOf(sets: readonly SetEntry[], order: readonly string[], { mode }: RouteRule): readonly Group[] {
  if (mode === "any") return sets.length === 0 ? [] : [{ idc: "any", members: sets }];
  const names = mode === "local-only" ? order.slice(0, 1) : [...order, ...strangersOf(sets, order)];
  return names
    .map((idc) => ({ idc, members: sets.filter((set) => set.idc === idc) }))
    .filter(({ members }) => members.length > 0);
}

function strangersOf(sets: readonly SetEntry[], order: readonly string[]): readonly string[] {
  return [...new Set(sets.map(({ idc }) => idc))].filter((idc) => !order.includes(idc)).toSorted();
}

/** Of several IDCs in one level each set counts as its own IDC lets it. */
function levelOf(members: readonly SetEntry[], idcs: ReadonlyMap<string, IdcEntry>): Level {
  const wanted = members.map((set) => limitOf(set, idcs));
  const isOne = members.every(({ idc }) => idc === members[0]?.idc);
  const limit = isOne ? (wanted[0] ?? 0) : 1;
  const weightOf = (set: SetEntry): number => set.weight * (isOne ? 1 : limitOf(set, idcs));
  const sum = (some: readonly SetEntry[]): number => some.reduce((all, set) => all + weightOf(set), 0);
  return { available: sum(members.filter(({ available }) => available)), total: sum(members), limit };
}

/** What operators let an IDC take, or a set there, 0 to 1. */
export function limitOf({ idc }: Pick<SetEntry, "idc">, idcs: ReadonlyMap<string, IdcEntry>): number {
  const wish = idcs.get(idc);
  if (wish === undefined) return 1;
  return wish.state === "active" ? wish.weight / 100 : 0;
}

function takes(set: SetEntry, idcs: ReadonlyMap<string, IdcEntry>): boolean {
  return set.available && limitOf(set, idcs) > 0;
}

/** In words; none when it may take all. */
export function whyLimited(wish: IdcEntry | undefined): readonly string[] {
  if (wish === undefined) return [];
  if (wish.state !== "active") return [`${wish.idc} is ${wish.state}`];
  return wish.weight < 100 ? [`${wish.idc} has weight ${wish.weight}`] : [];
}

function whyLess(members: readonly SetEntry[], idcs: ReadonlyMap<string, IdcEntry>): string {
  const wishes = [...new Set(members.map(({ idc }) => idc))].flatMap((idc) => whyLimited(idcs.get(idc)));
  const away = members.filter(({ available }) => !available).map(({ set, why }) => `${set}: ${why}`);
  return [...wishes, ...away].join("; ");
}

/** I9: the nearest ones that operators would let serve; if there are none of those, the nearest. */
function lastResort(groups: readonly Group[], idcs: ReadonlyMap<string, IdcEntry>): Ranking {
  const wished = groups.find(({ members }) => members.some((set) => limitOf(set, idcs) > 0));
  const chosen = wished ?? groups[0];
  if (chosen === undefined) return { levels: [], lastResort: true };
  const levels = groups.map((group) => ({
    idc: group.idc,
    share: group === chosen ? 1 : 0,
    sets: group === chosen ? group.members : [],
    why: whyLess(group.members, idcs),
  }));
  return { levels, lastResort: true };
}
