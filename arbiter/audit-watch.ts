import type { Clock } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "#lib/log.ts";
import type { SiteName } from "./core/model.ts";
import type { ArbiterDaemon } from "./daemon.ts";
import { auditedSites, readChains } from "./io/http-audit.ts";
import type { ArbiterMetrics } from "./metrics.ts";

/** Looks at every site's chain of the audit log, once the ledger is known and then each minute. It mends nothing. */

const checkEveryMs = 60_000;
const unreadAgainMs = 1_000;
const checkMsMax = 10_000;
/** Told of one chain; `idcctl audit verify` has all. */
const toldFaultsMax = 5;

type Daemon = Pick<ArbiterDaemon, "core" | "auditChain">;

/** Until the signal is aborted. */
export async function watchAudit(
  series: ArbiterMetrics["series"],
  daemon: Daemon,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const told = new Map<string, string>();
  while (!signal.aborted) {
    const sites = daemon.core.state.mirror.loaded ? auditedSites(daemon) : [];
    if (sites.length > 0) await check(series, daemon, { sites, log, signal, told });
    await clock.sleep(sites.length > 0 ? checkEveryMs : unreadAgainMs, { signal }).catch(() => {});
  }
}

async function check(
  series: ArbiterMetrics["series"],
  daemon: Daemon,
  {
    sites,
    log,
    signal,
    told,
  }: { sites: readonly SiteName[]; log: Logger; signal: AbortSignal; told: Map<string, string> },
): Promise<void> {
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(checkMsMax)]);
    for (const { site, entries, faults } of await readChains(daemon, sites, until)) {
      series.set("idc_arbiter_audit_faults", { site }, faults.length);
      series.set("idc_arbiter_audit_entries", { site }, entries.length);
      const text = JSON.stringify(faults.slice(0, toldFaultsMax));
      if (text === (told.get(site) ?? "[]")) continue;
      told.set(site, text);
      const fields = { chain: site, faults: faults.slice(0, toldFaultsMax), of: faults.length };
      if (faults.length > 0) log.error(fields, "audit chain is broken");
      else log.warn(fields, "audit chain is whole again");
    }
  } catch (error) {
    if (!signal.aborted) log.warn({ error: messageOf(error) }, "audit log cannot be checked");
  }
}
