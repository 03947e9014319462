import { createHash, randomUUID } from "node:crypto";
import { readEtcdOptions, readTls, readZooKeeperOptions } from "#config/clients.ts";
import { createCallerIdcOf, createIdcOf, createOrderOf } from "#config/idc.ts";
import type { IdcRouterConfig } from "#config/idc-router.ts";
import { ledgerPrefix } from "#config/shared.ts";
import type { Clock } from "#lib/clock.ts";
import { exitCodes } from "#lib/errors.ts";
import { listen } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import { createConnections } from "#lib/remoting/connections.ts";
import { createNotifier } from "#lib/systemd.ts";
import { createAnswerCounts } from "./answer-counts.ts";
import { bootstrapClusters, createKafkaIdcOf, watchedKafka } from "./clusters.ts";
import type { AnswerOptions } from "./core/answer.ts";
import { createClients } from "./core/clients.ts";
import { createDaemon, type RouterDaemon } from "./daemon.ts";
import { createDoorCounts } from "./gauges.ts";
import type { MetadataReport } from "./io/api.ts";
import { openDoor } from "./io/door.ts";
import { followLedger } from "./io/etcd-watch.ts";
import { runHealthChecks } from "./io/health-checks.ts";
import { createRouterHttp } from "./io/http.ts";
import { followKafkaBrokers } from "./io/kafka-brokers.ts";
import { readLastGood, writeLastGood } from "./io/last-good.ts";
import { createNameServers } from "./io/name-server-set.ts";
import { createRouteTexts } from "./io/route-texts.ts";
import { createSlots } from "./io/slots.ts";
import { createSubscribers } from "./io/subscribers.ts";
import { followTopicHomes } from "./io/topic-homes.ts";
import { createMetrics } from "./metrics.ts";

const statusEveryMs = 1_000;
/** A loop that has not made a step for so long keeps the watchdog from being fed. */
const stepAgeMaxMs = 5_000;
/** To name servers and brokers together. */
const connectionsMax = 4_096;
const idleMs = 60_000;
const sourceCharacters = 16;

export interface RouterProcess {
  readonly config: IdcRouterConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notifySocket: string | undefined;
  readonly credentialsDirectory: string | undefined;
  readonly signal: AbortSignal;
}

/** Wires the table to its sources and its doors, and runs until the signal is aborted. Gives the exit code. */
export async function runRouter(process: RouterProcess): Promise<number> {
  const { config, version, clock, log, signal } = process;
  const { site, idcs, lastGood, nameserver, health } = config;
  const notifier = await createNotifier({ notifySocket: process.notifySocket, log });
  const metrics = createMetrics(config.environment);
  await using connections = createConnections({ clock, prepare: (request) => request, connectionsMax, idleMs });
  const rocketmq = config.clusters.filter((cluster) => cluster.kind === "rocketmq");
  const table = lastGood === undefined ? undefined : await readLastGood(lastGood, { log, wall: clock.wallTime() });
  if (table !== undefined)
    log.info({ revision: table.revision, topics: table.topics.size }, "last good table was read");

  const daemon: RouterDaemon = createDaemon({
    options: {
      clusters: rocketmq.map(({ name }) => name),
      idcOf: createIdcOf(idcs),
      weightOf: (name) => config.weights[name] ?? 1,
      kafka: new Map(watchedKafka(config).map(({ name, bootstrap }) => [name, Object.values(bootstrap).flat()])),
      kafkaIdcOf: createKafkaIdcOf(config),
      timing: health,
      forgetAfterMs: config.forgetAfterMs,
    },
    lastGood: table,
    onRefresh: (cluster) => sources.refresh(cluster),
    onHurry: (cluster) => sources.hurry(cluster),
    save: lastGood === undefined ? null : (next) => writeLastGood(lastGood, next),
    clock,
    log,
    metrics,
  });
  const sources = createNameServers({ clusters: rocketmq, poll: config.poll, daemon, connections, clock });
  const orderOf = createOrderOf(idcs, config.near);
  const ofAddress = createCallerIdcOf(idcs);
  const callerIdc = (address: string): string => ofAddress(address) || site;
  const answers: AnswerOptions = { rules: config.routes, orderOf, clusters: rocketmq.map(({ name }) => name) };
  const slots = createSlots({
    table: () => daemon.table,
    answers,
    wallTime: clock.wallTime,
    slotsMax: config.poll.topicsMax * idcs.length,
  });
  const clusters = bootstrapClusters(config);
  const instance = randomUUID().slice(0, 8);
  const texts = createRouteTexts({
    slots,
    rules: config.routes,
    instance,
    metadataOf: createMetadataOf(config, daemon),
    table: () => daemon.table,
    kafka: new Map([...clusters].filter(([, { kind }]) => kind === "kafka")),
    proxies: new Map(rocketmq.map(({ name, kind, proxies }) => [name, { name, kind, servers: proxies }])),
    orderOf,
    wallTime: clock.wallTime,
  });
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const subscribers = createSubscribers({
    ...config.limits,
    texts,
    revision: () => daemon.table.revision,
    instance,
    clock,
    log,
    onSlow: metrics.slowSubscriber,
    signal: ending,
  });
  daemon.onTable((now, before) => {
    sources.follow(now, before);
    subscribers.tell();
  });
  await using door =
    nameserver === undefined
      ? null
      : await openDoor({
          ...nameserver,
          slots,
          callerIdc,
          lookUp: sources.lookUp,
          passOn: sources.passOn,
          onAnswer: createAnswerCounts(metrics),
          clock,
          log,
          signal: ending,
        });
  if (door !== null) metrics.series.onRender(createDoorCounts(metrics.series, door));
  const http = createRouterHttp({
    listen: config.http.listen,
    site,
    version,
    daemon,
    metrics,
    texts,
    subscribers,
    clients: createClients(),
    clusters,
    doors: nameserver?.doors ?? {},
    idcs: idcs.map(({ name }) => name),
    orderOf,
    callerIdc,
    lookUp: sources.lookUp,
    requestsPerSecond: config.limits.requestsPerSecond,
    subscribersMax: config.limits.subscribersMax,
    connections: () => door?.connections.size ?? 0,
    clock,
    log,
  });
  await listen(http, config.http.listen);
  const running = [
    daemon.run(ending),
    sources.run(ending),
    runHealthChecks(
      {
        table: () => daemon.table,
        connections,
        clock,
        push: daemon.push,
        everyMs: health.checkEveryMs,
        timeoutMs: health.checkTimeoutMs,
      },
      ending,
    ),
    ...followOthers(process, daemon, ending),
    ...watchedKafka(config).map(({ name, bootstrap, tls }) =>
      followKafkaBrokers(
        {
          cluster: name,
          servers: Object.values(bootstrap).flat(),
          tls: tls === undefined ? undefined : readTls(tls),
          table: () => daemon.table,
          clock,
          push: daemon.push,
          everyMs: config.poll.everyMs,
          timeoutMs: config.poll.timeoutMs,
          topicsEveryMs: config.poll.routeRefreshMs,
        },
        ending,
      ),
    ),
    report(daemon, notifier, { clock, signal: ending }),
  ];
  log.info({ site, http: config.http.listen, nameserver: door?.address ?? null, version }, "router started");
  notifier.ready(summary(daemon));
  try {
    await Promise.all(running);
  } finally {
    notifier.stopping();
    stop.abort();
    subscribers.close();
    await http.close();
  }
  log.info({}, "router stopped");
  return exitCodes.ok;
}

