import type { Context } from "./context.ts";
import type { SiteName } from "./model.ts";

/** Who drives first, as this site sees it: the first voting site whose beat is fresh. null: none that this site knows of. */
export function leaderOf({ mirror, moment, options, hasQuorum }: Context): SiteName | null {
  const isThere = (site: SiteName): boolean => {
    if (site === options.site) return hasQuorum();
    const beat = mirror.sites.get(site);
    return beat !== undefined && moment.now - beat.seenAt <= options.timing.leaderSilentMs;
  };
  return mirror.cluster?.value.sites.find(isThere) ?? null;
}
