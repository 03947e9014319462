import type { Instant } from "#lib/clock.ts";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { Fence, StopCode } from "./claim.ts";
import { createCompareSchedule } from "./compare-schedule.ts";
import type { DriftKind } from "./drift.ts";
import { createKnowledge } from "./knowledge.ts";
import { defaultLimits } from "./limits.ts";
import type { LinkContext, LinkOptions } from "./link-context.ts";
import type { LinkCommand, LinkEvent, LinkProgress, LinkStatus, Pause, Side, WatchMode } from "./link-events.ts";
import { createJudgedPast } from "./past.ts";
import { mayHoldSources } from "./rules/rules.ts";
import type { Tombstone } from "./tombstones.ts";
import { type PhaseName, type PhaseTrigger, transitionOn } from "./transitions.ts";
import { witnessesMax } from "./witnesses.ts";

/**
 * One link: source and target connected, fence claimed, watches armed, trees compared, changes carried over. Decides only:
 * `step` takes what happened and gives what is to be done. Deterministic: the same events at the same instants give the same
 * commands. The state lives inside and is changed in place, because a tree of a million nodes cannot be copied for each event.
 */
export interface Link {
  /** Takes what happened, in this order, and decides once: what came together is read and written together. */
  step(events: readonly LinkEvent[], now: Instant): readonly LinkCommand[];
  progress(): LinkProgress;
  status(): LinkStatus;
  /** Target paths that go when the operator accepts: those the brake holds, and parents that wait for them. */
  held(): readonly string[];
  /** Target nodes that stay although their source is gone, oldest first. */
  tombstones(now: Instant): readonly Tombstone[];
}

/** Paths named in the detail of a stop; the status lists more. */
const samplesMax = 3;

