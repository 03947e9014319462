import { createSeries, type MetricDoc, type Series } from "#lib/metrics.ts";
import type { ControllerAnswer } from "./core/controller-messages.ts";
import type { Event } from "./core/events.ts";

const set = ["set"] as const;

/** Every series of the arbiter. docs/metrics.md, the alert rules' test and /metrics read this one table. A `set` is "cluster/set". */
export const metricDocs = [
  {
    name: "idc_arbiter_build_info",
    type: "gauge",
    labels: ["version", "site"],
    help: "1; the labels say what is running, and for which site.",
  },
  {
    name: "idc_arbiter_quorum",
    type: "gauge",
    labels: [],
    help: "1 while this site has completed a write in etcd within timing.quorumProofMs; else nothing is decided from here.",
  },
  {
    name: "idc_arbiter_quorum_proof_age_seconds",
    type: "gauge",
    labels: [],
    help: "Age of the last completed write, counted from when it was sent; absent before the first.",
  },
  {
    name: "idc_arbiter_voting_sites",
    type: "gauge",
    labels: [],
    help: "Voting sites that the ledger names; 0 before idcctl init.",
  },
  {
    name: "idc_arbiter_voting_sites_present",
    type: "gauge",
    labels: [],
    help: "Of these, the ones whose beat is fresh, as this site sees it.",
  },
  {
    name: "idc_arbiter_site_present",
    type: "gauge",
    labels: ["site"],
    help: "1 while the voting site's beat is fresh, as this site sees it.",
  },
  {
    name: "idc_arbiter_leader",
    type: "gauge",
    labels: [],
    help: "1 while this site is the first voting site that is there: it leads.",
  },
  { name: "idc_arbiter_paused", type: "gauge", labels: [], help: "1 while an operator has paused all failovers." },
  {
    name: "idc_arbiter_unreadable_records",
    type: "gauge",
    labels: [],
    help: "Records in the ledger that this version cannot read; what they are about stands still.",
  },
  {
    name: "idc_arbiter_set_phase",
    type: "gauge",
    labels: ["set", "phase"],
    help: "1 for the phase the set is in, 0 for the others (docs/states.md).",
  },
  {
    name: "idc_arbiter_set_epoch",
    type: "gauge",
    labels: set,
    help: "Epoch of the set's master: it rises with every decision.",
  },
  {
    name: "idc_arbiter_set_replicas",
    type: "gauge",
    labels: set,
    help: "Replicas that the set has, the master among them.",
  },
  { name: "idc_arbiter_set_in_sync_replicas", type: "gauge", labels: set, help: "Members of the in-sync set." },
  {
    name: "idc_arbiter_set_unconfirmed_replicas",
    type: "gauge",
    labels: set,
    help: "Of these, the ones of which it is not known that the master counts them; they are no candidates.",
  },
  {
    name: "idc_arbiter_set_protection",
    type: "gauge",
    labels: ["set", "level"],
    help: "1 for the level that the live brokers' settings and the in-sync set protect, as last seen.",
  },
  {
    name: "idc_arbiter_set_promise_kept",
    type: "gauge",
    labels: set,
    help: "1 while the protection is at least what the set's policy promises (rpo zero: survive); 1 where it promises nothing.",
  },
  {
    name: "idc_arbiter_set_frozen",
    type: "gauge",
    labels: ["set", "code"],
    help: "1 while nothing is decided for this set; the code says why (docs/operations.md).",
  },
  {
    name: "idc_arbiter_set_blocked",
    type: "gauge",
    labels: ["set", "reason"],
    help: "1 while most sites say that the master is down, and nobody may be elected, or be promoted before a fence; every site tells it.",
  },
  {
    name: "idc_arbiter_broker_heard",
    type: "gauge",
    labels: ["set", "broker"],
    help: "1 while this site hears the broker, by its id in the controller protocol.",
  },
  {
    name: "idc_arbiter_failovers_total",
    type: "counter",
    labels: set,
    help: "Masters replaced because most sites said that they were down or restarted, decided by this site.",
  },
  {
    name: "idc_arbiter_decisions_total",
    type: "counter",
    labels: ["set", "kind"],
    help: "Masters named under a new epoch by this site, by what led to it.",
  },
  {
    name: "idc_arbiter_set_away",
    type: "gauge",
    labels: set,
    help: "1 while the master is not where the policy's preferIdcs want it, and a replica there could take over.",
  },
  {
    name: "idc_arbiter_returns_total",
    type: "counter",
    labels: ["set", "outcome"],
    help: "Switches home that this site asked itself for, by returnAfterMs: done, or failed (refused, given up, taken back).",
  },
  {
    name: "idc_arbiter_set_votes",
    type: "gauge",
    labels: ["set", "site", "verdict"],
    help: "1 for what the voting site says of the master, while all sites are asked about it.",
  },
  {
    name: "idc_arbiter_questions_total",
    type: "counter",
    labels: set,
    help: "Times that a master was asked about in all sites, as this site saw it.",
  },
  {
    name: "idc_arbiter_requests_total",
    type: "counter",
    labels: ["request", "code"],
    help: "Requests of brokers and tools at the controller door, by result code of the controller protocol.",
  },
  {
    name: "idc_arbiter_commit_duration_seconds",
    type: "histogram",
    labels: ["outcome"],
    help: "From a transaction's sending to its end: committed, outdated (the ledger had changed), unanswered.",
  },
  {
    name: "idc_arbiter_step_duration_seconds",
    type: "histogram",
    labels: [],
    help: "How long one step of the loop took.",
  },
  {
    name: "idc_arbiter_events_dropped_total",
    type: "counter",
    labels: [],
    help: "Events that the full queue did not take.",
  },
  {
    name: "idc_arbiter_stalls_total",
    type: "counter",
    labels: [],
    help: "Times that the loop stood still for more than half a second, or was two seconds behind, so that its silence ages began anew.",
  },
  {
    name: "idc_arbiter_hook_events_total",
    type: "counter",
    labels: ["hook", "event", "outcome"],
    help: "Events for a hook: done, failed (given up after its tries), dropped (queueMax others waited).",
  },
  {
    name: "idc_arbiter_hook_queue",
    type: "gauge",
    labels: ["hook"],
    help: "Events that wait for the hook, the one under way among them.",
  },
  {
    name: "idc_arbiter_hook_duration_seconds",
    type: "histogram",
    labels: ["hook"],
    help: "How long one try of a hook took.",
  },
  {
    name: "idc_arbiter_ledger_up",
    type: "gauge",
    labels: [],
    help: "1 when etcd answered the last look at its health; absent before the first.",
  },
  { name: "idc_arbiter_ledger_members", type: "gauge", labels: [], help: "etcd members that the config names." },
  { name: "idc_arbiter_ledger_members_up", type: "gauge", labels: [], help: "Of these, the ones that answered." },
  {
    name: "idc_arbiter_ledger_bytes",
    type: "gauge",
    labels: [],
    help: "Size of the largest member's database. etcd refuses writes at its quota (2 GiB unless set).",
  },
  {
    name: "idc_arbiter_ledger_alarms",
    type: "gauge",
    labels: [],
    help: "Alarms that etcd raises (NOSPACE, CORRUPT); with NOSPACE there is no failover.",
  },
  {
    name: "idc_arbiter_audit_faults",
    type: "gauge",
    labels: ["site"],
    help: "Entries of the site's audit chain that are missing, changed or moved, by the last look (each minute); absent before the first.",
  },
  {
    name: "idc_arbiter_audit_entries",
    type: "gauge",
    labels: ["site"],
    help: "Entries that are kept of the site's audit chain, 1000 at most.",
  },
] as const satisfies readonly MetricDoc[];

