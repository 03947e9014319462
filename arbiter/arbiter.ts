import { randomUUID } from "node:crypto";
import type { ArbiterConfig } from "#config/arbiter.ts";
import { readEtcdOptions } from "#config/clients.ts";
import { createIdcOf } from "#config/idc.ts";
import { ledgerPrefix } from "#config/shared.ts";
import type { Clock } from "#lib/clock.ts";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { listen } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import { createNotifier } from "#lib/systemd.ts";
import { watchAudit } from "./audit-watch.ts";
import { leaderOf } from "./core/leader.ts";
import { phaseOf } from "./core/set-view.ts";
import { type ArbiterDaemon, createDaemon } from "./daemon.ts";
import { watchLedgerHealth } from "./gauges.ts";
import { createHooks } from "./hooks/hooks.ts";
import { openDoor } from "./io/door.ts";
import { type EtcdLedger, openEtcdLedger } from "./io/etcd-ledger.ts";
import { createArbiterHttp } from "./io/http.ts";
import { isPresent } from "./io/report.ts";
import { createMetrics } from "./metrics.ts";
import { openPorts, type PortsDeps } from "./ports.ts";

const statusEveryMs = 1_000;
/** A loop that has not made a step for so long keeps the watchdog from being fed. */
const stepAgeMaxMs = 5_000;
const tidyEveryMs = 600_000;

export interface ArbiterProcess {
  readonly config: ArbiterConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notifySocket: string | undefined;
  readonly credentialsDirectory: string | undefined;
  readonly signal: AbortSignal;
}

/** Wires the daemon to etcd, to the brokers and to its two doors, and runs it until the signal is aborted. Gives the exit code. */
export async function runArbiter(process: ArbiterProcess): Promise<number> {
  const { config, version, clock, log, signal } = process;
  const { site, controller } = config;
  const notifier = await createNotifier({ notifySocket: process.notifySocket, log });
  const metrics = createMetrics(config.environment);
  await using ledger = openEtcdLedger({
    etcd: readEtcdOptions(config.etcd, process),
    prefix: ledgerPrefix(config),
    site,
    clock,
    log,
  });
  const recordOf: PortsDeps["recordOf"] = (name) => daemon.core.state.mirror.sets.get(name)?.record?.value;
  await using ports = openPorts(config, { recordOf, credentialsDirectory: process.credentialsDirectory, clock, log });
  const { environment } = config;
  const { credentialsDirectory } = process;
  const { series } = metrics;
  const hooks = createHooks({ hooks: config.hooks, environment, site, credentialsDirectory, clock, log, series });
  const daemon: ArbiterDaemon = createDaemon({
    options: {
      site,
      clusters: config.clusters.map(({ name }) => name),
      scripted: config.clusters.filter(({ kind }) => kind === "exec").map(({ name }) => name),
      controller: controller.advertise,
      version,
      timing: config.timing,
      idcOf: createIdcOf(config.idcs),
      canary: config.canary.enabled,
    },
    ledger,
    brokers: ports.of,
    reaches: ports.reaches,
    onHappened: hooks.tell,
    async openDoor(wiring) {
      const door = await openDoor({
        ...wiring,
        listen: controller.listen,
        adminCidrs: controller.adminCidrs,
        timing: config.timing,
        clock,
        log,
        onAudit: ({ request, from, allowed, fields }) =>
          log.warn({ request, from, allowed, fields }, "an operator's call at the controller door"),
      });
      log.info({ site, http: config.http.listen, controller: door.address, version }, "arbiter started");
      notifier.ready(summary(daemon));
      return door;
    },
    clock,
    log,
    metrics,
  });
  const http = createArbiterHttp({
    listen: config.http.listen,
    log,
    daemon,
    metrics,
    newId: () => randomUUID(),
  });
  await listen(http, config.http.listen);
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const beside = [
    watchLedgerHealth(metrics.series, daemon, { clock, log, signal: ending }),
    watchAudit(metrics.series, daemon, { clock, log, signal: ending }),
    keepTidy(ledger, daemon, { clock, log, signal: ending }),
    report(daemon, { notifier, clock, signal: ending }),
    ports.watch(daemon, ending),
    hooks.run(ending),
  ];
  try {
    await daemon.run(signal);
  } finally {
    notifier.stopping();
    stop.abort();
    await Promise.all(beside);
    await http.close();
  }
  log.info({}, "arbiter stopped");
  return exitCodes.ok;
}

/** One site is enough, and more do no harm. */
async function keepTidy(
  ledger: EtcdLedger,
  daemon: ArbiterDaemon,
  { clock, log, signal }: Pick<ArbiterProcess, "clock" | "log" | "signal">,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(tidyEveryMs, { signal }).catch(() => {});
    const context = daemon.core.context(daemon.moment());
    if (signal.aborted || leaderOf(context) !== context.options.site) continue;
    try {
      const { deleted, compactedTo } = await ledger.tidy({ signal });
      log.info({ deleted, compactedTo: compactedTo?.toString() ?? null }, "ledger tidied");
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, "ledger cannot be tidied");
    }
  }
}

/** Tells systemd that the loop turns, and how things are. */
async function report(
  daemon: ArbiterDaemon,
  {
    notifier,
    clock,
    signal,
  }: { notifier: Awaited<ReturnType<typeof createNotifier>> } & Pick<ArbiterProcess, "clock" | "signal">,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(statusEveryMs, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (clock.now() - daemon.lastStepAt < stepAgeMaxMs) notifier.watchdog();
    notifier.status(summary(daemon));
  }
}

/** "leads, 3 of 3 sites, 12 sets: 11 held, 1 blocked"; without a quorum "degraded: no quorum in etcd, …". */
function summary({ core, moment }: ArbiterDaemon): string {
  const context = core.context(moment());
  const { mirror, options } = context;
  const voting = mirror.cluster?.value.sites;
  const phases = [...mirror.sets.values()].filter(({ record }) => record !== null).map(phaseOf);
  const counts = [...new Set(phases)].map((phase) => `${phases.filter((one) => one === phase).length} ${phase}`);
  const role = leaderOf(context) === options.site ? "leads" : "follows";
  return [
    context.hasQuorum() ? role : "degraded: no quorum in etcd",
    voting === undefined
      ? "no voting sites: idcctl init"
      : `${voting.filter((site) => isPresent(context, site)).length} of ${voting.length} sites`,
    ...(context.isPaused() ? ["failover paused"] : []),
    counts.length === 0 ? "no sets" : `sets: ${counts.toSorted().join(", ")}`,
  ].join(", ");
}
