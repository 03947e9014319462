import { formatTable } from "#lib/table.ts";
import { faults } from "../../test/world/failover/faults.ts";
import type { Outcome } from "../../test/world/failover/play.ts";
import type { Contender } from "../../test/world/failover/stage.ts";
import { quantile } from "../measure.ts";

/** Of the brokers; see failover.ts. */
export type SettingName = "D" | "L" | "L2";

export interface Played {
  readonly contender: Contender;
  readonly setting: SettingName;
  readonly outcome: Outcome;
}

const header = [
  "fault",
  "brokers",
  "contender",
  "n",
  "decided p50",
  "max",
  "first write elsewhere p50",
  "p95",
  "max",
  "no writes p50",
  "max",
  "acked",
  "lost",
  "stale acks",
  "late acks",
  "needless switches",
  "all in sync p50",
  "max",
  "never",
];

/**
 * A row for each fault, setting and contender, in the order in which they were first played. Seconds from the fault on; from
 * its end on until all are in sync.
 */
export function failoverTable(played: readonly Played[]): string {
  const groups = Map.groupBy(played, ({ outcome, setting, contender }) =>
    [outcome.fault, setting, contender].join(" "),
  );
  return formatTable(header, [...groups.values()].map(rowOf));
}

function rowOf(played: readonly Played[]): string[] {
  const [first] = played;
  if (first === undefined) return [];
  const outcomes = played.map(({ outcome }) => outcome);
  const { fault } = first.outcome;
  const decided = outcomes.flatMap(({ decidedMs }) => decidedMs ?? []);
  const moved = outcomes.flatMap(({ gap }) => gap.movedMs ?? []);
  const inSync = outcomes.flatMap(({ inSyncMs }) => inSyncMs ?? []);
  const gaps = outcomes.map(({ gap }) => gap.all.ms);
  const switches = outcomes.filter(({ named }) => named.length > 0).length;
  return [
    fault,
    first.setting,
    first.contender,
    String(played.length),
    ...[0.5, 1].map((share) => seconds(decided, share)),
    ...[0.5, 0.95, 1].map((share) => seconds(moved, share)),
    ...[0.5, 1].map((share) => seconds(gaps, share)),
    total(outcomes.map(({ set }) => set.acked)),
    total(outcomes.map(({ set }) => set.lost.length)),
    total(outcomes.map(({ stale }) => stale.acks.length)),
    total(outcomes.map(({ stale }) => stale.late)),
    faults[fault].singleLink ? String(switches) : "",
    ...[0.5, 1].map((share) => seconds(inSync, share)),
    String(outcomes.length - inSync.length),
  ];
}

function seconds(ms: readonly number[], share: number): string {
  return ms.length === 0 ? "-" : (quantile(ms, share) / 1_000).toFixed(2);
}

function total(counts: readonly number[]): string {
  return String(counts.reduce((sum, count) => sum + count, 0));
}
