/** The places of a world: two IDCs, the small third site, and one for clients that belong to neither. */
export const siteNames = ["idc1", "idc2", "witness", "clients"] as const;

export type SiteName = (typeof siteNames)[number];

/** Those that hold servers and vote. */
export const serverSites = ["idc1", "idc2", "witness"] as const satisfies readonly SiteName[];

/**
 * One address for each site, the same in every world: they exist inside its namespaces only. The second number tells the
 * site, which is how the forwarder knows where a packet goes.
 */
export function addressOf(site: SiteName): string {
  return `10.${siteNames.indexOf(site) + 1}.0.1`;
}

/** Where all addresses of a site are, as a CIDR. */
export function networkOf(site: SiteName): string {
  return `10.${siteNames.indexOf(site) + 1}.0.0/16`;
}

export function isSiteName(text: string): text is SiteName {
  return (siteNames as readonly string[]).includes(text);
}

/** One way from a site to another. */
export interface Way {
  readonly from: SiteName;
  readonly to: SiteName;
}

export const ways: readonly Way[] = siteNames.flatMap((from) =>
  siteNames.filter((to) => to !== from).map((to) => ({ from, to })),
);
