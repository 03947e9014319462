import type { Application } from "../harness/application.ts";

/** The cluster table of the tests' link: source cluster -> target cluster, with their addresses. */
export const clusterTable: Readonly<Record<string, { to: string; addresses: Readonly<Record<string, string>> }>> = {
  "rmq-idc1": {
    to: "rmq-idc2",
    addresses: { "10.1.0.21:9876": "10.2.0.21:9876", "10.1.0.22:9876": "10.2.0.22:9876" },
  },
  "kafka-idc1": { to: "kafka-idc2", addresses: { "10.1.0.31:9092": "10.2.0.31:9092" } },
};

/** Rules with everything that matters: a name mapped in the path, names and addresses in the data, an ignore, a moved root. */
const zmsRules = [
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
  { match: "/app/**", to: "/mirror/app/**" },
] as const;

/** No more deletes than a busy test makes count as an accident. */
export const releasedBrake = { mode: "mirror", maxDeletes: 1_000_000, maxDeleteRatio: 1, windowMs: 1_000 };

export interface LinkFileOptions {
  readonly httpPort: number;
  readonly source: EnsembleOptions;
  readonly target: EnsembleOptions;
  /** Keys of the link that differ from the tests' usual ones; undefined takes one away. */
  readonly link: Readonly<Record<string, unknown>>;
}

/** Keys of one side, as in the file. */
type EnsembleOptions = Readonly<Record<string, unknown>> & { readonly servers: readonly string[] };

export const linkName = "zms";

/** A config file with one link. JSON is YAML too. */
export function linkFile(options: LinkFileOptions): string {
  const side = (ensemble: EnsembleOptions) => ({ sessionTimeoutMs: 3_000, connectTimeoutMs: 1_000, ...ensemble });
  return JSON.stringify({
    environment: "test",
    site: "idc2",
    http: { listen: `127.0.0.1:${options.httpPort}` },
    log: { level: "debug" },
    links: [
      {
        name: linkName,
        kind: "zookeeper",
        source: side(options.source),
        target: side(options.target),
        clusters: clusterTable,
        rules: zmsRules,
        ...options.link,
      },
    ],
  });
}

/** A topic's data as ZMS writes it. */
export function topicData(cluster: string, more = ""): string {
  return `clusterName=${cluster}\ntype=topic\n${more}`;
}

/** The folders that ZMS and the other tree have from the start, with a few nodes in each. */
export async function plantSource(source: Application, topics = 10): Promise<void> {
  for (const folder of ["/zms/cluster", "/zms/topic", "/zms/consumergroup", "/zms/host", "/app/keep"]) {
    await source.mkdirp(folder);
  }
  await source.multi([
    {
      kind: "create",
      path: "/zms/cluster/rmq-idc1",
      data: "bootAddr=10.1.0.21:9876;10.1.0.22:9876\nbrokerType=rocketmq\n",
    },
    { kind: "create", path: "/zms/host/h1", data: "of idc1" },
    ...Array.from({ length: topics }, (_, index) => ({
      kind: "create" as const,
      path: `/zms/topic/t${index}`,
      data: topicData("rmq-idc1"),
    })),
  ]);
}
