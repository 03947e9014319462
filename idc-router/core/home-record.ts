import { cidrOf } from "#lib/cidr.ts";
import { clientSettingRanges } from "#lib/client-settings.ts";
import { decodeProperties } from "#lib/remoting/properties.ts";
import type { ClientSettings, Gate, TopicHome } from "./model.ts";

/** The keys of a topic's metadata, as the config names them. */
export interface HomeKeys {
  readonly cluster: string;
  readonly gatedIps: string;
  readonly gatedCluster: string;
  readonly sendTimeoutMs: string;
  readonly concurrency: string;
}

export interface ReadHome {
  readonly home: TopicHome;
  /** What it says and what cannot be taken so; the rest counts. */
  readonly problems: readonly string[];
}

const ipsMax = 10_000;

/**
 * Reads the data of a topic's node. What cannot be read at all says nothing.
 * @param clusters of the config: `gatedCluster` may list several of which a router knows one
 */
export function readHome(
  data: Uint8Array | null,
  { format, keys, clusters }: { format: "properties" | "json"; keys: HomeKeys; clusters: readonly string[] },
): ReadHome {
  const problems: string[] = [];
  const textAt = readerOf(data, format);
  const gate = readGate(textAt(keys.gatedIps), textAt(keys.gatedCluster), { keys, clusters, problems });
  const client: ClientSettings = {
    ...readSetting("sendTimeoutMs", { textAt, keys, problems }),
    ...readSetting("concurrency", { textAt, keys, problems }),
  };
  const home: TopicHome = {
    cluster: textAt(keys.cluster) || null,
    ...(gate === undefined ? {} : { gate }),
    ...(Object.keys(client).length === 0 ? {} : { client }),
  };
  return { home, problems };
}

/** "" for what is not there. */
function readerOf(data: Uint8Array | null, format: "properties" | "json"): (key: string) => string {
  if (data === null || data.length === 0) return () => "";
  try {
    if (format === "properties") {
      const properties = decodeProperties(data);
      return (key) => (properties.get(key) ?? "").trim();
    }
    const value = JSON.parse(Buffer.from(data).toString("utf8")) as Record<string, unknown> | null;
    return (key) => textOf(value?.[key]);
  } catch {
    return () => "";
  }
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
}

/** Both must say something, or there is no gate. */
function readGate(
  ipsText: string,
  clusterText: string,
  { keys, clusters, problems }: { keys: HomeKeys; clusters: readonly string[]; problems: string[] },
): Gate | undefined {
  const named = listOf(clusterText);
  const ips = listOf(ipsText);
  if (named.length === 0 || ips.length === 0) return undefined;
  const cluster = named.find((each) => clusters.includes(each));
  if (cluster === undefined) {
    problems.push(`${keys.gatedCluster} is ${clusterText}, and the config has ${clusters.join(", ")}`);
    return undefined;
  }
  const good = ips.filter((ip) => cidrOf(ip) !== undefined);
  const bad = ips.filter((ip) => cidrOf(ip) === undefined);
  if (bad.length > 0) problems.push(`${keys.gatedIps} has ${bad.slice(0, 5).join(", ")}: no address and no network`);
  if (good.length > ipsMax) problems.push(`${keys.gatedIps} has more than ${ipsMax}: the rest is left out`);
  return good.length === 0 ? undefined : { cluster, ips: good.slice(0, ipsMax) };
}

function listOf(text: string): readonly string[] {
  return text
    .split(/[,;\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function readSetting(
  name: keyof typeof clientSettingRanges,
  { textAt, keys, problems }: { textAt: (key: string) => string; keys: HomeKeys; problems: string[] },
): ClientSettings {
  const text = textAt(keys[name]);
  if (text === "") return {};
  const { min, max } = clientSettingRanges[name];
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return { [name]: number };
  problems.push(`${keys[name]} is ${text}, and should be ${min} to ${max}`);
  return {};
}
