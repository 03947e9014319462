import { z } from "zod";
import { clientSettingRanges } from "#lib/client-settings.ts";
import {
  clusterName,
  etcdSchema,
  filePath,
  hostPort,
  httpSchema,
  idcName,
  idcsSchema,
  logSchema,
  nodePath,
  refuseRepeats,
  siteSchema,
  tlsClientSchema,
  zooKeeperSchema,
} from "./shared.ts";

/** The router's file: the one source of its types, defaults, validation and documentation. */

const addresses = z
  .array(hostPort)
  .min(1)
  .max(32)
  .superRefine(refuseRepeats((address) => address));

const byIdc = (what: string) =>
  z.record(idcName, addresses).meta({ description: `${what}, by IDC: IDC -> host:port of each.` });

const nameserverSchema = z
  .strictObject({
    listen: hostPort.meta({ description: "Address and port that clients have as their name server." }),
    doors: byIdc("Such doors of all routers, for clients that ask GET /rocketmq/nsaddr").default({}),
    connectionsMax: z
      .int()
      .min(16)
      .max(200_000)
      .default(20_000)
      .meta({ description: "Connections at the same time; one more is closed at once." }),
    requestsPerSecond: z.int().min(10).max(100_000).default(2_000).meta({
      description: "Of one client address, in the long run; above it requests are answered with SYSTEM_BUSY.",
    }),
  })
  .meta({ description: "The door that speaks RocketMQ's name server protocol." });

const clusterSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    name: clusterName.meta({ description: "Its name, the brokers' brokerClusterName." }),
    kind: z.literal("rocketmq").meta({ description: "What it is." }),
    nameservers: addresses.meta({ description: "Its name servers, of all IDCs. Each is asked once a second." }),
    proxies: byIdc("Its gRPC proxies, for clients with the SDK").default({}),
  }),
  z.strictObject({
    name: clusterName.meta({ description: "Its name, as topics' metadata have it." }),
    kind: z.literal("kafka").meta({ description: "What it is." }),
    bootstrap: byIdc("Its bootstrap servers"),
    tls: tlsClientSchema.optional(),
    watch: z.boolean().default(true).meta({
      description:
        "Ask its brokers who lives and who leads what, as often as name servers are asked (`poll`). Where they want SASL set it to false: the bootstrap lists are then given out as they stand here.",
    }),
  }),
]);

const dataKey = (usual: string, what: string) =>
  z
    .string()
    .min(1)
    .max(255)
    .default(usual)
    .meta({ description: `The key of its data that ${what}.` });

const topicsSchema = z
  .strictObject({
    ...zooKeeperSchema.shape,
    path: nodePath
      .refine(
        (path) => path.split("/").filter((part) => part === "{topic}").length === 1 && path.endsWith("/{topic}"),
        {
          error: "must end in /{topic}, once",
        },
      )
      .meta({ description: "Where a topic's node is: /zms/topic/{topic}." }),
    format: z.enum(["properties", "json"]).default("properties").meta({ description: "How its data is written." }),
    cluster: dataKey("clusterName", "names the cluster"),
    gatedIps: dataKey("gatedIps", "lists addresses and networks of clients that are led to `gatedCluster` instead"),
    gatedCluster: dataKey("gatedCluster", "names the cluster that these clients are led to"),
    sendTimeoutMs: dataKey("sendTimeoutMs", "says how long clients with the SDK try to send, ms"),
    concurrency: dataKey("concurrency", "says how many messages a consumer with the SDK deals with at the same time"),
  })
  .meta({
    description:
      "Which cluster a topic belongs to, as the metadata in ZooKeeper has it. Without it: the first that knows it.",
  });

const settingNumber = (name: keyof typeof clientSettingRanges) =>
  z.int().min(clientSettingRanges[name].min).max(clientSettingRanges[name].max);

const clientSchema = z
  .strictObject({
    sendTimeoutMs: settingNumber("sendTimeoutMs").optional().meta({
      description: "From a send to its acknowledgement, with all attempts, ms.",
    }),
    concurrency: settingNumber("concurrency").optional().meta({
      description: "Messages that one consumer deals with at the same time.",
    }),
  })
  .meta({ description: "What clients with the SDK are to do; in force as soon as they hear of it." });

const routeSchema = z.strictObject({
  match: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s]+$/, { error: "must be a topic's name, with * for any characters" })
    .meta({ description: "Topics that this rule is for; * stands for any characters. The first match counts." }),
  mode: z.enum(["local-only", "prefer-local", "any"]).default("prefer-local").meta({
    description:
      "prefer-local: the nearest IDC that can bear it, graded. local-only: the caller's IDC, whatever happens. any: all sets alike.",
  }),
  overprovision: z.number().min(1).max(10).default(1.4).meta({
    description:
      "An IDC bears its whole load until less than 1/overprovision of its capacity is left; then the missing part goes on.",
  }),
  client: clientSchema.optional(),
});

