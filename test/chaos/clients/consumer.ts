import { setTimeout as delay } from "node:timers/promises";
import { createMasterFinder } from "../../world/load/route.ts";
import type { Network } from "../../world/network/network.ts";
import type { SiteName } from "../../world/network/sites.ts";
import { createSwitchboard } from "../../world/rocketmq/dial.ts";
import { pullOnce } from "../../world/rocketmq/messages.ts";
import type { Histories } from "../history.ts";
import { pollMs } from "./producer.ts";

const dialMsMax = 1_000;
const answerMsMax = 3_000;
const nothingMs = 100;
/**
 * How far a consumer goes back when there is another master: longer than any fault. With readUnCommitted it may have read what the
 * old master had alone; the new one has others under the same offsets, and they would be passed over (docs/operations.md).
 */
const goBackMs = 60_000;
const markEveryMs = 1_000;

export interface ConsumerOptions {
  readonly name: string;
  readonly site: SiteName;
  readonly nameServers: readonly string[];
  readonly set: string;
  readonly topic: string;
  readonly queues: number;
}

export interface Consumer {
  /** When it last came to the end of every queue; -Infinity: never. On performance.now()'s clock. */
  readonly atEndSince: number;
  stop(): Promise<void>;
}

/**
 * Reads every queue from the master that the route shows, from the first message on, and writes down each that it gets. When there is
 * another master it goes back, as a consumer that takes nothing twice for wrong should.
 */
export function startConsumer(network: Network, histories: Histories, options: ConsumerOptions): Consumer {
  const { name, site, topic, queues } = options;
  const over = new AbortController();
  const switchboard = createSwitchboard(network, site, dialMsMax);
  const finder = createMasterFinder(switchboard, { ...options, everyMs: pollMs });
  const ends = Array.from({ length: queues }, () => -Infinity);

  const pull = async (queue: number, offset: bigint): Promise<bigint> => {
    const broker = finder.master;
    if (broker === undefined) return offset;
    const askedAt = performance.now();
    try {
      const { bodies, next } = await pullOnce(await switchboard.to(broker), { topic, queue, offset }, answerMsMax);
      for (const [nth, body] of bodies.entries()) {
        histories.add("consumers", {
          e: "got",
          c: name,
          id: body.trim(),
          q: queue,
          o: Number(offset) + nth,
          b: broker,
        });
      }
      if (next === null) ends[queue] = askedAt;
      // A queue whose begin was cleaned away, or a master that has less: read on where it says.
      return next ?? offset;
    } catch {
      switchboard.leave(broker);
      return offset;
    }
  };
  const follow = async (queue: number): Promise<void> => {
    /** Where it was, each second; the oldest is where it goes back to. */
    const marks: { readonly at: number; readonly offset: bigint }[] = [];
    let from = finder.master;
    for (let offset = 0n; !over.signal.aborted; ) {
      const now = performance.now();
      if (finder.master !== undefined && finder.master !== from) {
        if (from !== undefined) offset = marks[0]?.offset ?? 0n;
        from = finder.master;
      }
      if (now - (marks.at(-1)?.at ?? -Infinity) >= markEveryMs) marks.push({ at: now, offset });
      while ((marks[1]?.at ?? now) < now - goBackMs) marks.shift();
      const next = await pull(queue, offset);
      if (next === offset) await delay(nothingMs);
      offset = next;
    }
  };
  const done = Promise.all(ends.map((_, queue) => follow(queue)));
  return {
    get atEndSince() {
      return Math.min(...ends);
    },
    async stop() {
      over.abort();
      await done;
      await finder.stop();
      await switchboard[Symbol.asyncDispose]();
    },
  };
}
