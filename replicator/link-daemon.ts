import type { LinkConfig } from "#config/replicator.ts";
import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { SessionState, WatchEvent, ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import type { Identity } from "./core/acl.ts";
import type { StopCode } from "./core/claim.ts";
import { createLink } from "./core/link.ts";
import type { LinkProgress, LinkStatus, Side } from "./core/link-events.ts";
import { type RuleSet, withCanary } from "./core/rules/rules.ts";
import type { PhaseName } from "./core/transitions.ts";
import { explainPath, type LinkExplanation } from "./explain-path.ts";
import { createInspection, type Inspection } from "./inspection.ts";
import { presumedIdentities } from "./io/acls.ts";
import { type CanaryStatus, createCanaryKeeper } from "./io/canary.ts";
import { openZooKeeper } from "./io/clients.ts";
import { createJournalStore, listJournal, readJournal } from "./io/journal.ts";
import type { JournalEntry } from "./io/journal-entry.ts";
import { createLatch } from "./io/latch.ts";
import { layoutOf } from "./io/layout.ts";
import { createLinkWorld } from "./io/link-world.ts";
import { deletePause, readPause, writePause } from "./io/pause.ts";
import { createReader } from "./io/reader.ts";
import { readTombstones } from "./io/tombstones.ts";
import { createNoteTaker, refreshGauges } from "./link-notes.ts";
import { journalAclOf, linkOptions, ownAclOf } from "./link-options.ts";
import { createLinkRunner, type LinkRunner } from "./link-runner.ts";
import type { Metrics } from "./metrics.ts";
import { survey } from "./survey.ts";

export interface LinkDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Names this process and no other, in the fence: host, process id, and something random. */
  readonly instance: string;
  /** 8 random hexadecimal digits. */
  readonly newId: () => string;
  readonly credentialsDirectory: string | undefined;
}

/** One link's clients, core and loop, and what can be asked of it. */
export interface LinkDaemon extends Inspection {
  readonly name: string;
  readonly config: LinkConfig;
  status(): LinkStatus;
  progress(): LinkProgress;
  /** undefined unless it is switched on. */
  canary(): CanaryStatus | undefined;
  session(side: Side): SessionState;
  readonly lastStepAt: number;
  /** Runs until the signal is aborted; then carries over what is known, for at most `drainMs`, and ends the sessions. */
  run(signal: AbortSignal): Promise<void>;
  until: LinkRunner["until"];
  explain(path: string, signal: AbortSignal): Promise<LinkExplanation>;
  /** The journal's entries, oldest first, without their bytes; from the target, also where this replicator only waits. */
  drift(signal: AbortSignal): Promise<readonly DriftEntry[]>;
  driftEntry(id: string, signal: AbortSignal): Promise<DriftEntry | undefined>;
  compare(): void;
  acceptDeletes(): void;
  /** Stands in the target when it resolves; whoever leads the link obeys within moments. */
  pause(reason: string, signal: AbortSignal): Promise<void>;
  /** Ends a pause, and lets a link that is stopped here try again. @throws {OperatorError} REP_STANDBY, REP_NOT_STOPPED */
  resume(options: { sourceWins: boolean }, signal: AbortSignal): Promise<void>;
  /** Lets a link that is stopped for want of a fence make one. @throws {OperatorError} REP_NOT_STOPPED */
  init(): void;
}

export interface DriftEntry extends JournalEntry {
  readonly id: string;
}

