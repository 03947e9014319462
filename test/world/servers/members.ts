import { addressOf, type SiteName } from "../network/sites.ts";
import { ports } from "../ports.ts";

/** Kinds of servers that have ports of their own. */
type Kind = Exclude<keyof typeof ports, "probe">;

/** A place for one server: who it is, where, and on which ports. */
export interface Member<K extends Kind> {
  /** "etcd-idc1"; the second of a site is "etcd-idc1-2". */
  readonly name: string;
  readonly site: SiteName;
  readonly host: string;
  readonly ports: Readonly<Record<Exclude<keyof (typeof ports)[K], "step">, number>>;
}

/** Gives out places; no two servers of a world get the same. */
export interface Register {
  /** @param names in names of servers, in place of the kind: the broker set "bs1" */
  place<K extends Kind>(kind: K, sites: readonly SiteName[], name?: string): Member<K>[];
}

export function createRegister(): Register {
  const taken = new Map<string, number>();
  const next = (key: string): number => {
    const count = taken.get(key) ?? 0;
    taken.set(key, count + 1);
    return count;
  };
  return {
    place(kind, sites, name = kind) {
      return sites.map((site) => {
        const { step, ...first }: { readonly [use: string]: number; readonly step: number } = ports[kind];
        const position = next(`${kind} at ${site}`);
        const nth = next(`${name} named at ${site}`);
        const shifted = Object.entries(first).map(([use, port]) => [use, port + position * step]);
        return {
          name: `${name}-${site}${nth === 0 ? "" : `-${nth + 1}`}`,
          site,
          host: addressOf(site),
          ports: Object.fromEntries(shifted) as Member<typeof kind>["ports"],
        };
      });
    },
  };
}
