import type { FastifyInstance } from "fastify";
import { auditEntriesMax } from "../core/audit.ts";
import { type AuditReading, readChain } from "../core/audit-faults.ts";
import type { SiteName } from "../core/model.ts";
import type { ArbiterDaemon } from "../daemon.ts";
import type { AuditReport, AuditVerifyReport } from "./api-audit.ts";
import type { ArbiterHttpOptions } from "./http.ts";
import { badRequest } from "./http-errors.ts";
import { wantedLimit } from "./http-reads.ts";
import { timeText } from "./report.ts";

/** The audit log, as it stands in the ledger at this moment. */

const ledgerTimeoutMs = 5_000;

interface Query {
  readonly Querystring: { readonly site?: string; readonly limit?: string };
}

export function auditRoutes(http: FastifyInstance, { daemon }: ArbiterHttpOptions): void {
  const read = async (site: string | undefined): Promise<AuditReading[]> => {
    const known = auditedSites(daemon);
    if (site !== undefined && !known.includes(site)) {
      throw badRequest("ARB_NO_SITE", `No site ${site} has an audit log`, `There are: ${known.join(", ") || "none"}`);
    }
    return readChains(daemon, site === undefined ? known : [site], AbortSignal.timeout(ledgerTimeoutMs));
  };
  http.get<Query>("/v1/audit", async ({ query }): Promise<AuditReport> => {
    const limit = wantedLimit(query.limit, auditEntriesMax);
    const entries = (await read(query.site)).flatMap((chain) => chain.entries);
    const newestFirst = entries.toSorted((one, other) => Number(other.revision - one.revision) || other.n - one.n);
    return {
      entries: newestFirst
        .slice(0, limit)
        .map((entry) => ({ ...entry, at: timeText(entry.at), revision: String(entry.revision) })),
    };
  });
  http.get<Query>("/v1/audit/verify", async ({ query }): Promise<AuditVerifyReport> => {
    const chains = await read(query.site);
    return {
      whole: chains.every(({ faults }) => faults.length === 0),
      chains: chains.map(({ site, entries, head, faults }) => ({
        site,
        entries: entries.length,
        first: head?.first ?? null,
        last: head?.n ?? null,
        digest: head?.digest ?? "",
        faults: [...faults],
      })),
    };
  });
}

/** Those that vote, and those that once did. */
export function auditedSites({ core }: Pick<ArbiterDaemon, "core">): readonly SiteName[] {
  const { cluster, audit } = core.state.mirror;
  return [...new Set([...(cluster?.value.sites ?? []), ...audit.keys()])];
}

export function readChains(
  daemon: Pick<ArbiterDaemon, "auditChain">,
  sites: readonly SiteName[],
  signal: AbortSignal,
): Promise<AuditReading[]> {
  return Promise.all(sites.map(async (site) => readChain(site, await daemon.auditChain(site, signal))));
}
