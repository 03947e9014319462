import { ackedOf, type History, type Producer, type Send } from "../load/history.ts";

/** A time without a single acknowledgement. */
interface Gap {
  readonly ms: number;
  /** Of its begin, from the fault on; negative: before it. */
  readonly fromMs: number;
}

export interface GapReport {
  /** From the fault to the first acknowledgement, by another broker than before, of what was sent after the fault; null: none. */
  readonly movedMs: number | null;
  /** From the fault to the last acknowledgement by the master before, until then; negative: before the fault. null: none. */
  readonly lastMs: number | null;
  /** The longest gap from the last acknowledgement before the fault to the end of the watch, of all producers together. */
  readonly all: Gap;
  /** The same, of the producers in each site. Pinned ones are left out: they need not find anybody. */
  readonly bySite: Readonly<Record<string, Gap>>;
}

/** How long nobody could write. @param watch times as in the history; `old`: the master before the fault */
export function checkGap(
  { producers, sends }: History,
  watch: { readonly faultAt: number; readonly endAt: number; readonly old: string },
): GapReport {
  const acked = ackedOf(sends);
  const moved = acked.find(({ broker, sentAt }) => broker !== watch.old && sentAt > watch.faultAt);
  const movedAt = moved?.answeredAt ?? Infinity;
  const last = acked.findLast(({ broker, answeredAt }) => broker === watch.old && answeredAt < movedAt);
  const following = producers.filter(({ pinned }) => pinned === undefined);
  const sites = [...new Set(following.map(({ site }) => site))];
  return {
    movedMs: moved === undefined ? null : moved.answeredAt - watch.faultAt,
    lastMs: last === undefined ? null : last.answeredAt - watch.faultAt,
    all: longestGap(sends, watch),
    bySite: Object.fromEntries(sites.map((site) => [site, longestGap(sendsOf(sends, following, site), watch)])),
  };
}

function sendsOf(sends: readonly Send[], producers: readonly Producer[], site: string): Send[] {
  const names = new Set(producers.filter((producer) => producer.site === site).map(({ name }) => name));
  return sends.filter(({ producer }) => names.has(producer));
}

/** Also the time from the last acknowledgement to the end counts, and the whole watch when there is none at all. */
function longestGap(sends: readonly Send[], { faultAt, endAt }: { faultAt: number; endAt: number }): Gap {
  const times = ackTimesOf(sends);
  const before = times.findLast((at) => at <= faultAt) ?? faultAt;
  const { ms, from } = longestBetween([before, ...times.filter((at) => at > faultAt && at < endAt), endAt]);
  return { ms, fromMs: from - faultAt };
}

/** When each acknowledgement came, in their order. */
export function ackTimesOf(sends: readonly Send[]): number[] {
  return ackedOf(sends).map(({ answeredAt }) => answeredAt);
}

/**
 * The longest time from one of these moments to the next. @param moments in their order
 * @returns 0 ms where there are fewer than two
 */
export function longestBetween(moments: readonly number[]): { readonly ms: number; readonly from: number } {
  return moments
    .map((from, nth) => ({ ms: (moments[nth + 1] ?? from) - from, from }))
    .reduce((longest, one) => (one.ms > longest.ms ? one : longest), { ms: 0, from: moments[0] ?? 0 });
}