type MetricName = (typeof metricDocs)[number]["name"];

const bucketsSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What the loop tells; the rest is read off the core's state at each scrape (gauges.ts). */
export interface ArbiterMetrics {
  readonly series: Series<MetricName>;
  /** An event found the queue full. */
  dropped(): void;
  stepped(kind: Event["kind"], ms: number): void;
  answered(answer: ControllerAnswer): void;
  committed(outcome: "committed" | "outdated" | "unanswered", ms: number): void;
  /** A note of the core, which also stands in the log. */
  noted(sentence: string, fields: Readonly<Record<string, unknown>>): void;
}

/** @param environment label of every series */
export function createMetrics(environment: string): ArbiterMetrics {
  const series = createSeries(metricDocs, { environment, bucketsSeconds });
  for (const name of ["idc_arbiter_events_dropped_total", "idc_arbiter_stalls_total"] as const) series.add(name, {}, 0);
  return {
    series,
    dropped: () => series.add("idc_arbiter_events_dropped_total", {}, 1),
    stepped(kind, ms) {
      series.observe("idc_arbiter_step_duration_seconds", {}, ms / 1_000);
      if (kind === "stalled") series.add("idc_arbiter_stalls_total", {}, 1);
    },
    answered(answer) {
      series.add("idc_arbiter_requests_total", { request: answer.kind, code: String(codeOf(answer)) }, 1);
    },
    committed(outcome, ms) {
      series.observe("idc_arbiter_commit_duration_seconds", { outcome }, ms / 1_000);
    },
    noted(sentence, { set: name, to, from, kind }) {
      if (typeof name !== "string") return;
      if (sentence === "set changed its phase" && to === "suspected" && from !== "blocked") {
        series.add("idc_arbiter_questions_total", { set: name }, 1);
      }
      if (sentence === "master brought home" || sentence === "master not brought home") {
        const outcome = sentence === "master brought home" ? "done" : "failed";
        series.add("idc_arbiter_returns_total", { set: name, outcome }, 1);
      }
      if (sentence !== "master decided") return;
      series.add("idc_arbiter_decisions_total", { set: name, kind: String(kind) }, 1);
      if (kind === "failover" || kind === "restart") series.add("idc_arbiter_failovers_total", { set: name }, 1);
    },
  };
}

function codeOf(answer: ControllerAnswer): number {
  return answer.kind === "refused" || answer.kind === "electMaster" ? answer.code : 0;
}
