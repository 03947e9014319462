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
  "idc_router_idc_state",
  "idc_router_idc_weight",
] as const;

export function refreshGauges(
  series: Series,
  daemon: Pick<RouterDaemon, "state" | "table" | "moment" | "lagMs">,
  {
    version,
    site,
    doors,
  }: { version: string; site: string; doors: () => { nameserver: number; watch: number; wait: number } },
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
  for (const { idc, state: wished, weight } of table.idcs.values()) {
    for (const each of idcStates) series.set("idc_router_idc_state", { idc, state: each }, each === wished ? 1 : 0);
    series.set("idc_router_idc_weight", { idc }, weight);
  }
  const { nameserver, watch, wait } = doors();
  series.set("idc_router_connections", { door: "nameserver" }, nameserver);
  series.set("idc_router_subscribers", { kind: "watch" }, watch);
  series.set("idc_router_subscribers", { kind: "wait" }, wait);
}
