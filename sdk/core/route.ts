import { clientSettingRanges } from "../../lib/client-settings.ts";

/** What a router says of a topic, as far as a client needs it. Read tolerantly: a newer router may say more. */

export interface Route {
  readonly topic: string;
  readonly cluster: string;
  readonly kind: "kafka" | "rocketmq";
  /** The caller's. */
  readonly idc: string;
  /** Where most messages go; "": nowhere. */
  readonly chosen: string;
  readonly why: string;
  /** Nothing better is known than what was last known. */
  readonly stale: boolean;
  /** Nearest first. */
  readonly brokers: readonly RouteBroker[];
  /** Where clients of the cluster begin, nearest first. Of rocketmq: its proxies. */
  readonly bootstrap: readonly string[];
  /** Who takes which share of the messages, nearest first. Of routers that do not say it: none. */
  readonly levels: readonly RouteLevel[];
  readonly settings: RouteSettings;
  readonly order: RouteOrder;
}

export interface RouteLevel {
  readonly idc: string;
  /** 0 to 1. */
  readonly share: number;
  /** Where clients begin that send there. */
  readonly bootstrap: readonly string[];
}

export interface RouteBroker {
  readonly set: string;
  readonly idc: string;
  /** null: no arbiter knows the set. */
  readonly epoch: number | null;
  readonly master: string | null;
  /** Of the messages, in ten-thousandths. */
  readonly weight: number;
}

/** What the router wants of clients; undefined: it says nothing. */
export interface RouteSettings {
  readonly sendTimeoutMs?: number;
  readonly concurrency?: number;
}

/** What a route rests on: only what has the same name can be compared. */
export interface RouteOrder {
  /** The router's process, and its table. */
  readonly router: string;
  readonly revision: number;
  /** The ensemble that says which cluster the topic belongs to, and since which transaction; null: unknown. */
  readonly metadata: { readonly source: string; readonly zxid: bigint } | null;
  /** The highest that was ever heard, by "cluster/set". */
  readonly epochs: ReadonlyMap<string, number>;
}

const brokersMax = 10_000;
const addressesMax = 1_000;
const levelsMax = 100;
const textCharactersMax = 4_096;

/** @returns a sentence when it is no route */
export function readRoute(value: unknown): Route | string {
  if (!isRecord(value)) return "it is no object";
  const { topic, cluster, kind, idc, decision, brokers, bootstrap, revision, router, metadata, client } = value;
  if (!isText(topic) || topic === "") return "topic is no name";
  if (!isText(cluster) || cluster === "") return "cluster is no name";
  if (kind !== "kafka" && kind !== "rocketmq") return `kind is ${JSON.stringify(kind)}`;
  if (!isList(brokers, brokersMax) || !brokers.every(isRecord)) return "brokers is no list of brokers";
  if (!isList(bootstrap, addressesMax) || !bootstrap.every(isText)) return "bootstrap is no list of addresses";
  if (typeof revision !== "number" || !Number.isSafeInteger(revision) || revision < 0) return "revision is no number";
  const said = isRecord(decision) ? decision : {};
  const sets = brokers.map(readBroker);
  const epochs = sets.flatMap(({ set, epoch }): [string, number][] =>
    epoch === null ? [] : [[`${cluster}/${set}`, epoch]],
  );
  return {
    topic,
    cluster,
    kind,
    idc: textOr(idc, ""),
    chosen: textOr(said["idc"], ""),
    why: textOr(said["why"], ""),
    stale: value["stale"] === true,
    brokers: sets,
    bootstrap: [...new Set(bootstrap as string[])],
    levels: readLevels(said["levels"]),
    settings: readSettings(client),
    order: { router: textOr(router, ""), revision, metadata: readMetadata(metadata), epochs: new Map(epochs) },
  };
}

/** What cannot be read is as if nothing were said. */
function readLevels(value: unknown): readonly RouteLevel[] {
  if (!isList(value, levelsMax)) return [];
  const levels = value.map((level): RouteLevel | undefined => {
    if (!isRecord(level)) return undefined;
    const { idc, share, bootstrap = [] } = level;
    if (!isText(idc) || typeof share !== "number" || !(share >= 0 && share <= 1)) return undefined;
    if (!isList(bootstrap, addressesMax) || !bootstrap.every(isText)) return undefined;
    return { idc, share, bootstrap };
  });
  return levels.every((level) => level !== undefined) ? levels : [];
}

function readBroker(value: Record<string, unknown>): RouteBroker {
  const { set, idc, epoch, master, weight } = value;
  return {
    set: textOr(set, ""),
    idc: textOr(idc, ""),
    epoch: Number.isSafeInteger(epoch) ? (epoch as number) : null,
    master: isText(master) ? master : null,
    weight: typeof weight === "number" && weight >= 0 ? weight : 0,
  };
}

function readMetadata(value: unknown): RouteOrder["metadata"] {
  if (!isRecord(value)) return null;
  const { source, zxid } = value;
  return isText(source) && isText(zxid) && /^\d{1,20}$/.test(zxid) ? { source, zxid: BigInt(zxid) } : null;
}

/** Out of its range: as if nothing were said. */
function readSettings(value: unknown): RouteSettings {
  if (!isRecord(value)) return {};
  const numberIn = (name: keyof RouteSettings): RouteSettings => {
    const { min, max } = clientSettingRanges[name];
    const number = value[name];
    return typeof number === "number" && number >= min && number <= max ? { [name]: Math.floor(number) } : {};
  };
  return {
    ...numberIn("sendTimeoutMs"),
    ...numberIn("concurrency"),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown, max: number): value is unknown[] {
  return Array.isArray(value) && value.length <= max;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= textCharactersMax;
}

function textOr(value: unknown, other: string): string {
  return isText(value) ? value : other;
}
