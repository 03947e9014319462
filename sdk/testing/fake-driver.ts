import type { Place } from "../core/places.ts";
import type { ConsumerLinkOptions, Driver } from "../driver.ts";

/** Clusters in memory, one partition each, that a test lets refuse, hang and lose what they were sent. */
export interface FakeBrokers {
  readonly driverOf: (place: Place) => Promise<Driver>;
  /** What a cluster has acknowledged, or has without an acknowledgement. */
  stored(cluster: string): readonly string[];
  /** "refuse": an error at once; "hang": no answer. */
  mode(cluster: string, mode: "well" | "refuse" | "hang"): void;
  /** How many connections are open. */
  open(cluster: string): number;
  /** Ends readers' connections, as a broker that dies does. */
  breakReaders(cluster: string): void;
}

interface Cluster {
  readonly stored: string[];
  mode: "well" | "refuse" | "hang";
  open: number;
  /** By group: how far it has acknowledged. */
  readonly offsets: Map<string, number>;
  readonly readers: Set<{ stop: () => void; failed: (error: Error) => void }>;
  wake: PromiseWithResolvers<void>;
}

export function createFakeBrokers(): FakeBrokers {
  const clusters = new Map<string, Cluster>();
  function clusterOf(name: string): Cluster {
    const known = clusters.get(name);
    if (known !== undefined) return known;
    const fresh: Cluster = {
      stored: [],
      mode: "well",
      open: 0,
      offsets: new Map(),
      readers: new Set(),
      wake: Promise.withResolvers(),
    };
    clusters.set(name, fresh);
    return fresh;
  }

  async function answer(cluster: Cluster): Promise<void> {
    if (cluster.mode === "refuse") throw new Error("refused");
    while (cluster.mode === "hang") await cluster.wake.promise;
  }

  function read(cluster: Cluster, { place, topic, group, deliver }: ConsumerLinkOptions) {
    let stopped = false;
    const failed = Promise.withResolvers<unknown>();
    const reader = {
      stop: () => {
        stopped = true;
      },
      failed: (error: Error) => {
        stopped = true;
        failed.resolve(error);
      },
    };
    cluster.readers.add(reader);
    const run = async (): Promise<void> => {
      while (!stopped) {
        const offset = cluster.offsets.get(group) ?? 0;
        const value = cluster.stored[offset];
        if (value === undefined || cluster.mode !== "well") {
          await cluster.wake.promise;
          continue;
        }
        const message = { topic, cluster: place.cluster, key: null, value: Buffer.from(value), headers: {} };
        await deliver({ ...message, position: `0:${offset}` });
        if (!stopped) cluster.offsets.set(group, offset + 1);
      }
    };
    run().catch(failed.resolve);
    return { reader, failed: failed.promise };
  }

  function stir(cluster: Cluster): void {
    cluster.wake.resolve();
    cluster.wake = Promise.withResolvers();
  }

  const driverOf = async ({ cluster: name }: Place): Promise<Driver> => {
    const cluster = clusterOf(name);
    const closed = async (): Promise<void> => {
      cluster.open -= 1;
    };
    return {
      async openProducer() {
        await answer(cluster);
        cluster.open += 1;
        return {
          async send(messages) {
            await answer(cluster);
            cluster.stored.push(...messages.map(({ value }) => value.toString()));
            stir(cluster);
          },
          close: closed,
        };
      },
      async openConsumer(options) {
        await answer(cluster);
        cluster.open += 1;
        const { reader, failed } = read(cluster, options);
        return {
          failed,
          async lag() {
            await answer(cluster);
            return BigInt(cluster.stored.length - (cluster.offsets.get(options.group) ?? 0));
          },
          async close() {
            reader.stop();
            cluster.readers.delete(reader);
            stir(cluster);
            await closed();
          },
        };
      },
    };
  };

  return {
    driverOf,
    stored: (name) => clusterOf(name).stored,
    mode(name, mode) {
      const cluster = clusterOf(name);
      cluster.mode = mode;
      stir(cluster);
    },
    open: (name) => clusterOf(name).open,
    breakReaders(name) {
      for (const reader of clusterOf(name).readers) reader.failed(new Error("the connection broke"));
      stir(clusterOf(name));
    },
  };
}