export function createLink(options: LinkOptions): Link {
  let phase: PhaseName = "connecting";
  let stopped: { code: StopCode; detail: string } | undefined;
  const connected: Record<Side, boolean> = { source: false, target: false };
  let leader: string | undefined;
  let fence: Fence | undefined;
  /** Name of the fence that went last, as of the target's watch: it may say so before the claim's own answer is here. */
  let fenceGone: string | undefined;
  let pause: Pause | undefined;
  /** What an operator asked for when he resumed the link; until it follows again. */
  let asked = { sourceWins: false, init: false };
  let sourceLostAt = Number.POSITIVE_INFINITY;
  let watch: WatchMode | undefined;
  const past = createJudgedPast();
  const schedule = createCompareSchedule(options);
  let lastId = 0;
  /** Id of the lead, claim or arm command whose answer is awaited. */
  let awaited = 0;
  let commands: LinkCommand[] = [];

  const context: LinkContext = {
    options,
    limits: { ...defaultLimits, ...options.limits },
    counts: {
      created: 0,
      updated: 0,
      deleted: 0,
      aclsSet: 0,
      events: 0,
      eventsIgnored: 0,
      skipped: 0,
      drift: 0,
      refused: 0,
      compares: 0,
    },
    guardedRoots: options.rules.sourceRoots.filter((root) => mayHoldSources(options.rules, root)),
    nextId: () => ++lastId,
    emit: (command) => void commands.push(command),
    note: (note) => void commands.push({ kind: "note", note }),
  };
  let { index, problems, brake, witnesses, work, tombstones, carrier, comparison } = createKnowledge(context);
  /** The highest source zxid read at by what this process has forgotten since. */
  let seenBefore = 0n as Zxid;
  /** While another leads, what we know of the target becomes wrong without our hearing of it. */
  const forget = (): void => {
    if (fence === undefined) return;
    fence = undefined;
    seenBefore = highestSeen();
    ({ index, problems, brake, witnesses, work, tombstones, carrier, comparison } = createKnowledge(context));
  };
  const highestSeen = (): Zxid => (carrier.sourceZxid > seenBefore ? carrier.sourceZxid : seenBefore);

  const move = (on: PhaseTrigger, detail?: string): boolean => {
    const row = transitionOn(phase, on);
    if (row === undefined) return false;
    context.note({
      kind: "phase",
      from: row.from,
      to: row.to,
      why: row.why,
      ...(detail === undefined ? {} : { detail }),
    });
    phase = row.to;
    return true;
  };
  const stop = (on: PhaseTrigger, code: StopCode, detail: string): void => {
    if (!move(on, detail)) return;
    stopped = { code, detail };
    past.reopen();
    comparison.abandon();
    carrier.abandon();
  };
  const stopIfFenced = (): void => {
    if (fence === undefined || fenceGone !== fence.name) return;
    stop("fenced", "fenced", `The fence ${fence.name} is gone: another replicator has taken the link over`);
  };
  const stopDiverged = (diverged: ReadonlyMap<string, DriftKind>, now: Instant): void => {
    for (const [path, kind] of diverged.entries().take(context.limits.problemsListed)) {
      const detail = `${kind} by somebody else while nobody watched the source, which says otherwise`;
      problems.set({ kind: "foreign", side: "target", path, detail }, now);
    }
    const samples = [...diverged.entries().take(samplesMax)].map(([path, kind]) => `${path} (${kind})`);
    const paths = `${diverged.size} target ${diverged.size === 1 ? "node" : "nodes"}`;
    stop("diverged", "diverged", `${paths} written by somebody else while nobody watched: ${samples.join(", ")}`);
  };
  /** Whatever is in flight is forgotten: a full compare finds out what became of it. */
  const startOver = (detail: string): void => {
    if (!move("sessionLost", detail)) return;
    comparison.abandon();
    carrier.abandon();
  };
  const queueIfConnected = (): void => {
    if (!connected.source || !connected.target || !move("bothConnected")) return;
    leader = undefined;
    awaited = context.nextId();
    context.emit({ kind: "lead", id: awaited });
  };
  const claim = (kept: boolean): void => {
    if (!move("leading")) return;
    leader = undefined;
    // Others may have led in between: what was ours then proves nothing.
    if (!kept) forget();
    awaited = context.nextId();
    context.emit({
      kind: "claim",
      id: awaited,
      held: fence,
      seen: highestSeen(),
      witnesses: witnesses.newest(witnessesMax),
      ...asked,
    });
  };
  const startAgain = (): void => {
    if (!move("resumed")) return;
    stopped = undefined;
    queueIfConnected();
  };
  const followPause = (seen: Pause | undefined): void => {
    pause = seen;
    if (phase === "paused" && pause === undefined) startAgain();
    if (pause === undefined || !move("paused", pause.reason)) return;
    past.reopen();
    comparison.abandon();
    carrier.abandon();
  };
  const beginClaim = (claimed: LinkEvent & { kind: "claimed" }, now: Instant): void => {
    const { checkpoint } = claimed;
    if (claimed.fence.name !== fence?.name) {
      past.reopen();
      index.clear();
      if (checkpoint !== undefined) brake.resume(checkpoint.brake, now);
      tombstones?.resume(claimed.tombstones ?? [], now);
    }
    fence = claimed.fence;
    const { sourceWins } = asked;
    carrier.begin(claimed, { sourceWins, over: past.claimed(checkpoint, sourceWins) }, now);
    asked = { ...asked, init: false };
  };
  const startCompare = (now: Instant): void => {
    schedule.begun();
    problems.clearAll("foreign");
    // Where nothing was ever carried over there is nothing to judge before the first write.
    const toJudge = past.take();
    comparison.start(now, toJudge, phase === "comparing" && toJudge === undefined);
  };

  const handle = (event: LinkEvent, now: Instant): void => {
    switch (event.kind) {
      case "connected":
        connected[event.side] = true;
        // Whoever leads now judges for himself whether the link may go on.
        if (event.side === "target" && !event.resumed && phase === "stopped") startAgain();
        else queueIfConnected();
        break;
      case "disconnected":
        connected[event.side] = false;
        if (event.side === "source") {
          sourceLostAt = now;
          past.reopen();
        }
        startOver(`${event.side} disconnected`);
        break;
      case "waiting":
        if (event.id !== awaited) break;
        leader = event.leader;
        forget();
        break;
      case "leading":
        if (event.id === awaited) claim(event.kept);
        break;
      case "failed":
        if (event.id !== awaited && !comparison.awaits(event.id) && !carrier.awaits(event.id)) break;
        startOver(event.detail);
        queueIfConnected();
        break;
      case "claimed":
        if (event.id !== awaited) break;
        beginClaim(event, now);
        // A pause that was seen meanwhile is newer than what the claim has read.
        if (phase === "claiming") followPause(event.pause);
        if (!move("claimed")) break;
        awaited = context.nextId();
        context.emit({ kind: "arm", id: awaited, roots: options.rules.sourceRoots });
        stopIfFenced();
        break;
      case "fenceGone":
        fenceGone = event.name;
        stopIfFenced();
        break;
      case "pauseSeen":
        followPause(event.pause);
        break;
      case "claimRefused":
        if (event.id === awaited) stop("claimRefused", event.code, event.detail);
        break;
      case "armed":
        if (event.id !== awaited || !move("armed")) break;
        awaited = 0;
        watch = event.watch;
        startCompare(now);
        break;
      case "changed":
        // Before watches are armed for a compare that is still to come an event tells nothing that it would not find.
        if (phase === "arming" || phase === "comparing" || phase === "following") carrier.changed(event.path, now);
        break;
      case "read":
        if (!comparison.read(event, now)) carrier.read(event, now);
        break;
      case "wrote":
        carrier.wrote(event.id, event.outcome, now);
        break;
      case "wroteAcls":
        carrier.wroteAcls(event.id, event.outcome, now);
        break;
      case "compareAsked":
        schedule.want();
        break;
      case "deletesAccepted":
        for (const path of brake.accept(carrier.waitsForChildren)) work.mark(path, undefined);
        context.note({ kind: "brake", engaged: false, reason: undefined, held: 0 });
        break;
      case "resumeAsked":
        if (phase !== "stopped") break;
        asked = { sourceWins: event.sourceWins, init: event.init };
        // The operator knows that the fence is gone, if it is: whatever stands there now is taken over.
        fence = undefined;
        startAgain();
        break;
      case "tick":
        if (phase === "connecting" && connected.target && now - sourceLostAt >= options.yieldAfterMs) {
          sourceLostAt = now;
          context.emit({ kind: "yield" });
        }
        break;
    }
  };

  const advance = (now: Instant): void => {
    const halt = carrier.halt;
    if (halt !== undefined) stop(halt.code === "fenced" ? "fenced" : "badData", halt.code, halt.detail);
    if (phase !== "comparing" && phase !== "following") return;
    const finished = comparison.takeFinished();
    if (finished !== undefined) {
      schedule.ended(finished, watch, now);
      context.counts.compares += 1;
      const { sourceNodes, targetNodes, differences, tookMs, diverged } = finished;
      context.note({ kind: "compared", sourceNodes, targetNodes, differences, tookMs });
      if (diverged.size > 0) {
        stopDiverged(diverged, now);
        return;
      }
      carrier.compared(finished.sourceZxid);
      past.judged();
      if (move("compared")) asked = { sourceWins: false, init: false };
    }
    if (carrier.takeOverflow()) schedule.want();
    if (phase === "following" && comparison.stage === undefined && schedule.isDue(now)) startCompare(now);
    if (phase === "comparing" && comparison.carries && comparison.stage === "source") {
      past.judged();
      if (move("nothingToJudge")) asked = { sourceWins: false, init: false };
    }
    comparison.pump();
    // In any other first compare after a connect nothing is written before both trees are known.
    if (phase === "following") carrier.pump(comparison.number, now);
    if (isIdle() && brake.releaseIfEmpty()) context.note({ kind: "brake", engaged: false, reason: undefined, held: 0 });
  };

  const isIdle = (): boolean =>
    phase === "following" && comparison.stage === undefined && work.pending === 0 && tombstones?.isUnsaved !== true;

  const progress = (): LinkProgress => ({
    phase,
    stopped,
    connected: { ...connected },
    leader,
    pause,
    epoch: fence?.epoch,
    sourceZxid: carrier.sourceZxid,
    watch,
    rules: options.rules.hash,
    pending: work.pending,
    idle: isIdle(),
    targetNodes: index.size,
    tombstones: tombstones?.size ?? 0,
    comparing: comparison.stage === undefined ? undefined : { stage: comparison.stage, nodes: comparison.nodes },
    lastCompare: schedule.last,
    brake: {
      engaged: brake.engagement() !== undefined,
      reason: brake.engagement()?.reason,
      since: brake.engagement()?.since,
      held: brake.held.size,
    },
    problemCounts: Object.fromEntries(problems.counts),
    counts: { ...context.counts },
  });

  return {
    step(events, now) {
      commands = [];
      for (const event of events) handle(event, now);
      advance(now);
      return commands;
    },
    held: () => brake.acceptable(carrier.waitsForChildren),
    tombstones: (now) => tombstones?.list(now) ?? [],
    progress,
    status: () => ({ ...progress(), oldestPendingSince: work.oldestSince, problems: problems.list() }),
  };
}
