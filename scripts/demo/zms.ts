import { stringify } from "yaml";

/**
 * Metadata as ZMS keeps it, of a size that companies have: what applications of IDC1 wrote over the years. Contents are Java
 * properties. Names and addresses follow a pattern, so that anybody can see at a glance whose they are: cluster names end in
 * -idc1, addresses start with 10.1.
 */

export interface Cluster {
  readonly name: string;
  readonly kind: "kafka" | "rocketmq";
  /** host:port of its brokers or name servers. */
  readonly addresses: readonly string[];
}

export interface Node {
  readonly path: string;
  readonly data: string;
}

export const topicsRoot = "/zms/topic";
export const groupsRoot = "/zms/consumergroup";
export const clustersRoot = "/zms/cluster";
export const hostsRoot = "/zms/host";

const rocketmqNames = ["order", "trade", "pay", "user", "stock", "search", "push", "mail", "game", "risk"];
const kafkaNames = ["log", "click", "feed", "ads", "audit", "metric", "media"];

export const clusters: readonly Cluster[] = [
  ...rocketmqNames.map((name, index): Cluster => {
    const addresses = [`10.1.${index}.21:9876`, `10.1.${index}.22:9876`];
    return { name: `rmq-${name}-idc1`, kind: "rocketmq", addresses };
  }),
  ...kafkaNames.map((name, index): Cluster => {
    const addresses = [31, 32, 33].map((host) => `10.1.${index}.${host}:9092`);
    return { name: `kafka-${name}-idc1`, kind: "kafka", addresses };
  }),
];

const things =
  "order trade cart stock price coupon user search ads feed chat push mail log click risk audit game media pay";
const parts = "item event task state record message batch alert report session";
const happenings = "created changed closed synced retried";
const services = ["billing", "reporting", "archive"];

const topicNames = things
  .split(" ")
  .flatMap((thing) => parts.split(" ").map((part) => `${thing}-${part}`))
  .flatMap((name) => happenings.split(" ").map((happening) => `${name}-${happening}`));

export const clusterNodes: readonly Node[] = clusters.map(({ name, kind, addresses }) => ({
  path: `${clustersRoot}/${name}`,
  data: properties({
    bootAddr: addresses.join(kind === "rocketmq" ? ";" : ","),
    brokerType: kind,
    serverIps: addresses.map(hostOf).join(","),
  }),
}));

export const topicNodes: readonly Node[] = topicNames.map((name, index) => ({
  path: `${topicsRoot}/${name}`,
  data: topicData(clusterAt(index), { gatedCluster: index % 10 === 0 ? clusterAt(index + 1) : "" }),
}));

export const groupNodes: readonly Node[] = topicNames.flatMap((topic, index) =>
  services.map((service) => ({
    path: `${groupsRoot}/${service}.${topic}`,
    data: properties({
      clusterName: clusterAt(index),
      type: "consumergroup",
      bindingTopic: topic,
      consumeFrom: "latest",
      broadcast: "false",
      suspend: "false",
      gatedIps: "",
      gatedCluster: "",
    }),
  })),
);

/** Under an ignore rule: each IDC has its own machines. */
export const hostNodes: readonly Node[] = Array.from({ length: 300 }, (_, index) => ({
  path: `${hostsRoot}/10.1.${Math.floor(index / 100)}.${100 + (index % 100)}`,
  data: properties({ room: "idc1", rack: String(index % 20) }),
}));

/** Among the topics, but each of these lives and dies with a session. */
export const lockPaths: readonly string[] = Array.from({ length: 25 }, (_, index) => `${topicsRoot}/lock-${index}`);

/** The name of a cluster of IDC1, round and round. */
export function clusterAt(index: number): string {
  return clusters[index % clusters.length]?.name ?? "";
}

export function topicData(clusterName: string, { gatedCluster = "" } = {}): string {
  return properties({ clusterName, type: "topic", gatedIps: "", gatedCluster });
}

/** The topic in the next cluster. */
export function movedOn({ path, data }: Node): Node {
  const at = clusters.findIndex(({ name }) => data.startsWith(`clusterName=${name}\n`));
  return { path, data: topicData(clusterAt(at + 1)) };
}

/** A group's data with its consumption suspended. */
export function suspended(data: string): string {
  return data.replace("suspend=false", "suspend=true");
}

/** What IDC2 should have for a text of IDC1: worked out by the pattern of the names alone, without crossidc's rules. */
export function asInIdc2(text: string): string {
  return text.replaceAll("-idc1", "-idc2").replaceAll(/\b10\.1\./g, "10.2.");
}

/** The replicator's config file. The cluster table has a row for each of the clusters. */
export function replicatorYaml(options: {
  source: string;
  target: string;
  listen: string;
  maxDeletes: number;
}): string {
  const { source, target, listen, maxDeletes } = options;
  const table = clusters.map(({ name, addresses }) => {
    const both = [...addresses, ...addresses.map(hostOf)];
    return [name, { to: asInIdc2(name), addresses: Object.fromEntries(both.map((one) => [one, asInIdc2(one)])) }];
  });
  const config = {
    environment: "demo",
    site: "idc2",
    http: { listen },
    links: [
      {
        name: "zms",
        kind: "zookeeper",
        source: { servers: [source] },
        target: { servers: [target] },
        rules: [
          {
            match: "/zms/cluster/{cluster}",
            to: "/zms/cluster/{cluster:clusters}",
            data: {
              format: "properties",
              edits: [
                { at: "bootAddr", map: "addresses" },
                { at: "serverIps", map: "addresses" },
              ],
            },
          },
          { match: "/zms/host/**", action: "ignore" },
          {
            match: "/zms/{kind}/{name}",
            to: "/zms/{kind}/{name}",
            data: {
              format: "properties",
              edits: [
                { at: "clusterName", map: "clusters" },
                { at: "gatedCluster", map: "clusters" },
              ],
            },
          },
        ],
        deletes: { mode: "mirror", maxDeletes },
        clusters: Object.fromEntries(table),
      },
    ],
  };
  return `# Written by ./run demo. docs/config.md has every key.\n${stringify(config)}`;
}

function hostOf(address: string): string {
  return address.slice(0, address.indexOf(":"));
}

function properties(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
