import { formatCount } from "#lib/table.ts";
import { formatSpread, markdownTable, median, quantile } from "../measure.ts";
import type { Load, Turn } from "./rounds.ts";
import type { Telling } from "./telling.ts";

export interface Memory {
  readonly topics: number;
  readonly idleMb: number;
  readonly rssMb: number;
  readonly peakMb: number;
  /** Of one core, with nobody who asks. */
  readonly cpuShare: number;
}

export interface LoadFigures {
  readonly load: Load;
  readonly turns: ReadonlyMap<string, readonly Turn[]>;
}

/** `x`: CPU time against the first contender's, of medians. */
export function loadTable(figures: readonly LoadFigures[]): string {
  const header = [
    "load",
    "server",
    "CPU s per 100k",
    "x",
    "p50 ms",
    "p99 ms",
    "max ms",
    "requests/s",
    "bytes",
    "wrong",
  ];
  const rows = figures.flatMap(({ load, turns }) => {
    const [first = []] = turns.values();
    const of = (all: readonly Turn[]): number => median(all.map(({ cpuMs }) => cpuMs));
    return [...turns].map(([name, all]) => {
      const spread = (value: (turn: Turn) => number, digits: number): string =>
        formatSpread(all.map(value), (one) => one.toFixed(digits));
      return [
        load.name,
        name,
        spread(({ cpuMs }) => cpuMs / 1_000, 2),
        (of(all) / of(first)).toFixed(2),
        spread(({ p50Ms }) => p50Ms, 2),
        spread(({ p99Ms }) => p99Ms, 1),
        spread(({ maxMs }) => maxMs, 0),
        spread((turn) => (turn.requests * 1_000) / turn.tookMs, 0),
        String(median(all.map(({ bodyBytes }) => bodyBytes))),
        String(all.reduce((sum, { wrong }) => sum + wrong, 0)),
      ];
    });
  });
  return markdownTable(header, rows);
}

export function tellingTable(tellings: readonly Telling[]): string {
  const header = ["watches", "of topics", "changes", "p50 ms", "p99 ms", "the last one ms", "wrong"];
  return markdownTable(
    header,
    tellings.map(({ watches, topics, ms, lastMs, wrong }) => [
      formatCount(watches),
      formatCount(topics),
      String(lastMs.length),
      quantile(ms, 0.5).toFixed(0),
      quantile(ms, 0.99).toFixed(0),
      formatSpread(lastMs, (one) => one.toFixed(0)),
      String(wrong),
    ]),
  );
}

export function memoryTable(all: readonly Memory[]): string {
  return markdownTable(
    ["topics", "RSS MB at the start", "with all topics, both IDCs, both doors", "peak", "CPU % of a core, then"],
    all.map(({ topics, idleMb, rssMb, peakMb, cpuShare }) => [
      formatCount(topics),
      ...[idleMb, rssMb, peakMb].map((mb) => mb.toFixed(0)),
      (100 * cpuShare).toFixed(1),
    ]),
  );
}
