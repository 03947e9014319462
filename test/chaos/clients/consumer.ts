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

/** Reads every queue from the master that the route shows, from the first message on, and writes down each that it gets. */
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
    for (let offset = 0n; !over.signal.aborted; ) {
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
