import { ackTimesOf, longestBetween } from "../checkers/gap.ts";
import { checkSet } from "../checkers/set.ts";
import { readSettled } from "../checkers/stored.ts";
import { addressesOf } from "../failover/stage.ts";
import type { History } from "../load/history.ts";
import { startLoad } from "../load/load.ts";
import { actsAsMaster } from "../rocketmq/status.ts";
import type { Server } from "../server.ts";
import type { World } from "../world.ts";

/** What producers and brokers say of a procedure that was followed under load. */
export interface LoadReport {
  readonly acked: number;
  readonly lost: number;
  readonly duplicated: number;
  /** HOST:PORT of all that acknowledged anything, in the order of their first. */
  readonly ackedBy: readonly string[];
  /** Two brokers that acknowledged, one after the other had begun and before it had ended. */
  readonly atOnce: number;
  /** The longest time without an acknowledgement, in ms. */
  readonly gapMs: number;
  /** HOST:PORT of all that act as master in the end. */
  readonly acting: readonly string[];
}

interface Place {
  readonly world: World;
  readonly nameServers: readonly Server[];
  readonly brokers: readonly Server[];
  readonly set: string;
  readonly topic: string;
  readonly queues: number;
}

export interface ReportedLoad {
  /** Ends the load, and reads everything back. @param from who is read; left out: who acts as master in controller mode */
  report(from?: string): Promise<LoadReport>;
}

export function startReportedLoad(place: Place): ReportedLoad {
  const { world } = place;
  const target = { ...place, nameServers: addressesOf(place.nameServers), brokers: addressesOf(place.brokers) };
  const load = startLoad(world.network, target);
  let stopped: Promise<History> | undefined;
  const report = async (from?: string): Promise<LoadReport> => {
    stopped ??= load.stop();
    const history = await stopped;
    const asked = from === undefined ? place.brokers : [];
    const roles = await Promise.all(
      asked
        .filter(({ running }) => running)
        .map(async ({ address }) => ({ address, acts: await actsAsMaster(world.network, "clients", address) })),
    );
    const acting = roles.filter(({ acts }) => acts).map(({ address }) => address);
    const broker = from ?? acting[0];
    if (broker === undefined) throw new Error("nobody acts as master");
    const check = (stored: Parameters<typeof checkSet>[1]) => checkSet(history.sends, stored);
    const stored = await readSettled(world.network, { ...place, broker }, (each) => check(each).lost.length > 0);
    const { acked, lost, duplicated } = check(stored);
    const reigns = reignsOf(history);
    return {
      acked,
      lost: lost.length,
      duplicated: duplicated.length,
      ackedBy: reigns.map((one) => one.broker),
      atOnce: reigns.filter((one, nth) => nth > 0 && one.from < (reigns[nth - 1]?.until ?? 0)).length,
      gapMs: Math.round(longestBetween(ackTimesOf(history.sends)).ms),
      acting,
    };
  };
  return { report };
}

/** From the sending of its first acknowledged message to that of its last. */
function reignsOf({ sends }: History): { broker: string; from: number; until: number }[] {
  const byBroker = Map.groupBy(
    sends.filter(({ code }) => code === 0),
    ({ broker }) => broker,
  );
  return [...byBroker]
    .map(([broker, acked]) => {
      const times = acked.map(({ sentAt }) => sentAt);
      return { broker, from: Math.min(...times), until: Math.max(...times) };
    })
    .toSorted((one, other) => one.from - other.from);
}
