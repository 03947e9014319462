import { createSeries, type MetricDoc, type Series } from "#lib/metrics.ts";
import { type TelemetryReport, telemetryBounds } from "#lib/telemetry.ts";
import type { Source } from "./core/events.ts";

/**
 * Every series of the router. docs/metrics.md, the alert rules' test and /metrics read this one table. A `set` is "cluster/set".
 */
export const metricDocs = [
  {
    name: "idc_router_build_info",
    type: "gauge",
    labels: ["version", "site"],
    help: "1; the labels say what is running, and for which site.",
  },
  { name: "idc_router_revision", type: "gauge", labels: [], help: "Revision of the table; it rises with each change." },
  { name: "idc_router_topics", type: "gauge", labels: [], help: "Topics in the table." },
  {
    name: "idc_router_source_up",
    type: "gauge",
    labels: ["source"],
    help: "1 while the source answers: ledger, metadata, a name server as cluster/host:port, or a Kafka cluster.",
  },
  {
    name: "idc_router_source_age_seconds",
    type: "gauge",
    labels: ["source"],
    help: "Since the source last answered; absent if it never has.",
  },
  {
    name: "idc_router_older_total",
    type: "counter",
    labels: ["source"],
    help: "Times that a source told something older than what was known; it changed nothing.",
  },
  {
    name: "idc_router_unreadable_records",
    type: "gauge",
    labels: [],
    help: "Records in the ledger that this version cannot read.",
  },
  {
    name: "idc_router_set_available",
    type: "gauge",
    labels: ["set", "idc"],
    help: "1 while the broker set takes messages: a name server shows it, it has a master, and it is not out.",
  },
  {
    name: "idc_router_set_out",
    type: "gauge",
    labels: ["set", "idc"],
    help: "1 while the broker set is out: it has failed for health.outAfterMs, and the hold-down is not over.",
  },
  {
    name: "idc_router_kafka_broker_available",
    type: "gauge",
    labels: ["cluster", "broker", "idc"],
    help: "1 while the Kafka broker answers this router; one that is out is in no bootstrap list.",
  },
  {
    name: "idc_router_idc_state",
    type: "gauge",
    labels: ["idc", "state"],
    help: "1 for the state that operators want of the IDC; absent where they said nothing.",
  },
  { name: "idc_router_idc_weight", type: "gauge", labels: ["idc"], help: "Its weight, 0 to 100." },
  {
    name: "idc_router_requests_total",
    type: "counter",
    labels: ["door", "outcome"],
    help: "Requests by door (nameserver, http) and outcome.",
  },
  {
    name: "idc_router_routes_total",
    type: "counter",
    labels: ["door", "from", "to"],
    help: "Routes given out, by the caller's IDC and the IDC that it is to send to; to is empty where there is nowhere.",
  },
  {
    name: "idc_router_stale_routes_total",
    type: "counter",
    labels: ["door"],
    help: "Of these, the stale ones: nothing better than what was last known.",
  },
  { name: "idc_router_connections", type: "gauge", labels: ["door"], help: "Open connections of clients." },
  {
    name: "idc_router_subscribers",
    type: "gauge",
    labels: ["kind"],
    help: "Clients that wait for a change: watch, wait.",
  },
  {
    name: "idc_router_clients",
    type: "gauge",
    labels: ["version", "idc"],
    help: "Clients with the SDK that reported to this router within the last minute, by their version and IDC; rare kinds count as other.",
  },
  {
    name: "idc_router_client_messages_total",
    type: "counter",
    labels: ["use", "from", "to", "outcome"],
    help: "Messages that clients with the SDK produced and consumed, by their IDC and the IDC where they began: ok, failed.",
  },
  {
    name: "idc_router_client_send_duration_seconds",
    type: "histogram",
    labels: ["from", "to"],
    help: "From a client's send to its acknowledgement, with all attempts.",
    buckets: telemetryBounds.seconds,
  },
  {
    name: "idc_router_client_consume_duration_seconds",
    type: "histogram",
    labels: ["from", "to"],
    help: "How long a client's handler took for a message, with all attempts.",
    buckets: telemetryBounds.seconds,
  },
  {
    name: "idc_router_client_body_bytes",
    type: "histogram",
    labels: ["use"],
    help: "Bodies of messages that clients produced and consumed.",
    buckets: telemetryBounds.bytes,
  },
  {
    name: "idc_router_mixed_groups",
    type: "gauge",
    labels: [],
    help: "Consumer groups whose members do not all take the same allocator, as far as this router is told; /v1/status names them.",
  },
  {
    name: "idc_router_subscribers_max",
    type: "gauge",
    labels: [],
    help: "limits.subscribersMax: so many may wait for a change.",
  },
  {
    name: "idc_router_door_ended_total",
    type: "counter",
    labels: ["why"],
    help: "Connections that the name server door ended: tooMany, malformed, unfinished, overfull, slow (they did not read).",
  },
  {
    name: "idc_router_slow_subscribers_total",
    type: "counter",
    labels: [],
    help: "Watches that were ended because their client did not read.",
  },
  {
    name: "idc_router_last_good_writes_total",
    type: "counter",
    labels: ["outcome"],
    help: "Times that the last good table was written (ok) or could not be (failed).",
  },
  { name: "idc_router_loop_lag_seconds", type: "gauge", labels: [], help: "How late the loop has been of late." },
  {
    name: "idc_router_step_duration_seconds",
    type: "histogram",
    labels: [],
    help: "How long one step of the loop took.",
  },
  {
    name: "idc_router_stalls_total",
    type: "counter",
    labels: [],
    help: "Times that the loop stood still for more than half a second, so that failures began anew.",
  },
  {
    name: "idc_router_events_dropped_total",
    type: "counter",
    labels: [],
    help: "Events that the full queue did not take.",
  },
  { name: "idc_router_changes_total", type: "counter", labels: [], help: "Tables that were made." },
] as const satisfies readonly MetricDoc[];

