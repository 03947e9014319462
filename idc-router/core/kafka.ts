import type { IdcEntry } from "./model.ts";

/** A cluster whose clients find their brokers by themselves, from a list of some of them. */
export interface BootstrapCluster {
  readonly name: string;
  readonly kind: "rocketmq" | "kafka";
  /** By IDC: host:port of each. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
}

/** Nearest first; those of IDCs that operators have drained come last, since they are better than nothing. */
export function bootstrapOf(
  { servers }: BootstrapCluster,
  order: readonly string[],
  idcs: ReadonlyMap<string, IdcEntry>,
): readonly string[] {
  const known = [...order, ...Object.keys(servers).filter((idc) => !order.includes(idc))];
  const isDrained = (idc: string): boolean => idcs.get(idc)?.state === "drained";
  const sorted = [...known.filter((idc) => !isDrained(idc)), ...known.filter(isDrained)];
  return [...new Set(sorted.flatMap((idc) => servers[idc] ?? []))];
}
