import type { Logger } from "#lib/log.ts";
import { errorName } from "#lib/zookeeper/errors.ts";
import { stopCodes } from "./core/claim.ts";
import { driftKinds } from "./core/drift.ts";
import type { LinkNote, LinkStatus } from "./core/link-events.ts";
import { problemKinds } from "./core/problems.ts";
import { phaseNames } from "./core/transitions.ts";
import type { CanaryStatus } from "./io/canary.ts";
import type { Metrics } from "./metrics.ts";

/** Turns what the core says into log lines and counters. */
export function createNoteTaker(options: { link: string; log: Logger; metrics: Metrics }): (note: LinkNote) => void {
  const { link, log, metrics } = options;
  startCounters(link, metrics);
  return (note) => {
    switch (note.kind) {
      case "phase": {
        const { from, to, why, detail } = note;
        const fields = { from, to, why, ...(detail === undefined ? {} : { detail }) };
        if (to === "stopped") log.error(fields, "link stopped");
        else if (to === "connecting") log.warn(fields, "link changes phase");
        else log.info(fields, "link changes phase");
        break;
      }
      case "applied":
        metrics.add("idc_replicator_operations_total", { link, op: "create" }, note.creates);
        metrics.add("idc_replicator_operations_total", { link, op: "set" }, note.sets);
        metrics.add("idc_replicator_operations_total", { link, op: "delete" }, note.deletes);
        for (const kind of driftKinds)
          metrics.add("idc_replicator_drift_repaired_total", { link, kind }, note.repaired[kind]);
        for (const lagMs of note.lagsMs) metrics.observe("idc_replicator_lag_seconds", { link }, lagMs / 1_000);
        log.debug({ creates: note.creates, sets: note.sets, deletes: note.deletes }, "batch applied");
        break;
      case "aclsSet":
        metrics.add("idc_replicator_operations_total", { link, op: "acl" }, note.acls);
        log.debug({ acls: note.acls }, "ACLs set");
        break;
      case "problem":
        // In a first copy children may be seen before their parents: nobody needs to be told, unless it stays so (the gauge).
        if (note.problem.kind === "parentMissing") log.debug({ ...note.problem }, "path held back");
        else log.warn({ ...note.problem }, "path held back");
        break;
      case "brake":
        if (note.engaged) log.error({ reason: note.reason, deletes: note.held }, "delete brake engaged");
        else log.info({}, "delete brake released");
        break;
      case "drift":
        metrics.add("idc_replicator_drift_total", { link, kind: note.did }, 1);
        log.warn({ path: note.path, kind: note.did }, "somebody else writes in the target");
        break;
      case "refused":
        metrics.add("idc_replicator_refusals_total", { link }, 1);
        log.debug({ path: note.path, op: note.op, code: errorName(note.code) }, "target refused an operation");
        break;
      case "compared": {
        const { sourceNodes, targetNodes, differences, tookMs } = note;
        metrics.add("idc_replicator_compares_total", { link }, 1);
        metrics.set("idc_replicator_compare_duration_seconds", { link }, tookMs / 1_000);
        metrics.set("idc_replicator_compare_differences", { link }, differences);
        log.info({ sourceNodes, targetNodes, differences, tookMs: Math.round(tookMs) }, "trees compared");
        break;
      }
      case "dirtyOverflow":
        metrics.add("idc_replicator_overflows_total", { link }, 1);
        log.warn({}, "too many changes at once: a full compare will follow");
        break;
    }
  };
}

/** From 0 at once: a first increase of a counter that was not there before is none to Prometheus. */
function startCounters(link: string, metrics: Metrics): void {
  for (const op of ["create", "set", "delete", "acl"]) metrics.add("idc_replicator_operations_total", { link, op }, 0);
  for (const side of ["source", "target"]) metrics.add("idc_replicator_session_losses_total", { link, side }, 0);
  metrics.add("idc_replicator_drift_total", { link, kind: "aclChanged" }, 0);
  for (const kind of driftKinds) {
    metrics.add("idc_replicator_drift_total", { link, kind }, 0);
    metrics.add("idc_replicator_drift_repaired_total", { link, kind }, 0);
  }
  for (const name of [
    "idc_replicator_compares_total",
    "idc_replicator_overflows_total",
    "idc_replicator_refusals_total",
  ] as const) {
    metrics.add(name, { link }, 0);
  }
}

/** Gauges that are read off the link's state when somebody asks. */
export function refreshGauges(options: {
  link: string;
  status: LinkStatus;
  journal: { readonly entries: number; readonly bytes: number };
  canary: CanaryStatus | undefined;
  nowMs: number;
  metrics: Metrics;
}): void {
  const { link, status, journal, canary, nowMs, metrics } = options;
  if (canary?.ageMs === undefined) metrics.unset("idc_replicator_canary_age_seconds", { link });
  else metrics.set("idc_replicator_canary_age_seconds", { link }, canary.ageMs / 1_000);
  metrics.set("idc_replicator_drift_journal_entries", { link }, journal.entries);
  metrics.set("idc_replicator_drift_journal_bytes", { link }, journal.bytes);
  for (const phase of phaseNames)
    metrics.set("idc_replicator_link_phase", { link, phase }, status.phase === phase ? 1 : 0);
  for (const code of stopCodes)
    metrics.set("idc_replicator_link_stopped", { link, code }, status.stopped?.code === code ? 1 : 0);
  for (const side of ["source", "target"] as const) {
    metrics.set("idc_replicator_session_up", { link, side }, status.connected[side] ? 1 : 0);
  }
  metrics.set("idc_replicator_pending_paths", { link }, status.pending);
  const oldest = status.oldestPendingSince;
  metrics.set("idc_replicator_oldest_pending_seconds", { link }, oldest === undefined ? 0 : (nowMs - oldest) / 1_000);
  metrics.set("idc_replicator_brake_engaged", { link }, status.brake.engaged ? 1 : 0);
  metrics.set("idc_replicator_brake_held_deletes", { link }, status.brake.held);
  metrics.set("idc_replicator_target_nodes", { link }, status.targetNodes);
  metrics.set("idc_replicator_tombstones", { link }, status.tombstones);
  metrics.set("idc_replicator_fence_epoch", { link }, Number(status.epoch ?? 0n));
  metrics.set("idc_replicator_watch_recursive", { link }, status.watch === "recursive" ? 1 : 0);
  if (status.lastCompare !== undefined) {
    metrics.set("idc_replicator_compare_age_seconds", { link }, (nowMs - status.lastCompare.at) / 1_000);
  }
  for (const kind of problemKinds)
    metrics.set("idc_replicator_problem_paths", { link, kind }, status.problemCounts[kind] ?? 0);
}
