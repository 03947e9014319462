import type { LinkConfig } from "#config/replicator.ts";

/** The cluster table, both ways, and its addresses. */
export interface Tables {
  readonly clusters: ReadonlyMap<string, string>;
  /** Target's name -> the source's names that become it: one, where paths use the table. */
  readonly clustersBack: ReadonlyMap<string, readonly string[]>;
  /** The addresses of all rows. */
  readonly addresses: ReadonlyMap<string, string>;
}

export type TableName = "clusters" | "addresses";

export function createTables(rows: LinkConfig["clusters"]): Tables {
  const clusters = new Map<string, string>();
  const clustersBack = new Map<string, string[]>();
  const addresses = new Map<string, string>();
  for (const [name, row] of Object.entries(rows)) {
    clusters.set(name, row.to);
    clustersBack.set(row.to, [...(clustersBack.get(row.to) ?? []), name]);
    for (const [from, to] of Object.entries(row.addresses)) addresses.set(from, to);
  }
  return { clusters, clustersBack, addresses };
}
