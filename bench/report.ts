import { type Figures, type FollowedLoad, type Stage, stages } from "./figures.ts";
import { formatSeconds, formatSpread, markdownTable, median, quantile } from "./measure.ts";

/** The figures of all contenders as Markdown tables. `x` is the ratio of medians to the first contender's. */
export function report(figures: ReadonlyMap<string, Figures>): string {
  return [passTable(figures), lagTable(figures), sustainedTable(figures)].filter((table) => table !== "").join("\n");
}

const stageNames: Readonly<Record<Stage, string>> = {
  first: "first sync",
  again: "no change",
  drifted: "1% drift",
};

function passTable(figures: ReadonlyMap<string, Figures>): string {
  const wall = (of: Figures | undefined, stage: Stage): number[] => of?.passes[stage].map(({ wallMs }) => wallMs) ?? [];
  const [ours] = figures.values();
  const header = [
    "contender",
    ...stages.flatMap((stage) => [`${stageNames[stage]} s`, "x", "writes", "CPU s"]),
    "peak MB",
  ];
  const rows = [...figures].map(([name, of]) => [
    name,
    ...stages.flatMap((stage) => [
      formatSpread(wall(of, stage), formatSeconds),
      (median(wall(of, stage)) / median(wall(ours, stage))).toFixed(2),
      String(median(of.passes[stage].map(({ writes }) => writes))),
      (median(of.passes[stage].map(({ cpuMs }) => cpuMs)) / 1_000).toFixed(1),
    ]),
    Math.max(...stages.flatMap((stage) => of.passes[stage].map(({ peakMb }) => peakMb))).toFixed(0),
  ]);
  return markdownTable(header, rows);
}

function lagTable(figures: ReadonlyMap<string, Figures>): string {
  const rows = [...figures].flatMap(([name, { loads }]) =>
    [...Map.groupBy(loads, ({ rate }) => rate)].map(([rate, runs]) => [
      name,
      String(rate),
      rounded(runs.map(({ writesPerSecond }) => writesPerSecond)),
      ...[0.5, 0.99, 1].map((share) => tenths(runs.map(({ lagsMs }) => quantile(lagsMs, share)))),
      rounded(runs.map(({ drainMs }) => drainMs)),
      missing(runs),
      (median(runs.map(({ cpuMs }) => cpuMs)) / 1_000).toFixed(1),
      Math.max(...runs.map(({ peakMb }) => peakMb)).toFixed(0),
    ]),
  );
  const header = [
    "contender",
    "writes/s asked",
    "written",
    "lag p50 ms",
    "p99 ms",
    "max ms",
    "drained after ms",
    "missing",
    "CPU s",
    "peak MB",
  ];
  return rows.length === 0 ? "" : markdownTable(header, rows);
}

function missing(runs: readonly FollowedLoad[]): string {
  return String(Math.max(...runs.map((run) => run.missing)));
}

function sustainedTable(figures: ReadonlyMap<string, Figures>): string {
  const rows = [...figures].flatMap(([name, { sustained }]) =>
    sustained.length === 0 ? [] : [[name, rounded(sustained)]],
  );
  return rows.length === 0 ? "" : markdownTable(["contender", "writes/s without a backlog"], rows);
}

function rounded(values: readonly number[]): string {
  return formatSpread(values, (value) => value.toFixed(0));
}

function tenths(values: readonly number[]): string {
  return formatSpread(values, (value) => value.toFixed(1));
}
