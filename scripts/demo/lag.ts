import { formatTable } from "#lib/table.ts";

/** Lags as a table shows them: how many, and the quantiles. */
export interface LagSummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @param lagsMs at least one */
export function summarizeLags(lagsMs: readonly number[]): LagSummary {
  const sorted = lagsMs.toSorted((a, b) => a - b);
  const at = (quantile: number): number => sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** A Prometheus histogram: how many observations were at most so long, by bound in seconds; Infinity counts all. */
export type Buckets = ReadonlyMap<number, number>;

/** The buckets of one histogram in a text of /metrics; its series of all labels together. */
export function readBuckets(metrics: string, name: string): Buckets {
  const buckets = new Map<number, number>();
  const pattern = new RegExp(`^${name}_bucket\\{[^}]*\\ble="([^"]+)"[^}]*\\} (\\S+)$`, "gm");
  for (const [, bound = "", count] of metrics.matchAll(pattern)) {
    const bucket = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + Number(count));
  }
  return buckets;
}

/** Of two lives of one daemon, whose counters start again at 0. */
export function addBuckets(a: Buckets, b: Buckets): Buckets {
  const bounds = new Set([...a.keys(), ...b.keys()]);
  return new Map([...bounds].map((bound) => [bound, (a.get(bound) ?? 0) + (b.get(bound) ?? 0)]));
}

/** As Prometheus' histogram_quantile: linear within a bucket. The maximum is the bound of the last bucket that has any. */
export function summarizeBuckets(buckets: Buckets): LagSummary {
  const rows = [...buckets].toSorted(([a], [b]) => a - b);
  const count = rows.at(-1)?.[1] ?? 0;
  const at = (quantile: number): number => {
    let below = { boundSeconds: 0, count: 0 };
    for (const [boundSeconds, counted] of rows) {
      if (counted >= quantile * count && counted > below.count) {
        if (boundSeconds === Number.POSITIVE_INFINITY) return below.boundSeconds * 1_000;
        const share = (quantile * count - below.count) / (counted - below.count);
        return (below.boundSeconds + share * (boundSeconds - below.boundSeconds)) * 1_000;
      }
      below = { boundSeconds, count: counted };
    }
    return Number.NaN;
  };
  return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** One row for each kind of change. */
export function formatLags(rows: readonly (readonly [what: string, lags: LagSummary])[]): string {
  return formatTable(
    ["CHANGE", "N", "P50", "P99", "MAX"],
    rows.map(([what, { count, p50Ms, p99Ms, maxMs }]) => [what, count, ...[p50Ms, p99Ms, maxMs].map(formatLag)]),
  );
}

function formatLag(ms: number): string {
  return Number.isNaN(ms) ? "-" : `${ms.toFixed(1)} ms`;
}
