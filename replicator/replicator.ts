import type { ReplicatorConfig } from "#config/replicator.ts";
import { exitCodes } from "#lib/errors.ts";
import { createNotifier } from "#lib/systemd.ts";
import type { CompiledLink } from "./compile-links.ts";
import type { LinkProgress } from "./core/link-events.ts";
import { createLinkDaemon, type LinkDaemon, type LinkDeps } from "./link-daemon.ts";
import { createProgress } from "./progress.ts";
import { connectWaitMs, unreachable } from "./unreachable.ts";

const statusEveryMs = 1_000;
/** A server looks at its sessions once in a tick, and may have been busy. */
const latchSlackMs = 2_000;
/** A link whose loop has not made a step for so long keeps the watchdog from being fed. */
const stepAgeMaxMs = 5_000;

export interface Replicator {
  /** The daemon: runs until the signal is aborted, then drains. Gives the exit code. */
  run(signal: AbortSignal): Promise<number>;
  /** `--once`: until every target is up to date. 3: a link may not go on (brake, fence); 6: paths are held back. */
  once(options: { stderr: NodeJS.WriteStream; signal: AbortSignal }): Promise<number>;
}

export function createReplicator(options: {
  config: ReplicatorConfig;
  links: readonly CompiledLink[];
  deps: LinkDeps;
  notifySocket: string | undefined;
  version: string;
}): Replicator {
  const { config, deps } = options;
  const { clock, log, metrics } = deps;
  const daemons = options.links.map(({ config: link, rules }) => createLinkDaemon(link, rules, deps));
  metrics.set("idc_replicator_build_info", { version: options.version }, 1);

  return {
    async run(signal) {
      const notifier = await createNotifier({ notifySocket: options.notifySocket, log });
      // Loaded here, because --once opens no door and should start soon.
      const [{ listen }, { createReplicatorHttp }] = await Promise.all([
        import("#lib/http.ts"),
        import("./io/http.ts"),
      ]);
      const http = createReplicatorHttp({ listen: config.http.listen, log, clock, metrics, links: daemons });
      await listen(http, config.http.listen);
      log.info(
        { listen: config.http.listen, links: daemons.map(({ name }) => name), version: options.version },
        "replicator started",
      );
      notifier.ready(summary(daemons));
      const stop = new AbortController();
      const reporting = (async () => {
        while (!stop.signal.aborted) {
          await clock.sleep(statusEveryMs, { signal: stop.signal });
          const now = clock.now();
          if (daemons.every((link) => now - link.lastStepAt < stepAgeMaxMs)) notifier.watchdog();
          notifier.status(summary(daemons));
        }
      })().catch(() => {});
      try {
        await Promise.all(daemons.map((link) => link.run(signal)));
      } finally {
        notifier.stopping();
        stop.abort();
        await reporting;
        await http.close();
      }
      log.info({}, "replicator stopped");
      return exitCodes.ok;
    },

    async once({ stderr, signal }) {
      const finished = new AbortController();
      const runs = daemons.map((link) => link.run(AbortSignal.any([signal, finished.signal])));
      const codes = await Promise.race([
        Promise.all(daemons.map((link) => onceOver(link, stderr, deps, signal))),
        // A run that ends by itself has failed: its error is the answer.
        Promise.all(runs).then(() => [exitCodes.error]),
      ]);
      finished.abort();
      await Promise.all(runs);
      return worst(codes);
    },
  };
}

async function onceOver(
  link: LinkDaemon,
  stderr: NodeJS.WriteStream,
  { clock }: LinkDeps,
  signal: AbortSignal,
): Promise<number> {
  const progress = createProgress({ stream: stderr, link: link.name, clock });
  const wait = AbortSignal.any([signal, AbortSignal.timeout(connectWaitMs)]);
  await link
    .until(({ phase }) => phase !== "connecting", wait)
    .catch((cause: unknown) => {
      throw signal.aborted ? cause : unreachable(link.config, link.session);
    });
  if (await isLedByAnother(link, signal)) {
    progress.end();
    stderr.write(`${link.name}: ${link.status().leader} leads this link and carries it over; nothing was done here\n`);
    return exitCodes.refused;
  }
  const status = await link.until((now) => {
    progress.show(now);
    return now.idle || now.phase === "stopped" || now.phase === "paused";
  }, signal);
  progress.end();
  stderr.write(`${link.name}: ${outcome(status)}\n`);
  if (status.phase !== "following" || status.brake.engaged) return exitCodes.refused;
  return heldBack(status) > 0 ? exitCodes.different : exitCodes.ok;
}

/** The place of one that died is kept until its session has ended; after that, who leads is alive. */
async function isLedByAnother(link: LinkDaemon, signal: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(link.config.target.sessionTimeoutMs + latchSlackMs)]);
  try {
    await link.until(({ phase }) => phase !== "standby", patience);
    return false;
  } catch (cause) {
    if (signal.aborted) throw cause;
    return true;
  }
}

function outcome(status: LinkProgress): string {
  const { counts, stopped, pause, brake } = status;
  if (status.phase === "paused") return `paused, nothing was written: ${pause?.reason ?? ""}`;
  if (stopped !== undefined) return `stopped, ${stopped.code}: ${stopped.detail}`;
  const done = `${counts.created} created, ${counts.updated} updated, ${counts.deleted} deleted, ${status.targetNodes} nodes in the target`;
  if (brake.engaged) return `${done}; the delete brake (${brake.reason}) holds ${brake.held} deletes`;
  return heldBack(status) > 0 ? `${done}; ${heldBack(status)} paths held back` : done;
}

function heldBack(status: LinkProgress): number {
  return Object.values(status.problemCounts).reduce((sum, count) => sum + count, 0);
}

/** Refused outweighs different: the first needs a decision, the second a look. */
function worst(codes: readonly number[]): number {
  for (const code of [exitCodes.error, exitCodes.refused, exitCodes.different]) if (codes.includes(code)) return code;
  return exitCodes.ok;
}

function summary(daemons: readonly LinkDaemon[]): string {
  return daemons
    .map((link) => {
      const { phase, pending, brake, stopped, leader } = link.progress();
      if (phase === "standby") return `${link.name}: standby for ${leader ?? "nobody yet"}`;
      return `${link.name}: ${stopped?.code ?? phase}, ${pending} pending${brake.engaged ? ", brake engaged" : ""}`;
    })
    .join("; ");
}
