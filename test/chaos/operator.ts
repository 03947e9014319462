import { setTimeout as delay } from "node:timers/promises";
import { idcctl, readSet } from "../world/arbiter/operators.ts";
import type { Stage } from "../world/failover/stage.ts";
import type { Server } from "../world/server.ts";

const lookEveryMs = 200;
/** A restarted master is elected anew within seconds, or its set is blocked by then. */
const blockedMsMax = 15_000;

/**
 * A master that was alone in sync when its disk let it down has told of more than it has: nobody may be elected, and an operator has to
 * say what may be lost (docs/operations.md, SetBlocked). This one takes what the restarted broker has left.
 * @returns whether that was needed
 */
export async function recoverFromLostTail(stage: Stage, broker: Server): Promise<boolean> {
  const arbiter = stage.deciders.find(({ running }) => running);
  if (arbiter === undefined) throw new Error("no arbiter runs that an operator could turn to");
  const set = `${stage.cluster}/${stage.set}`;
  for (const since = performance.now(); performance.now() - since < blockedMsMax; await delay(lookEveryMs)) {
    const { blocked, brokers } = await readSet(stage.world, arbiter, set);
    const id = brokers.find(({ address }) => address === broker.address)?.id;
    if (blocked?.rejected.some((one) => one.id === id && one.reason === "lost-tail") !== true) continue;
    const args = ["--master", String(id), "--force", "--reason", "its disk was full"];
    const { code, output } = await idcctl(stage.world, arbiter, "set", "recover", set, ...args);
    if (code !== 0) throw new Error(`idcctl set recover ended with ${code}: ${output}`);
    return true;
  }
  return false;
}
