import { createSeries, type MetricDoc, type Series } from "#lib/metrics.ts";

const link = ["link"] as const;

/** Every series of the replicator. docs/metrics.md, the alert rules' test and /metrics read this one table. */
export const metricDocs = [
  { name: "idc_replicator_build_info", type: "gauge", labels: ["version"], help: "1; the label says what is running." },
  {
    name: "idc_replicator_link_phase",
    type: "gauge",
    labels: ["link", "phase"],
    help: "1 for the phase the link is in, 0 for the others (docs/states.md).",
  },
  {
    name: "idc_replicator_link_stopped",
    type: "gauge",
    labels: ["link", "code"],
    help: "1 when the link stands still until an operator acts; the code says why (docs/operations.md).",
  },
  {
    name: "idc_replicator_session_up",
    type: "gauge",
    labels: ["link", "side"],
    help: "1 while the ZooKeeper session to this side is connected.",
  },
  {
    name: "idc_replicator_session_losses_total",
    type: "counter",
    labels: ["link", "side"],
    help: "Connections to this side that were lost.",
  },
  {
    name: "idc_replicator_lag_seconds",
    type: "histogram",
    labels: link,
    help: "From the arrival of a change's event to the target's acknowledgement, on one clock.",
  },
  {
    name: "idc_replicator_canary_lag_seconds",
    type: "histogram",
    labels: link,
    help: "From before a canary is set at the source to the target's acknowledgement of it or of a later one, on one clock.",
  },
  {
    name: "idc_replicator_canary_age_seconds",
    type: "gauge",
    labels: link,
    help: "Time since a canary arrived last, or since the first one was due; absent without `canary` and where this replicator waits, is paused or stopped.",
  },
  {
    name: "idc_replicator_pending_paths",
    type: "gauge",
    labels: link,
    help: "Paths known to have changed whose write is not acknowledged yet.",
  },
  {
    name: "idc_replicator_oldest_pending_seconds",
    type: "gauge",
    labels: link,
    help: "Age of the oldest event that is not carried over yet; 0 when none is.",
  },
  {
    name: "idc_replicator_events_total",
    type: "counter",
    labels: link,
    help: "Watch events for paths under the link's rules.",
  },
  {
    name: "idc_replicator_events_ignored_total",
    type: "counter",
    labels: link,
    help: "Watch events for paths under no rule, or under an ignore rule.",
  },
  {
    name: "idc_replicator_overflows_total",
    type: "counter",
    labels: link,
    help: "Times that events were dropped for a full compare, because more than limits.pendingPaths had changed.",
  },
  {
    name: "idc_replicator_operations_total",
    type: "counter",
    labels: ["link", "op"],
    help: "Operations acknowledged by the target: create, set, delete, acl (an ACL set on a node that was there).",
  },
  {
    name: "idc_replicator_refusals_total",
    type: "counter",
    labels: link,
    help: "Operations that the target refused; most are tried again after another look.",
  },
  {
    name: "idc_replicator_drift_total",
    type: "counter",
    labels: ["link", "kind"],
    help: "Target nodes that somebody else has changed, created or deleted, so that the link has to set them right.",
  },
  {
    name: "idc_replicator_drift_repaired_total",
    type: "counter",
    labels: ["link", "kind"],
    help: "Of these, the ones set right; what was overwritten is in the journal (idcctl link drift).",
  },
  {
    name: "idc_replicator_drift_journal_entries",
    type: "gauge",
    labels: link,
    help: "Entries in the drift journal, as of the replicator that leads; the oldest of more than 1,000 are deleted.",
  },
  {
    name: "idc_replicator_drift_journal_bytes",
    type: "gauge",
    labels: link,
    help: "Bytes in the drift journal, as of the replicator that leads; the oldest beyond 16 MiB are deleted.",
  },
  { name: "idc_replicator_skipped_total", type: "counter", labels: link, help: "Nodes left out because of `skip`." },
  {
    name: "idc_replicator_problem_paths",
    type: "gauge",
    labels: ["link", "kind"],
    help: "Paths held back, by reason (docs/operations.md).",
  },
  {
    name: "idc_replicator_brake_engaged",
    type: "gauge",
    labels: link,
    help: "1 while the delete brake holds all deletes for an operator.",
  },
  {
    name: "idc_replicator_brake_held_deletes",
    type: "gauge",
    labels: link,
    help: "Deletes that wait for an operator.",
  },
  { name: "idc_replicator_compares_total", type: "counter", labels: link, help: "Full compares finished." },
  {
    name: "idc_replicator_compare_duration_seconds",
    type: "gauge",
    labels: link,
    help: "How long the last full compare took.",
  },
  {
    name: "idc_replicator_compare_differences",
    type: "gauge",
    labels: link,
    help: "Paths that differed in the last full compare.",
  },
  {
    name: "idc_replicator_compare_age_seconds",
    type: "gauge",
    labels: link,
    help: "Time since the last full compare finished; absent before the first.",
  },
  {
    name: "idc_replicator_target_nodes",
    type: "gauge",
    labels: link,
    help: "Nodes in the target under the link's rules.",
  },
  {
    name: "idc_replicator_tombstones",
    type: "gauge",
    labels: link,
    help: "Target nodes whose source is gone and that stay until their time is over (deletes.mode tombstone).",
  },
  {
    name: "idc_replicator_fence_epoch",
    type: "gauge",
    labels: link,
    help: "Epoch of the fence this process holds; 0 before it holds one.",
  },
  {
    name: "idc_replicator_watch_recursive",
    type: "gauge",
    labels: link,
    help: "1 with a recursive watch, 0 where an old source is compared on a short timer.",
  },
] as const satisfies readonly MetricDoc[];

type MetricName = (typeof metricDocs)[number]["name"];

const lagBucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = Series<MetricName>;

/** @param environment label of every series */
export function createMetrics(environment: string): Metrics {
  return createSeries(metricDocs, { environment, bucketsSeconds: lagBucketsSeconds });
}
