/**
 * How the arbiter fails over when a broker, a link or a site is lost, beside RocketMQ's own controller in three nodes: the same
 * faults in the same places, the same producers, the same checkers; taken in turns. One broker set, two replicas in idc1 with
 * the master, one in idc2. Brokers: D default settings; L allAckInSyncStateSet, the in-sync set guarded across IDCs; L2 also
 * minInSyncReplicas=2; see lossless.ts.
 * Usage: ./run bench failover [--contender arbiter,stock] [--faults kill,freeze,...] [--runs N] [--settings D,L,L2] [--acked N]
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { messageOf } from "#lib/errors.ts";
import { type FaultName, faultNames, faults } from "../test/world/failover/faults.ts";
import { type Outcome, play } from "../test/world/failover/play.ts";
import { type Contender, leadFromHome, type Settings } from "../test/world/failover/stage.ts";
import { lineOf } from "../test/world/failover/verdict.ts";
import { lossless, losslessTwice } from "../test/world/rocketmq/lossless.ts";
import { createStages, type Stages } from "./failover/stages.ts";
import { failoverTable, type Played, type SettingName } from "./failover/table.ts";

const { values } = parseArgs({
  options: {
    contender: { type: "string", default: "arbiter,stock" },
    faults: { type: "string", default: "kill,freeze,restart,both,link,site,minority" },
    runs: { type: "string", default: "5" },
    settings: { type: "string", default: "D,L" },
    acked: { type: "string", default: "5000" },
  },
});

/** Stock needs over a minute at times. */
const settleMsMax = 180_000;
/** A world in which a set does not come back is given up. */
const worldsMax = 2;

const guarded = { rpo: "zero", survive: "idc" };
const settings: Record<
  SettingName,
  { readonly brokers: Settings; readonly policy: Readonly<Record<string, unknown>> }
> = {
  D: { brokers: {}, policy: {} },
  L: { brokers: lossless, policy: guarded },
  L2: { brokers: losslessTwice, policy: guarded },
};
const contenders = chosen(values.contender, ["arbiter", "stock"]);
const wanted = chosen(values.faults, faultNames);
const played: Played[] = [];

for (const setting of chosen(values.settings, ["D", "L", "L2"])) {
  const { brokers, policy } = settings[setting];
  await using stages = createStages(brokers, policy);
  for (const fault of wanted) {
    const able = contenders.filter((contender) => (faults[fault].only ?? contender) === contender);
    for (let run = 1; run <= Number(values.runs); run += 1) {
      for (const contender of able) {
        const outcome = await playSomewhere(stages, contender, fault);
        if (outcome === undefined) continue;
        played.push({ contender, setting, outcome });
        console.error(`${setting} ${contender} ${run}: ${lineOf(outcome)}`);
      }
    }
  }
}
const load = loadavg().map((value) => value.toFixed(0));
console.log(`${cpus().length} cores, load ${load.join(" ")}, Node ${process.version}; seconds\n`);
console.log(failoverTable(played));

async function playSomewhere(stages: Stages, contender: Contender, fault: FaultName): Promise<Outcome | undefined> {
  for (let worlds = 1; worlds <= worldsMax; worlds += 1) {
    try {
      const stage = await stages.of(contender);
      await leadFromHome(stage);
      const outcome = await play(stage, fault, { ackedMin: Number(values.acked), settleMsMax });
      if (outcome.inSyncMs === null) await stages.drop(contender);
      return outcome;
    } catch (error) {
      console.error(`${contender} ${fault}: a new world, as this one fails: ${messageOf(error)}`);
      await stages.drop(contender);
    }
  }
  return undefined;
}

function chosen<Name extends string>(list: string, names: readonly Name[]): Name[] {
  return list.split(",").map((text) => {
    const name = names.find((one) => one === text);
    if (name === undefined) throw new Error(`${text} is none of ${names.join(", ")}`);
    return name;
  });
}
