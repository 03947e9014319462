import { now } from "../../test/integration/router/telling.ts";
import { startClients } from "./messages.ts";

/** One change of what operators want, and many watches that are to hear of it. */

export interface Telling {
  readonly watches: number;
  readonly topics: number;
  /** Of each watch at each change: from before the change was written until it had its route. */
  readonly ms: readonly number[];
  /** The longest of each change. */
  readonly lastMs: readonly number[];
  readonly wrong: number;
}

export interface TellingOptions {
  readonly address: string;
  readonly watches: number;
  readonly topics: readonly string[];
  readonly changes: number;
  /** Has idc1 drained or not. Resolves when etcd has it. */
  readonly drain: (isDrained: boolean) => Promise<void>;
}

export async function measureTelling(options: TellingOptions): Promise<Telling> {
  const { address, watches, topics, changes, drain } = options;
  await using clients = startClients();
  await clients.watch({ address, count: watches, topics, idc: "idc1" });
  const ms: number[] = [];
  const lastMs: number[] = [];
  let wrong = 0;
  // Two that are not counted, back to how it was.
  for (let change = -2; change < changes; change += 1) {
    const isDrained = change % 2 === 0;
    const { told } = await clients.awaitTold(isDrained ? "idc2" : "idc1");
    const writtenAt = now();
    await drain(isDrained);
    const heard = await told;
    if (change < 0) continue;
    const took = heard.at.map((at) => at - writtenAt);
    ms.push(...took);
    lastMs.push(Math.max(...took));
    wrong += heard.wrong;
  }
  if (changes % 2 === 1) await drain(false);
  return { watches, topics: topics.length, ms, lastMs, wrong };
}
