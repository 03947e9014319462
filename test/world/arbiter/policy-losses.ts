import { setTimeout as delay } from "node:timers/promises";
import { checkSet, type StoredQueue } from "../checkers/set.ts";
import { readSettled } from "../checkers/stored.ts";
import { addressesOf, type Stage } from "../failover/stage.ts";
import { type Acked, ackedOf } from "../load/history.ts";
import { type Load, startLoad } from "../load/load.ts";

/** What becomes of acknowledged messages where a policy allows that some are lost. */

/** Of a message of the load in a broker's log, at least; and at most. */
const messageBytesMin = 290;
const messageBytesMax = 700;
/** A broker tells each second how far it is; what it has acknowledged since, nobody knows. */
const untoldMs = 1_300;

export interface Losses {
  readonly acked: number;
  readonly lost: readonly Acked[];
  /** Of the lost ones, at least. */
  readonly lostBytesMin: bigint;
  /** What the old master acknowledged after its last word, at most. */
  readonly untoldBytesMax: bigint;
}

export function loadOf(stage: Stage): Load {
  const { nameServers, brokers } = stage;
  return startLoad(stage.world.network, {
    ...stage,
    nameServers: addressesOf(nameServers),
    brokers: addressesOf(brokers),
  });
}

/** Ends the load, and reads back what the master has of all that was acknowledged. @param old it died at `diedAt` */
export async function lossesOf(
  stage: Stage,
  load: Load,
  { master, old, diedAt }: { readonly master: string; readonly old: string; readonly diedAt: number },
): Promise<Losses> {
  const { sends } = await load.stop();
  const setOf = (stored: readonly StoredQueue[]) => checkSet(sends, stored, { ackedMin: 0 });
  const from = { ...stage, broker: master };
  // Losses are expected: what is not readable yet must not count as one.
  await delay(untoldMs);
  const { lost, acked } = setOf(
    await readSettled(stage.world.network, from, (stored) => setOf(stored).lost.length > 0),
  );
  const untold = ackedOf(sends).filter(({ broker, answeredAt }) => broker === old && answeredAt > diedAt - untoldMs);
  return {
    acked,
    lost,
    lostBytesMin: BigInt(lost.length * messageBytesMin),
    untoldBytesMax: BigInt(untold.length * messageBytesMax),
  };
}
