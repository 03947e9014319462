import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import { idsOf, isHeardHere } from "./core/brokers.ts";
import type { Context } from "./core/context.ts";
import { leaderOf } from "./core/leader.ts";
import { protectionLevels } from "./core/model.ts";
import { wayHome } from "./core/moves.ts";
import { isPromiseKept } from "./core/promise.ts";
import { blockedBy, phaseOf, type SetView } from "./core/set-view.ts";
import { siteFreshMs } from "./core/timing.ts";
import { phaseNames } from "./core/transitions.ts";
import type { ArbiterDaemon } from "./daemon.ts";
import { votesOf } from "./io/report.ts";
import type { ArbiterMetrics } from "./metrics.ts";

/** What is read off the core's state at each scrape, and off etcd every now and then. */

const healthEveryMs = 10_000;
const healthTimeoutMs = 5_000;

type Series = ArbiterMetrics["series"];

export function refreshGauges(series: Series, { core, moment }: Pick<ArbiterDaemon, "core" | "moment">): void {
  const context = core.context(moment());
  const { mirror, options } = context;
  const { now } = context.moment;
  const { quorumAt } = core.state;
  const flag = (value: boolean): number => (value ? 1 : 0);

  series.clear("idc_arbiter_build_info");
  series.set("idc_arbiter_build_info", { version: options.version, site: options.site }, 1);
  series.set("idc_arbiter_quorum", {}, flag(context.hasQuorum()));
  series.clear("idc_arbiter_quorum_proof_age_seconds");
  if (quorumAt !== null) series.set("idc_arbiter_quorum_proof_age_seconds", {}, (now - quorumAt) / 1_000);
  const voting = mirror.cluster?.value.sites ?? [];
  const isPresent = (site: string): boolean => now - (mirror.sites.get(site)?.seenAt ?? -Infinity) <= siteFreshMs;
  series.set("idc_arbiter_voting_sites", {}, voting.length);
  series.set("idc_arbiter_voting_sites_present", {}, voting.filter(isPresent).length);
  series.clear("idc_arbiter_site_present");
  for (const site of voting) series.set("idc_arbiter_site_present", { site }, flag(isPresent(site)));
  series.set("idc_arbiter_leader", {}, flag(leaderOf(context) === options.site));
  series.set("idc_arbiter_paused", {}, flag(context.isPaused()));
  series.set("idc_arbiter_unreadable_records", {}, mirror.unreadable.size);

  for (const name of setGauges) series.clear(name);
  for (const view of mirror.sets.values()) refreshSet(series, view, context);
}

const setGauges = [
  "idc_arbiter_set_phase",
  "idc_arbiter_set_epoch",
  "idc_arbiter_set_replicas",
  "idc_arbiter_set_in_sync_replicas",
  "idc_arbiter_set_unconfirmed_replicas",
  "idc_arbiter_set_protection",
  "idc_arbiter_set_promise_kept",
  "idc_arbiter_set_frozen",
  "idc_arbiter_set_blocked",
  "idc_arbiter_set_away",
  "idc_arbiter_set_votes",
  "idc_arbiter_broker_heard",
] as const;

/** A set that only brokers speak of has no record, and no series. */
function refreshSet(series: Series, view: SetView, context: Context): void {
  const record = view.record?.value;
  if (record === undefined) return;
  const set = view.name;
  const phase = phaseOf(view);
  for (const name of phaseNames) series.set("idc_arbiter_set_phase", { set, phase: name }, name === phase ? 1 : 0);
  series.set("idc_arbiter_set_epoch", { set }, record.epoch);
  series.set("idc_arbiter_set_replicas", { set }, idsOf(view).length);
  series.set("idc_arbiter_set_in_sync_replicas", { set }, record.inSync.length);
  series.set("idc_arbiter_set_unconfirmed_replicas", { set }, record.unconfirmed.length);
  const level = view.protection?.value.level;
  for (const name of protectionLevels) {
    series.set("idc_arbiter_set_protection", { set, level: name }, name === level ? 1 : 0);
  }
  series.set("idc_arbiter_set_promise_kept", { set }, isPromiseKept(context.policyOf(view), level) ? 1 : 0);
  if (record.frozen !== null) series.set("idc_arbiter_set_frozen", { set, code: record.frozen.code }, 1);
  const blocked = blockedBy(view);
  if (phase === "blocked" && blocked !== null) {
    series.set("idc_arbiter_set_blocked", { set, reason: blocked.reason }, 1);
  }
  series.set("idc_arbiter_set_away", { set }, wayHome(view, context) === null ? 0 : 1);
  for (const { site, verdict } of votesOf(view, context)) {
    series.set("idc_arbiter_set_votes", { set, site, verdict }, 1);
  }
  for (const id of idsOf(view)) {
    series.set("idc_arbiter_broker_heard", { set, broker: String(id) }, isHeardHere(view, id, context) ? 1 : 0);
  }
  // There from the start, so that the first one is seen as a rise.
  series.add("idc_arbiter_failovers_total", { set }, 0);
  series.add("idc_arbiter_questions_total", { set }, 0);
}

/** Until the signal is aborted. */
export async function watchLedgerHealth(
  series: Series,
  daemon: Pick<ArbiterDaemon, "ledgerHealth">,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  for (let told = false; !signal.aborted; ) {
    try {
      const { members, alarms } = await daemon.ledgerHealth(
        AbortSignal.any([signal, AbortSignal.timeout(healthTimeoutMs)]),
      );
      series.set("idc_arbiter_ledger_up", {}, 1);
      series.set("idc_arbiter_ledger_members", {}, members.length);
      series.set("idc_arbiter_ledger_members_up", {}, members.filter(({ ok }) => ok).length);
      series.set("idc_arbiter_ledger_bytes", {}, Math.max(0, ...members.map(({ dbBytes }) => Number(dbBytes))));
      series.set("idc_arbiter_ledger_alarms", {}, alarms.length);
      if (alarms.length > 0) log.error({ alarms }, "etcd raises an alarm");
      told = false;
    } catch (error) {
      if (signal.aborted) return;
      series.set("idc_arbiter_ledger_up", {}, 0);
      if (!told) log.warn({ error: messageOf(error) }, "etcd does not tell its health");
      told = true;
    }
    await clock.sleep(healthEveryMs, { signal }).catch(() => {});
  }
}
