import { setTimeout as delay } from "node:timers/promises";
import type { Client, IncomingMessage } from "../../../sdk/main.ts";

/** Sends numbered messages from several producers at once, and remembers which were acknowledged, where, and when. */
export interface Load {
  /** By id: the cluster that acknowledged it. */
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly failures: readonly unknown[];
  /** The longest that no message was acknowledged, ms. */
  readonly gapMs: number;
  stop(): Promise<void>;
}

export function startLoad(
  client: Client,
  topic: string,
  { producers, everyMs }: { readonly producers: number; readonly everyMs: number },
): Load {
  const acknowledged = new Map<string, string>();
  const failures: unknown[] = [];
  const stop = new AbortController();
  let lastAt: number | undefined;
  let gapMs = 0;

  async function produce(name: string): Promise<void> {
    await using producer = client.producer(topic);
    for (let nth = 0; !stop.signal.aborted; nth += 1) {
      const id = `${name}-${nth}`;
      try {
        const { cluster } = await producer.send({ key: id, value: id });
        acknowledged.set(id, cluster);
        const now = performance.now();
        if (lastAt !== undefined) gapMs = Math.max(gapMs, now - lastAt);
        lastAt = now;
      } catch (error) {
        failures.push(error);
      }
      await delay(everyMs);
    }
  }

  const running = Promise.all(Array.from({ length: producers }, (_, nth) => produce(`p${nth}`)));
  return {
    acknowledged,
    failures,
    get gapMs() {
      return gapMs;
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** What a consumer got: how often each id, by cluster. */
export interface Catch {
  readonly counts: ReadonlyMap<string, number>;
  readonly byCluster: ReadonlyMap<string, number>;
  handle(message: IncomingMessage): Promise<void>;
}

export function createCatch(): Catch {
  const counts = new Map<string, number>();
  const byCluster = new Map<string, number>();
  return {
    counts,
    byCluster,
    async handle({ value, cluster }) {
      const id = value.toString();
      counts.set(id, (counts.get(id) ?? 0) + 1);
      byCluster.set(cluster, (byCluster.get(cluster) ?? 0) + 1);
    },
  };
}
