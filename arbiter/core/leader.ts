import { sha256 } from "#lib/digest.ts";
import type { Context } from "./context.ts";
import type { SetName, SiteName } from "./model.ts";

/** Who drives first what no failover waits for, as this site sees it: the first voting site that is there. null: none that this site knows of. */
export function leaderOf(context: Context): SiteName | null {
  return context.mirror.cluster?.value.sites.find((site) => isThere(site, context)) ?? null;
}

/**
 * In which order sites drive a set's failover. Those whose IDC has a replica come first: the others are further from its brokers. Of
 * these one set begins with this one and another with that one, so that hundreds of sets that lose their masters in one moment are
 * not all decided by one process, in the one chain of its audit log.
 * @param idcs of the set's replicas
 */
export function sitesInTurn(
  name: SetName,
  voters: readonly SiteName[],
  idcs: ReadonlySet<string>,
): readonly SiteName[] {
  const homes = voters.filter((site) => idcs.has(site));
  const first = homes.length < 2 ? 0 : Number.parseInt(sha256(name).slice(0, 8), 16) % homes.length;
  return [...homes.slice(first), ...homes.slice(0, first), ...voters.filter((site) => !idcs.has(site))];
}

/** Its beat is fresh; of this site: it reaches most of etcd. */
export function isThere(site: SiteName, { mirror, moment, options, hasQuorum }: Context): boolean {
  if (site === options.site) return hasQuorum();
  const beat = mirror.sites.get(site);
  return beat !== undefined && moment.now - beat.seenAt <= options.timing.leaderSilentMs;
}