type MetricName = (typeof metricDocs)[number]["name"];

const bucketsSeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

type Door = "nameserver" | "http";
type Labelled = readonly [MetricName, Record<string, string>];

/** How often something happened since the last scrape: whoever knows it raises it, without looking up a label. */
export interface Count {
  value: number;
}

/** What the loop and the doors tell; the rest is read off the state at each scrape (gauges.ts). */
export interface RouterMetrics {
  readonly series: Series<MetricName>;
  dropped(count: number): void;
  stepped(ms: number): void;
  stalled(): void;
  changed(): void;
  older(source: Source): void;
  saved(ok: boolean): void;
  requested(door: Door, outcome: string): void;
  /** Of requests with this outcome; always the same one for the same, like the next. */
  requestCount(door: Door, outcome: string): Count;
  /** Of such routes. */
  routeCount(door: Door, route: { from: string; to: string; stale: boolean }): Count;
  slowSubscriber(): void;
  produced(way: Way, counted: Omit<TelemetryReport["produced"][number], "idc">): void;
  consumed(way: Way, counted: Omit<TelemetryReport["consumed"][number], "idc">): void;
}

/** Of a client's messages: its IDC, and the one where it began. Both of the config, or "other". */
interface Way {
  readonly from: string;
  readonly to: string;
}

/** @param environment label of every series */
export function createMetrics(environment: string): RouterMetrics {
  const series = createSeries(metricDocs, { environment, bucketsSeconds });
  for (const name of [
    "idc_router_events_dropped_total",
    "idc_router_stalls_total",
    "idc_router_slow_subscribers_total",
    "idc_router_changes_total",
  ] as const) {
    series.add(name, {}, 0);
  }
  for (const outcome of ["ok", "failed"]) series.add("idc_router_last_good_writes_total", { outcome }, 0);
  for (const door of ["nameserver", "http"]) series.add("idc_router_stale_routes_total", { door }, 0);
  /** Label lookups cost more than answers do: counts are gathered here, and handed over at each scrape. */
  const counts = new Map<string, Count & { readonly of: readonly Labelled[] }>();
  const countOf = (key: string, of: () => readonly Labelled[]): Count => {
    const known = counts.get(key);
    if (known !== undefined) return known;
    const fresh = { value: 0, of: of() };
    counts.set(key, fresh);
    return fresh;
  };
  series.onRender(() => {
    for (const count of counts.values()) {
      if (count.value === 0) continue;
      for (const [name, labels] of count.of) series.add(name, labels, count.value);
      count.value = 0;
    }
  });
  const requestCount = (door: Door, outcome: string): Count =>
    countOf(`request ${door} ${outcome}`, () => [["idc_router_requests_total", { door, outcome }]]);
  return {
    series,
    dropped: (value) => series.add("idc_router_events_dropped_total", {}, value),
    stepped: (ms) => series.observe("idc_router_step_duration_seconds", {}, ms / 1_000),
    stalled: () => series.add("idc_router_stalls_total", {}, 1),
    changed: () => series.add("idc_router_changes_total", {}, 1),
    older: (source) => series.add("idc_router_older_total", { source }, 1),
    saved: (ok) => series.add("idc_router_last_good_writes_total", { outcome: ok ? "ok" : "failed" }, 1),
    requested(door, outcome) {
      requestCount(door, outcome).value += 1;
    },
    requestCount,
    routeCount: (door, { from, to, stale }) =>
      countOf(`route ${door} ${from} ${to} ${stale}`, () => [
        ["idc_router_routes_total", { door, from, to }],
        ...(stale ? [["idc_router_stale_routes_total", { door }] satisfies Labelled] : []),
      ]),
    slowSubscriber: () => series.add("idc_router_slow_subscribers_total", {}, 1),
    produced({ from, to }, { acknowledged, failed, seconds, bytes }) {
      const labels = { use: "produce", from, to };
      series.add("idc_router_client_messages_total", { ...labels, outcome: "ok" }, acknowledged);
      series.add("idc_router_client_messages_total", { ...labels, outcome: "failed" }, failed);
      series.merge("idc_router_client_send_duration_seconds", { from, to }, seconds);
      series.merge("idc_router_client_body_bytes", { use: "produce" }, bytes);
    },
    consumed({ from, to }, { messages, seconds, bytes }) {
      series.add("idc_router_client_messages_total", { use: "consume", from, to, outcome: "ok" }, messages);
      series.merge("idc_router_client_consume_duration_seconds", { from, to }, seconds);
      series.merge("idc_router_client_body_bytes", { use: "consume" }, bytes);
    },
  };
}
