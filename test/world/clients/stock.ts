import type { RunningProcess } from "../../integration/harness/process.ts";
import { inProject } from "../../integration/harness/project.ts";
import { javaCommand } from "../java.ts";
import type { SiteName } from "../network/sites.ts";
import type { World } from "../world.ts";

/** RocketMQ's own Java client in a process of its own, compiled as it starts (Client.java). */

const startMsMax = 120_000;

export interface StockProducer {
  readonly process: RunningProcess;
  /** Brokers of the messages sent from this line of its output on, in order; "" for one that failed. */
  sentTo(after?: number): readonly string[];
  /** Ids of those that were stored. */
  stored(): readonly string[];
  /** To be handed to sentTo(). */
  readonly lineCount: number;
}

export interface StockOptions {
  /** HOST:PORT;… or http://HOST:PORT for a look-up of them. */
  readonly names: string;
  readonly topic: string;
  readonly pollMs: number;
}

export async function startStockProducer(
  world: World,
  site: SiteName,
  { names, topic, pollMs, everyMs }: StockOptions & { readonly everyMs: number },
): Promise<StockProducer> {
  const process = await start(world, site, ["produce", names, topic, String(pollMs), String(everyMs)]);
  const lines = (): string[] => process.output("stdout").split("\n");
  return {
    process,
    get lineCount() {
      return lines().length - 1;
    },
    sentTo: (after = 0) =>
      lines()
        .slice(after)
        .flatMap((line) => {
          if (line.startsWith("failed ")) return [""];
          const [, broker] = /^sent (\S+) /.exec(line) ?? [];
          return broker === undefined ? [] : [broker];
        }),
    stored: () => lines().flatMap((line) => /^sent \S+ (\S+)/.exec(line)?.[1] ?? []),
  };
}

export interface StockConsumer {
  readonly process: RunningProcess;
  /** Ids, each once. */
  got(): ReadonlySet<string>;
}

export async function startStockConsumer(world: World, site: SiteName, options: StockOptions): Promise<StockConsumer> {
  const { names, topic, pollMs } = options;
  const process = await start(world, site, ["consume", names, topic, String(pollMs)]);
  return {
    process,
    got: () => {
      const lines = process.output("stdout").split("\n");
      return new Set(lines.flatMap((line) => /^got \S+ (\S+)/.exec(line)?.[1] ?? []));
    },
  };
}

async function start(world: World, site: SiteName, args: readonly string[]): Promise<RunningProcess> {
  const { folder } = world.network;
  const flags = [`-Duser.home=${folder}`, `-Drocketmq.client.logRoot=${folder}`];
  const source = inProject("test/world/clients/Client.java");
  const command = javaCommand("rocketmq-5.3.3", source, { heapMb: 128, flags });
  const process = world.run(site, [...command, ...args], { name: `stock-${args[0]}-${site}` });
  await process.waitForLine(/^started/, { timeoutMs: startMsMax });
  return process;
}
