import type { RemotingServer } from "#lib/remoting/server-options.ts";
import type { Clients } from "./core/clients.ts";
import { idcStates } from "./core/model.ts";
import type { RouterDaemon } from "./daemon.ts";
import { sourcesOf } from "./io/report.ts";
import type { RouterMetrics } from "./metrics.ts";

/** What is read off the state at each scrape. */

type Series = RouterMetrics["series"];

const cleared = [
  "idc_router_build_info",
  "idc_router_source_up",
  "idc_router_source_age_seconds",
  "idc_router_set_available",
  "idc_router_set_out",
  "idc_router_kafka_broker_available",
  "idc_router_idc_state",
  "idc_router_idc_weight",
  "idc_router_clients",
] as const;

/** Versions and IDCs together. */
const clientKindsMax = 32;

export function refreshGauges(
  series: Series,
  daemon: Pick<RouterDaemon, "state" | "table" | "moment" | "lagMs">,
  {
    version,
    site,
    subscribersMax,
    doors,
    clients,
  }: {
    version: string;
    site: string;
    subscribersMax: number;
    doors: () => { nameserver: number; watch: number; wait: number };
    clients: Pick<Clients, "counts" | "mixed">;
  },
): void {
  const { state, table, lagMs } = daemon;
  for (const name of cleared) series.clear(name);
  series.set("idc_router_build_info", { version, site }, 1);
  series.set("idc_router_revision", {}, table.revision);
  series.set("idc_router_topics", {}, table.topics.size);
  series.set("idc_router_loop_lag_seconds", {}, lagMs / 1_000);
  series.set("idc_router_unreadable_records", {}, state.ledger.unreadable.size);
  for (const { source, ok, ageMs } of sourcesOf(state, daemon.moment().now)) {
    series.set("idc_router_source_up", { source }, ok ? 1 : 0);
    if (ageMs !== null) series.set("idc_router_source_age_seconds", { source }, ageMs / 1_000);
  }
  for (const { name, idc, available, out } of table.sets.values()) {
    series.set("idc_router_set_available", { set: name, idc }, available ? 1 : 0);
    series.set("idc_router_set_out", { set: name, idc }, out ? 1 : 0);
  }
  for (const { cluster, brokers } of table.kafka.values()) {
    for (const { id, idc, available } of brokers) {
      // One that no broker names has no number, and its address is no label.
      if (id !== null)
        series.set("idc_router_kafka_broker_available", { cluster, broker: String(id), idc }, available ? 1 : 0);
    }
  }
  for (const { idc, state: wished, weight } of table.idcs.values()) {
    for (const each of idcStates) series.set("idc_router_idc_state", { idc, state: each }, each === wished ? 1 : 0);
    series.set("idc_router_idc_weight", { idc }, weight);
  }
  const { now } = daemon.moment();
  const byKind = clients.counts(now).toSorted((one, other) => other.count - one.count);
  const others = new Map<string, number>();
  for (const [nth, { version: of, idc, count }] of byKind.entries()) {
    // Clients may say anything: the usual versions have a label of their own.
    if (nth < clientKindsMax) series.set("idc_router_clients", { version: of, idc }, count);
    else others.set(idc, (others.get(idc) ?? 0) + count);
  }
  for (const [idc, count] of others) series.set("idc_router_clients", { version: "other", idc }, count);
  series.set("idc_router_mixed_groups", {}, clients.mixed(now).length);
  const { nameserver, watch, wait } = doors();
  series.set("idc_router_connections", { door: "nameserver" }, nameserver);
  series.set("idc_router_subscribers", { kind: "watch" }, watch);
  series.set("idc_router_subscribers", { kind: "wait" }, wait);
  series.set("idc_router_subscribers_max", {}, subscribersMax);
}

/** What the name server door counts by itself, handed over at each call. */
export function createDoorCounts(series: Series, { counters }: Pick<RemotingServer<unknown>, "counters">): () => void {
  const told = new Map<string, number>();
  return () => {
    const { connectionsRefused: tooMany, malformed, halfFrames: unfinished, overfull, slowReaders: slow } = counters;
    for (const [why, count] of Object.entries({ tooMany, malformed, unfinished, overfull, slow })) {
      series.add("idc_router_door_ended_total", { why }, count - (told.get(why) ?? 0));
      told.set(why, count);
    }
  };
}
