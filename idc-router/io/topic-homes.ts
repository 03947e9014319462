import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { createZooKeeper } from "#lib/zookeeper/client.ts";
import { ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { ZooKeeperOptions } from "#lib/zookeeper/options.ts";
import type { ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import type { Event, Home } from "../core/events.ts";
import { type HomeKeys, readHome } from "../core/home-record.ts";

/** What the metadata in ZooKeeper say of topics: cluster, gate, settings for clients. */
export interface TopicHomesOptions {
  readonly zooKeeper: Pick<
    ZooKeeperOptions,
    "servers" | "chroot" | "sessionTimeoutMs" | "connectTimeoutMs" | "auth" | "tls"
  >;
  /** The folder of the topics' nodes: "/zms/topic". */
  readonly folder: string;
  readonly format: "properties" | "json";
  readonly keys: HomeKeys;
  /** Of the config. */
  readonly clusters: readonly string[];
  /** Topics that are known from before: those that have gone meanwhile are told. */
  readonly known: Iterable<string>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly push: (event: Event) => void;
}

const readsAtOnceMax = 500;
const fullEveryMs = 60_000;
const againMs = 1_000;
/** Events within this are read together. */
const gatherMs = 20;

/**
 * All nodes, then those that change, and all again after each connect and once a minute. On servers without recursive watches
 * (before 3.6) only the minute is left. Until the signal is aborted.
 */
export async function followTopicHomes(options: TopicHomesOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, push, folder } = options;
  const dirty = new Set<string>();
  let wake = new AbortController();
  let wantsAll = true;
  let connected = false;
  const stir = (): void => wake.abort();
  const zooKeeper = createZooKeeper({
    ...options.zooKeeper,
    clock,
    random: options.random,
    log,
    signal,
    onState(state) {
      connected = state.kind === "connected";
      if (state.kind === "connecting") push({ kind: "homesSilent", detail: state.reason ?? "not connected" });
      if (connected) {
        wantsAll = true;
        stir();
      }
    },
    onWatch({ path }) {
      const topic = topicOf(path, folder);
      if (topic === undefined) return;
      dirty.add(topic);
      stir();
    },
  });
  await using _closing = zooKeeper;
  /** Topics, each with the transaction of its node that was read last. */
  const known = new Map([...options.known].map((topic) => [topic, -1n]));
  let isWatched = false;
  let told = false;

  while (!signal.aborted) {
    try {
      await zooKeeper.connected({ signal });
      if (!isWatched) isWatched = await watch(zooKeeper, folder, log, signal);
      if (wantsAll) {
        wantsAll = false;
        dirty.clear();
        await readAll(zooKeeper, options, known, signal);
      } else {
        const topics = [...dirty];
        dirty.clear();
        await readSome(zooKeeper, options, topics, known, signal);
      }
      told = false;
      const isQuiet = dirty.size === 0 && !wantsAll;
      if (isQuiet && (await rest(fullEveryMs))) wantsAll = true;
      else await rest(gatherMs);
    } catch (error) {
      if (signal.aborted) return;
      wantsAll = true;
      push({ kind: "homesSilent", detail: messageOf(error) });
      if (!told && connected) log.warn({ folder, error: messageOf(error) }, "topics' metadata cannot be read");
      told = true;
      await clock.sleep(againMs, { signal }).catch(() => {});
    }
  }

  /** True: nothing has happened meanwhile. */
  async function rest(ms: number): Promise<boolean> {
    if (wake.signal.aborted) wake = new AbortController();
    const { signal: woken } = wake;
    await clock.sleep(ms, { signal: AbortSignal.any([signal, woken]) }).catch(() => {});
    return !woken.aborted;
  }
}

/** True: armed, for ever. */
async function watch(zooKeeper: ZooKeeper, folder: string, log: Logger, signal: AbortSignal): Promise<boolean> {
  try {
    await zooKeeper.addWatch(folder, { recursive: true, signal });
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || !error.is("unimplemented")) throw error;
    log.warn({ folder }, "topics' metadata is read once a minute: this ZooKeeper has no recursive watches");
  }
  return true;
}

async function readAll(
  zooKeeper: ZooKeeper,
  options: TopicHomesOptions,
  known: Map<string, bigint>,
  signal: AbortSignal,
): Promise<void> {
  const { children } = await zooKeeper.getChildren(options.folder, { signal });
  const topics = new Set([...children, ...known.keys()]);
  await readSome(zooKeeper, options, [...topics], known, signal);
}

async function readSome(
  zooKeeper: ZooKeeper,
  options: TopicHomesOptions,
  topics: readonly string[],
  known: Map<string, bigint>,
  signal: AbortSignal,
): Promise<void> {
  const { folder, push, log } = options;
  const homes: Home[] = [];
  for (let from = 0; from < topics.length; from += readsAtOnceMax) {
    const part = topics.slice(from, from + readsAtOnceMax);
    // One by one, but all on their way at once: servers before 3.6 know no reading of many.
    const nodes = await Promise.all(part.map((topic) => readNode(zooKeeper, `${folder}/${topic}`, signal)));
    for (const [nth, topic] of part.entries()) {
      const node = nodes[nth];
      if (node !== undefined) {
        const { home, problems } = readHome(node.data, options);
        // Those that are read once a minute are told of when they have changed.
        if (problems.length > 0 && known.get(topic) !== node.stat.mzxid)
          log.warn({ topic, problems }, "topic's metadata say what cannot be taken so");
        known.set(topic, node.stat.mzxid);
        homes.push({ topic, ...home, zxid: node.stat.mzxid });
      } else if (known.delete(topic)) homes.push({ topic, cluster: null, zxid: zooKeeper.lastZxid });
    }
  }
  push({ kind: "homes", homes });
}

/** undefined: there is no such node. */
async function readNode(zooKeeper: ZooKeeper, path: string, signal: AbortSignal) {
  try {
    return await zooKeeper.getData(path, { signal });
  } catch (error) {
    if (error instanceof ZooKeeperError && error.is("noNode")) return undefined;
    throw error;
  }
}

function topicOf(path: string, folder: string): string | undefined {
  if (!path.startsWith(`${folder}/`)) return undefined;
  const topic = path.slice(folder.length + 1);
  return topic === "" || topic.includes("/") ? undefined : topic;
}