const drainMs = 5_000;
const pauseLookEveryMs = 5_000;
export function createLinkDaemon(config: LinkConfig, rules: RuleSet, deps: LinkDeps): LinkDaemon {
  const { clock, metrics } = deps;
  const name = config.name;
  const log = deps.log.child({ link: name });
  const options = linkOptions(config, rules);
  const layout = layoutOf(name);
  // Plan and verify look at what operators ask for; the canary is always on its way.
  const link = createLink(
    config.canary === undefined ? options : { ...options, rules: withCanary(rules, layout.canary) },
  );
  const closing = new AbortController();
  let ended = false;
  const states: Record<Side, SessionState> = {
    source: { kind: "connecting", reason: undefined },
    target: { kind: "connecting", reason: undefined },
  };

  const open = (side: Side): ZooKeeper =>
    openZooKeeper(config[side], {
      clock,
      random: deps.random,
      log: log.child({ side }),
      signal: closing.signal,
      credentialsDirectory: deps.credentialsDirectory,
      onState: (state) => onState(side, state),
      onWatch: (event) => (side === "source" ? runner.watched(event) : onTargetWatch(event)),
    });
  const onTargetWatch = ({ kind, path }: WatchEvent): void => {
    const fence = layout.fenceOf(path);
    if (kind === "deleted" && fence !== undefined) runner.push({ kind: "fenceGone", name: fence });
    if (path === layout.latch) latch.changed();
    if (path === layout.pause) void lookForPause(closing.signal);
  };
  const onState = (side: Side, state: SessionState): void => {
    const before = states[side].kind;
    states[side] = state;
    if (state.kind === "connected") {
      log.info({ side, server: state.server, resumed: state.resumed }, "session connected");
      runner.push({ kind: "connected", side, resumed: state.resumed });
    } else if (before === "connected" && !ended) {
      metrics.add("idc_replicator_session_losses_total", { link: name, side }, 1);
      log.warn({ side, reason: state.reason }, "session lost");
      runner.push({ kind: "disconnected", side });
    }
  };
  // Clients start to connect on a later turn of the event loop, when `runner` exists.
  const clients = { source: open("source"), target: open("target") };
  const copiesAcls = config.acl === "copy";
  let own: readonly Identity[] = copiesAcls ? presumedIdentities(config.target, deps.credentialsDirectory) : [];
  const reader = createReader(clients, clock);
  const learn = (learned: readonly Identity[]): void => {
    own = learned;
  };
  const ownNodes = {
    ...clients,
    layout,
    ownAcl: ownAclOf(config.target),
    instance: deps.instance,
    newClaim: deps.newId,
    wallTime: clock.wallTime,
  };
  const latch = createLatch({ ...ownNodes, member: deps.newId(), clock });
  const onIdentities = copiesAcls ? learn : undefined;
  const journal = createJournalStore({ ...ownNodes, journalAcl: journalAclOf(config) });
  const keepsTombstones = config.deletes.mode === "tombstone";
  const canary =
    config.canary &&
    createCanaryKeeper({
      ...config.canary,
      source: clients.source,
      layout,
      acl: ownAclOf(config.source),
      instance: deps.instance,
      clock,
      phase: () => link.progress().phase,
      onLag: (lagMs) => metrics.observe("idc_replicator_canary_lag_seconds", { link: name }, lagMs / 1_000),
      onProblem: (problem) => {
        if (problem === undefined) log.info({}, "canaries are set again");
        else log.warn({ ...problem }, "no canary can be set at the source");
      },
    });
  const onApplied = canary?.acknowledged;
  const world = createLinkWorld({ ...ownNodes, reader, latch, journal, onIdentities, keepsTombstones, onApplied });
  const runner = createLinkRunner({ link, world, clock, onNote: createNoteTaker({ link: name, log, metrics }) });
  const counted = { events: 0, eventsIgnored: 0, skipped: 0 };
  metrics.onRender(() => {
    const status = link.status();
    refreshGauges({ link: name, status, journal, canary: canary?.status(), nowMs: clock.now(), metrics });
    metrics.add("idc_replicator_events_total", { link: name }, status.counts.events - counted.events);
    metrics.add(
      "idc_replicator_events_ignored_total",
      { link: name },
      status.counts.eventsIgnored - counted.eventsIgnored,
    );
    metrics.add("idc_replicator_skipped_total", { link: name }, status.counts.skipped - counted.skipped);
    Object.assign(counted, status.counts);
  });
  const lookForPause = async (signal: AbortSignal): Promise<void> => {
    try {
      runner.push({ kind: "pauseSeen", pause: await readPause(ownNodes, signal) });
    } catch {
      // The session is lost, or the target does not let us look: looked at again in a moment.
    }
  };
  /** What the watch missed, and where there is none: on old servers, and while another replicator leads. */
  const keepLookingForPause = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(pauseLookEveryMs, { signal });
      if (states.target.kind === "connected") await lookForPause(signal);
    }
  };
  const inspection = createInspection({
    link: name,
    clock,
    async look(signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      const tombstones = keepsTombstones ? await readTombstones(ownNodes, either) : [];
      return await survey({ link: options, reader, own, tombstones, clock }, either);
    },
  });

  return {
    name,
    config,
    status: link.status,
    progress: link.progress,
    canary: () => canary?.status(),
    session: (side) => states[side],
    get lastStepAt() {
      return runner.lastStepAt;
    },
    async run(signal) {
      const stop = new AbortController();
      const running = runner.run(stop.signal);
      const looking = keepLookingForPause(stop.signal).catch(() => {});
      const singing = canary?.run(AbortSignal.any([stop.signal, signal])).catch(() => {});
      const asked = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([asked, running]);
      const draining = AbortSignal.timeout(drainMs);
      // An event comes before any later answer of its server: after this one, all that was written until now is known.
      if (link.progress().phase === "following") await clients.source.sync("/", { signal: draining }).catch(() => {});
      const settled = ({ pending, phase }: LinkProgress): boolean =>
        (runner.queued === 0 && pending === 0) || phase !== "following";
      await runner.until(settled, draining).catch(() => log.warn({ drainMs }, "stopped with changes pending"));
      stop.abort();
      await Promise.all([running, looking, singing]);
      ended = true;
      await Promise.allSettled([clients.source.close(), clients.target.close()]);
      closing.abort();
    },
    until: runner.until,
    ...inspection,
    explain: (path, signal) =>
      explainPath({ path, config, rules, clients, own, problems: link.status().problems }, signal),
    drift: (signal) => listJournal(ownNodes, signal),
    driftEntry: (id, signal) => readJournal(ownNodes, id, signal),
    compare: () => runner.push({ kind: "compareAsked" }),
    acceptDeletes: () => runner.push({ kind: "deletesAccepted" }),
    async pause(reason, signal) {
      await writePause(ownNodes, reason, signal);
      await lookForPause(signal);
    },
    async resume({ sourceWins }, signal) {
      const { phase, pause, leader } = link.status();
      if (pause !== undefined) {
        await deletePause(ownNodes, signal);
        await lookForPause(signal);
      }
      if (phase === "stopped") runner.push({ kind: "resumeAsked", sourceWins, init: false });
      else if (pause === undefined) throw notStopped(name, phase, leader);
    },
    init() {
      const { phase, stopped, leader } = link.status();
      if (stopped === undefined) throw notStopped(name, phase, leader);
      if (!initCodes.includes(stopped.code)) {
        throw new OperatorError("REP_NO_INIT", `Link ${name} is stopped, ${stopped.code}: a new fence is no remedy`, {
          hint: `docs/operations.md#${stopped.code} says what is`,
        });
      }
      runner.push({ kind: "resumeAsked", sourceWins: false, init: true });
    },
  };
}

/** Stops that say that there is no fence to take over. */
const initCodes: readonly StopCode[] = ["fence-missing", "fence-ambiguous"];

function notStopped(link: string, phase: PhaseName, leader: string | undefined): OperatorError {
  if (leader !== undefined) {
    return new OperatorError("REP_STANDBY", `Link ${link} is led by ${leader}, this replicator waits`, {
      hint: "Ask that one: idcctl link status shows which endpoint it is",
    });
  }
  return new OperatorError("REP_NOT_STOPPED", `Link ${link} is neither stopped nor paused, it is ${phase}`, {
    hint: "There is nothing to resume",
  });
}
