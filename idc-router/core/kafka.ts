import type { IdcEntry, KafkaBroker, KafkaEntry, Table } from "./model.ts";
import { limitOf, whyLimited } from "./rank.ts";
import { spill } from "./spill.ts";

/** A cluster whose clients find their brokers by themselves, from a list of some of them. */
export interface BootstrapCluster {
  readonly name: string;
  readonly kind: "rocketmq" | "kafka";
  /** By IDC: host:port of each. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
}

/** Where clients of one IDC begin. */
export interface Bootstrap {
  /** Nearest first; none where no IDC has any. */
  readonly levels: readonly BootstrapLevel[];
  /** All of them, as they are to be tried. */
  readonly servers: readonly string[];
  /** Nobody is known to live: these are those of the config. */
  readonly lastResort: boolean;
}

interface BootstrapLevel {
  readonly idc: string;
  /** Of the clients, 0 to 1. */
  readonly share: number;
  readonly servers: readonly string[];
  /** Why it takes less than it could; "" when it doesn't. */
  readonly why: string;
}

export interface BootstrapView {
  /** The IDCs as they are near to the caller, its own first. */
  readonly order: readonly string[];
  readonly idcs: ReadonlyMap<string, IdcEntry>;
  /** What its brokers said; undefined: nobody asks them, or none ever answered. */
  readonly known?: KafkaEntry | undefined;
}

/** Of one IDC: clients need a few. */
const serversMax = 16;

/**
 * Those that live, nearest first; those of IDCs that operators want no clients in come last, since they are better than nothing.
 * How many clients begin in an IDC where anybody lives is the operators' word alone: which broker they send to is decided by who leads
 * a partition, so a broker that is away is no reason for its clients to begin elsewhere.
 */
export function bootstrapOf({ servers }: BootstrapCluster, view: BootstrapView): Bootstrap {
  const { idcs } = view;
  const groups = groupsOf(servers, view);
  const lastResort = groups.every(({ members }) => !members.some(({ available }) => available));
  const levels = groups.map(({ idc, members }) => {
    const used = lastResort ? members : members.filter(({ available }) => available);
    const addresses = used.slice(0, serversMax).map(({ address }) => address);
    return { idc, servers: addresses, why: whyLess(members, idcs.get(idc)), limit: limitOf({ idc }, idcs) };
  });
  const shares = spill(
    levels.map(({ servers: { length }, limit }) => ({ available: Math.min(1, length), total: 1, limit })),
    1,
  );
  // Operators want clients nowhere: then they begin with the nearest.
  const isNowhere = shares.every((share) => share === 0);
  const nearest = isNowhere ? levels.findIndex(({ servers: { length } }) => length > 0) : -1;
  const tried = [...levels.filter(({ limit }) => limit > 0), ...levels.filter(({ limit }) => limit === 0)];
  return {
    levels: levels.map(({ idc, servers: own, why }, nth) => {
      return { idc, share: nth === nearest ? 1 : (shares[nth] ?? 0), servers: own, why };
    }),
    servers: [...new Set(tried.flatMap((level) => level.servers))],
    lastResort,
  };
}

/** The same by all that a table says. @param order see {@link BootstrapView} */
export function beginAt(cluster: BootstrapCluster, { idcs, kafka }: Table, order: readonly string[]): Bootstrap {
  return bootstrapOf(cluster, { order, idcs, known: kafka.get(cluster.name) });
}

type Member = Pick<KafkaBroker, "address" | "available" | "why">;

interface Group {
  readonly idc: string;
  readonly members: readonly Member[];
}

/** By IDC, nearest first: those of the config in its order, then those that the cluster named. */
function groupsOf(servers: BootstrapCluster["servers"], { order, known }: BootstrapView): readonly Group[] {
  const brokers = known?.brokers ?? [];
  const said = new Map(brokers.map((broker) => [broker.address, broker]));
  const named = new Set(Object.values(servers).flat());
  return [...new Set([...order, ...Object.keys(servers), ...brokers.map(({ idc }) => idc)])]
    .map((idc) => {
      const own = (servers[idc] ?? []).map((address) => said.get(address) ?? { address, available: true, why: "" });
      const found = brokers.filter((broker) => broker.idc === idc && !named.has(broker.address));
      return { idc, members: [...own, ...found] };
    })
    .filter(({ members }) => members.length > 0);
}

function whyLess(members: readonly Member[], wish: IdcEntry | undefined): string {
  const away = members.filter(({ available }) => !available).map(({ address, why }) => `${address}: ${why}`);
  return [...whyLimited(wish), ...away].join("; ");
}