/** The ledger and the topics' metadata, where the config names them. */
function followOthers(
  { config, clock, log, credentialsDirectory }: RouterProcess,
  { push, table }: RouterDaemon,
  signal: AbortSignal,
): Promise<void>[] {
  const { etcd, topics } = config;
  const secrets = { credentialsDirectory };
  const following: Promise<void>[] = [];
  if (etcd !== undefined) {
    const prefix = ledgerPrefix({ environment: config.environment, etcd });
    following.push(followLedger({ etcd: readEtcdOptions(etcd, secrets), prefix, clock, log, push }, signal));
  }
  if (topics !== undefined) {
    const zooKeeper = readZooKeeperOptions(topics, secrets);
    const folder = topics.path.slice(0, -"/{topic}".length);
    const { format, cluster, gatedIps, gatedCluster, sendTimeoutMs, concurrency } = topics;
    const keys = { cluster, gatedIps, gatedCluster, sendTimeoutMs, concurrency };
    following.push(
      followTopicHomes(
        {
          zooKeeper,
          folder,
          format,
          keys,
          clusters: config.clusters.map(({ name }) => name),
          known: table.homes.keys(),
          clock,
          random: Math.random,
          log,
          push,
        },
        signal,
      ),
    );
  }
  return following;
}

/** Routers of one ensemble give its zxids the same name, in whichever order they list its servers. */
function createMetadataOf({ topics }: IdcRouterConfig, daemon: RouterDaemon): (topic: string) => MetadataReport | null {
  if (topics === undefined) return () => null;
  const source = createHash("sha256")
    .update(JSON.stringify([topics.servers.toSorted(), topics.path]))
    .digest("hex")
    .slice(0, sourceCharacters);
  return (topic) => {
    const zxid = daemon.state.homes.homes.get(topic)?.zxid ?? -1n;
    return zxid < 0n ? null : { source, zxid: String(zxid) };
  };
}

/** Tells systemd that the loop turns, and how things are. */
async function report(
  daemon: RouterDaemon,
  notifier: Awaited<ReturnType<typeof createNotifier>>,
  { clock, signal }: Pick<RouterProcess, "clock" | "signal">,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(statusEveryMs, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (clock.now() - daemon.lastStepAt < stepAgeMaxMs) notifier.watchdog();
    notifier.status(summary(daemon));
  }
}

/** "revision 12, 4 sets (1 not available), 120 topics"; with name servers away "degraded: no name server of C1, …". */
function summary({ table }: RouterDaemon): string {
  const sets = [...table.sets.values()];
  const away = sets.filter(({ available }) => !available).length;
  const silent = [...table.silentClusters];
  return [
    ...(silent.length === 0 ? [] : [`degraded: no name server of ${silent.join(", ")}`]),
    `revision ${table.revision}`,
    `${sets.length} sets${away === 0 ? "" : ` (${away} not available)`}`,
    `${table.topics.size} topics`,
  ].join(", ");
}
