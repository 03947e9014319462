import { setName } from "../../../idc-router/core/model.ts";
import { createRandom } from "../random.ts";
import { createTimeline } from "../timeline.ts";
import { Violation } from "../violation.ts";
import { createJudge } from "./judge.ts";
import { createVirtualLedger } from "./ledger.ts";
import { createVirtualNameServers, nameServers } from "./name-servers.ts";
import { startRouter } from "./router-process.ts";
import { cluster, createSets } from "./sets.ts";

/** One life of a router, from a seed: masters change, sources lie, lag and are gone; then peace, and what must hold then. */
export interface Outcome {
  readonly tables: number;
  readonly failovers: number;
  readonly restarts: number;
  readonly restores: number;
}

const calmMs = 10_000;
const faultsMs = 60_000;
/** Hold-down of 30 s, and everything before it. */
const healMs = 50_000;
const recoveredStep = 1_000;
const linesShown = 40;

/** @throws with the seed, what did not hold, and the last lines of what happened */
export function run(seed: number): Outcome {
  const random = createRandom(seed);
  const timeline = createTimeline();
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(`${(timeline.now / 1_000).toFixed(3)} ${text}`);
  const sets = createSets();
  const ledger = createVirtualLedger(timeline, random);
  const servers = createVirtualNameServers(timeline, random, sets);
  const judge = createJudge();
  const count = { failovers: 0, restarts: 0, restores: 0 };
  const keyOf = (set: string): string => `sets/${cluster}/${set}`;
  ledger.put("cluster", JSON.stringify({ schema: 1, sites: ["idc1", "idc2", "witness"] }));
  for (const set of sets.names) {
    ledger.put(keyOf(set), sets.recordOf(set));
    servers.registered(set);
  }
  const router = startRouter({ timeline, random, sets, ledger, nameServers: servers, judge, note });

  const failOver = (set: string, epoch: number): void => {
    count.failovers += 1;
    note(`${set} fails over, epoch ${epoch}`);
    ledger.put(keyOf(set), sets.failOver(set, epoch));
    timeline.after(random.int(50, 2_000), () => servers.registered(set));
  };
  /** Etcd comes back from a backup; an operator then gives each set an epoch above all that were ever seen. */
  const restore = (): void => {
    count.restores += 1;
    note("FAULT etcd is restored");
    ledger.restore();
    timeline.after(random.int(500, 8_000), () => {
      for (const set of sets.names) failOver(set, (sets.epochs.get(set) ?? 0) + recoveredStep);
    });
  };
  const strike = (): void => {
    const set = random.pickAny(sets.names) ?? "bs1";
    const server = random.pick(nameServers);
    const broker = random.pickAny(sets.brokersOf(set)) ?? "";
    const dice = random.int(0, 13);
    if (dice <= 2) failOver(set, (sets.epochs.get(set) ?? 0) + 1);
    else if (dice === 3) servers.kill(server);
    else if (dice <= 5) for (const one of nameServers) servers.start(one);
    else if (dice === 6) ledger.cut();
    else if (dice === 7) ledger.mend();
    else if (dice === 8) ledger.setLag(random.pick([0, 100, 2_000]));
    else if (dice === 9) sets.setUp(broker, !sets.isUp(broker));
    else if (dice === 10) router.stall(random.int(200, 4_000));
    else if (dice === 11) {
      count.restarts += 1;
      router.restart();
    } else if (dice === 12 && random.chance(0.3)) restore();
    else ledger.put("idcs/idc1", JSON.stringify({ state: random.pick(["active", "drained"]), epoch: 1 }));
    note(`FAULT ${dice} ${set} ${server} ${broker}`);
  };
  const faultsUntil = calmMs + faultsMs;
  const strikeAgain = (): void => {
    if (timeline.now >= faultsUntil) {
      makePeace();
      return;
    }
    strike();
    timeline.after(random.int(100, 4_000), strikeAgain);
  };
  const makePeace = (): void => {
    note("peace");
    for (const one of nameServers) servers.start(one);
    for (const set of sets.names) {
      for (const broker of sets.brokersOf(set)) sets.setUp(broker, true);
      servers.registered(set);
    }
    ledger.setLag(0);
    ledger.mend();
    // What a restore took back is written again.
    for (const set of sets.names) ledger.put(keyOf(set), sets.recordOf(set));
  };
  timeline.after(calmMs, strikeAgain);
  try {
    const until = faultsUntil + healMs;
    while (timeline.now < until && timeline.runNext());
    for (const set of sets.names) {
      const entry = router.table.sets.get(setName(cluster, set));
      if (entry?.master !== sets.masterOf(set)) throw new Violation(`at peace: ${set} is shown with ${entry?.master}`);
      if (!entry.available) throw new Violation(`at peace: ${set} is not available: ${entry.why}`);
    }
  } catch (error) {
    const at = `seed ${seed} at ${(timeline.now / 1_000).toFixed(3)} s`;
    throw new Violation(`${at}: ${(error as Error).message}\n${notes.slice(-linesShown).join("\n")}`, { cause: error });
  }
  return { tables: router.table.revision, ...count };
}