const healthSchema = z
  .strictObject({
    checkEveryMs: z
      .int()
      .min(100)
      .max(60_000)
      .default(500)
      .meta({ description: "How often each broker set's master is asked, ms." }),
    checkTimeoutMs: z.int().min(50).max(10_000).default(500).meta({
      description: "Longest wait for its answer, ms. Above the longest round trip.",
    }),
    outAfterMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(1_000)
      .meta({ description: "A set that fails without a break for so long is out, ms." }),
    backAfterMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(30_000)
      .meta({ description: "The hold-down: a set that was out must be well without a break for so long, ms." }),
    backAfterChecks: z
      .int()
      .min(1)
      .max(1_000)
      .default(5)
      .meta({ description: "And must have passed so many checks meanwhile." }),
  })
  .prefault({})
  .meta({ description: "Out fast, back slowly." });

const pollSchema = z
  .strictObject({
    everyMs: z.int().min(200).max(60_000).default(1_000).meta({
      description: "How often each name server is asked for its broker sets, ms.",
    }),
    timeoutMs: z.int().min(50).max(30_000).default(900).meta({ description: "Longest wait for its answer, ms." }),
    routeRefreshMs: z.int().min(1_000).max(3_600_000).default(30_000).meta({
      description: "Within this each topic that was asked for is looked up again, spread over the time, ms.",
    }),
    lookupTimeoutMs: z.int().min(50).max(30_000).default(1_000).meta({
      description: "How long a client that asks for an unknown topic waits for the name servers, ms.",
    }),
    topicsMax: z.int().min(100).max(1_000_000).default(100_000).meta({
      description: "Topics that are kept. Beyond it unknown ones are answered as unknown.",
    }),
  })
  .prefault({})
  .meta({ description: "How name servers are asked." });

const limitsSchema = z
  .strictObject({
    subscribersMax: z
      .int()
      .min(10)
      .max(200_000)
      .default(10_000)
      .meta({ description: "Watches and waiting requests over HTTP at the same time." }),
    requestsPerSecond: z
      .int()
      .min(10)
      .max(100_000)
      .default(1_000)
      .meta({ description: "HTTP requests of one client address, in the long run; above it: 429." }),
    bufferedBytesMax: z
      .int()
      .min(65_536)
      .max(64 * 1024 * 1024)
      .default(1024 * 1024)
      .meta({ description: "What a watch's client has not taken; with more its connection ends." }),
  })
  .prefault({})
  .meta({ description: "Limits of the HTTP door." });

export const idcRouterSchema = z
  .strictObject({
    ...siteSchema,
    idcs: idcsSchema,
    near: z.record(idcName, z.array(idcName).max(32)).default({}).meta({
      description: "Which IDC is next, by IDC: IDC -> nearest first. Those left out follow in the order of idcs.",
    }),
    etcd: etcdSchema.optional().meta({
      description:
        "The arbiters' ledger: masters, epochs, and what operators want of IDCs. Without it: name servers and checks only.",
    }),
    http: httpSchema(7403),
    log: logSchema,
    nameserver: nameserverSchema.optional(),
    clusters: z
      .array(clusterSchema)
      .min(1)
      .max(100)
      .superRefine(refuseRepeats(({ name }) => name, ["name"]))
      .meta({ description: "The clusters that clients are led to." }),
    topics: topicsSchema.optional(),
    routes: z
      .array(routeSchema)
      .max(1_000)
      .default([])
      .meta({ description: "How clients are led, by topic. A topic that no rule matches: prefer-local, 1.4." }),
    weights: z
      .record(z.string().regex(/^[^\s/]+\/[^\s/]+$/, { error: "must be cluster/set" }), z.number().gt(0).max(1_000))
      .default({})
      .meta({ description: "Capacity of broker sets against each other: cluster/set -> weight. 1 unless given." }),
    health: healthSchema,
    poll: pollSchema,
    limits: limitsSchema,
    lastGood: filePath.optional().meta({
      description: "File for the last good table, for a start with everything else away. Without it: none is kept.",
    }),
    forgetAfterMs: z.int().min(10_000).max(604_800_000).default(600_000).meta({
      description: "What every reachable source denies for so long is forgotten, ms.",
    }),
  })
  .meta({ title: "crossidc router", description: "Tells clients which brokers to use: the nearest that can bear it." });

export type IdcRouterConfig = z.output<typeof idcRouterSchema>;
