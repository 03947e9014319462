/**
 * A master switched on purpose: the arbiter's planned switch beside RocketMQ's own `electMaster`, there and back between two IDCs, the
 * same places, the same producers, the same checkers. Brokers: D default settings; L allAckInSyncStateSet. "No writes" is the longest
 * time without an acknowledgement from the question until all are in sync again, whatever it comes from.
 * Usage: ./run bench switch [--contender arbiter,stock] [--settings D,L] [--round-trips N]
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { formatTable } from "#lib/table.ts";
import type { Contender, Settings } from "../test/world/failover/stage.ts";
import { playSwitches, type SwitchesOutcome } from "../test/world/failover/switch.ts";
import { handoverMs, linesOfSwitches } from "../test/world/failover/switch-verdict.ts";
import { lossless } from "../test/world/rocketmq/lossless.ts";
import { createStages } from "./failover/stages.ts";
import { quantile } from "./measure.ts";

const { values } = parseArgs({
  options: {
    contender: { type: "string", default: "arbiter,stock" },
    settings: { type: "string", default: "D,L" },
    "round-trips": { type: "string", default: "5" },
  },
});

const known: Readonly<Record<string, Settings>> = { D: {}, L: lossless };
const contenders = ["arbiter", "stock"] as const satisfies readonly Contender[];
const steps = Array.from({ length: 2 * Number(values["round-trips"]) }, () => ({ mayFail: true as const }));
const rows: string[][] = [];

for (const setting of values.settings.split(",")) {
  const settings = known[setting];
  if (settings === undefined) throw new Error(`${setting} is none of ${Object.keys(known).join(", ")}`);
  await using stages = createStages(settings);
  for (const contender of contenders.filter((one) => values.contender.split(",").includes(one))) {
    const outcome = await playSwitches(await stages.of(contender), steps, { ackedMin: 0 });
    console.error(`${setting} ${contender}\n${linesOfSwitches(outcome)}`);
    rows.push(rowOf(setting, contender, outcome));
    await stages.drop(contender);
  }
}
const load = loadavg().map((value) => value.toFixed(0));
console.log(`${cpus().length} cores, load ${load.join(" ")}, Node ${process.version}; milliseconds\n`);
const header = [
  "brokers",
  "contender",
  "switched",
  "handed over p50",
  "p95",
  "max",
  "no writes p50",
  "p95",
  "max",
  "acked",
  "lost",
  "twice",
  "out of order",
];
console.log(formatTable([...header, "stale acks", "all in sync p50", "max"], rows));

function rowOf(setting: string, contender: Contender, { switches, set, stale }: SwitchesOutcome): string[] {
  const moved = switches.filter(({ from, master }) => from !== master);
  const handovers = moved.flatMap(({ gap }) => handoverMs(gap) ?? []);
  const gaps = moved.map(({ gap }) => gap.all.ms);
  const inSync = moved.map(({ inSyncMs }) => inSyncMs);
  const at = (ms: readonly number[], share: number): string => (ms.length === 0 ? "-" : quantile(ms, share).toFixed(0));
  return [
    setting,
    contender,
    `${moved.length} of ${switches.length}`,
    ...[0.5, 0.95, 1].map((share) => at(handovers, share)),
    ...[0.5, 0.95, 1].map((share) => at(gaps, share)),
    ...[set.acked, set.lost.length, set.duplicated.length, set.reordered.length, stale.acks.length].map(String),
    ...[0.5, 1].map((share) => at(inSync, share)),
  ];
}
