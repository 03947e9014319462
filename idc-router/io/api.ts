import { z } from "zod";
import { idcStates, routeModes } from "../core/model.ts";

/** What the router's HTTP door says. The types of the reports and openapi.json come from here. */

const at = z.iso.datetime().meta({ description: "Wall time, for people." });
const ageMs = z.number().min(0);
const revision = z.int().min(0);
const address = z.string().meta({ description: "host:port" });

const levelSchema = z.strictObject({
  idc: z.string().meta({ description: '"any" where the rule makes one of all.' }),
  share: z.number().min(0).max(1).meta({ description: "Of the messages that a client of this IDC produces." }),
  why: z.string().meta({ description: "Why it takes less than it could; empty when it doesn't." }),
});

const decisionSchema = z.strictObject({
  idc: z.string().meta({ description: "Where most messages go; empty when there is nowhere." }),
  mode: z.enum(routeModes),
  rule: z.string().meta({ description: "The rule's pattern." }),
  why: z.string(),
  since: at.meta({ description: "Since this router has given this answer." }),
  levels: z.array(levelSchema).meta({ description: "Nearest first." }),
});

const brokerSchema = z.strictObject({
  set: z.string(),
  idc: z.string(),
  epoch: z.int().nullable().meta({ description: "Of its master, by the arbiters; null: they do not know it." }),
  master: address.nullable(),
  addresses: z.record(z.string(), address).meta({ description: "By role id; 0 is the master." }),
  weight: z.int().min(0).max(10_000).meta({ description: "Of the messages, in ten-thousandths." }),
  readQueues: z.int(),
  writeQueues: z.int(),
  perm: z.int().meta({ description: "Bits: 4 read, 2 write; as the brokers have it." }),
  available: z.boolean(),
  why: z.string().meta({ description: "Why it is not available; empty when it is." }),
});

const metadataSchema = z.strictObject({
  source: z.string().meta({ description: "The ensemble that says it: equal names, equal ensembles." }),
  zxid: z.string().regex(/^\d+$/).meta({ description: "Of its node's last change." }),
});

const clientSchema = z.strictObject({
  sendTimeoutMs: z.int().optional(),
  concurrency: z.int().optional().meta({ description: "Messages that a consumer deals with at the same time." }),
});

const routeSchema = z.strictObject({
  topic: z.string(),
  cluster: z.string(),
  kind: z.enum(["rocketmq", "kafka"]),
  idc: z.string().meta({ description: "The caller's." }),
  use: z.enum(["produce", "consume"]),
  revision: revision.meta({ description: "Of the table with which this answer came out first." }),
  router: z.string().meta({ description: "This router's process: each counts revisions for itself." }),
  metadata: metadataSchema
    .nullable()
    .meta({ description: "What says which cluster it belongs to; null: nothing but the clusters themselves." }),
  client: clientSchema.meta({ description: "What operators want of clients of this topic." }),
  stale: z.boolean().meta({ description: "Nothing better is known than what was last known." }),
  decision: decisionSchema,
  brokers: z.array(brokerSchema).meta({ description: "Nearest first. For produce: those with a weight." }),
  bootstrap: z
    .array(address)
    .meta({ description: "Where clients begin, nearest first: Kafka's bootstrap servers, RocketMQ's gRPC proxies." }),
});

const bootstrapSchema = z.strictObject({
  cluster: z.string(),
  kind: z.enum(["rocketmq", "kafka"]),
  idc: z.string(),
  servers: z.array(address).meta({ description: "Nearest first. Of rocketmq: routers' doors, else name servers." }),
  list: z.string().meta({ description: "The same in one text, as the cluster's clients take it." }),
});

const sourceSchema = z.strictObject({
  source: z.string(),
  ok: z.boolean(),
  ageMs: ageMs.nullable().meta({ description: "Since it last answered; null: never." }),
  detail: z.string(),
});

const setSchema = z.strictObject({
  name: z.string().meta({ description: "cluster/set" }),
  idc: z.string(),
  weight: z.number(),
  master: address.nullable(),
  epoch: z.int().nullable(),
  present: z.boolean(),
  out: z.boolean(),
  available: z.boolean(),
  why: z.string(),
  since: at,
});

const idcSchema = z.strictObject({
  idc: z.string(),
  state: z.enum(idcStates),
  weight: z.number(),
  epoch: z.int(),
  reason: z.string(),
});

const statusSchema = z.strictObject({
  site: z.string(),
  version: z.string(),
  at,
  revision,
  topics: z.int(),
  sources: z.array(sourceSchema),
  sets: z.array(setSchema),
  idcs: z.array(idcSchema).meta({ description: "Those that operators said something about." }),
});

const explainSchema = z.strictObject({
  topic: z.string(),
  idc: z.string(),
  revision,
  lines: z.array(z.string()),
});

const names = (what: string) => z.string().min(1).max(255).meta({ description: what });
/** Of one request. */
export const allocationLimits = { queuesMax: 10_000, consumersMax: 1_000, bodyBytesMax: 2 * 1024 * 1024 } as const;

export const allocationRequestSchema = z
  .strictObject({
    topic: names("A RocketMQ topic: its queues, as set:number, are taken from the table.").optional(),
    queues: z
      .array(z.strictObject({ id: names("Of a queue or partition."), idc: z.string().max(255).default("") }))
      .max(allocationLimits.queuesMax)
      .optional()
      .meta({ description: "Instead of a topic: queues or partitions, each with the IDC of its master or leader." }),
    consumers: z
      .array(
        z.strictObject({
          id: names("Of a consumer."),
          idc: z.string().max(255).default(""),
          has: z
            .array(z.string())
            .max(allocationLimits.queuesMax)
            .default([])
            .meta({ description: "What it has now." }),
        }),
      )
      .min(1)
      .max(allocationLimits.consumersMax)
      .meta({ description: "All of the group." }),
  })
  .refine(({ topic, queues }) => (topic === undefined) !== (queues === undefined), {
    error: "give a topic or queues, and not both",
  });

const allocationSchema = z.strictObject({
  revision: revision.meta({ description: "Of the table that queues were taken from." }),
  allocation: z
    .record(z.string(), z.array(z.string()))
    .meta({ description: "By consumer: ids of its queues. Every queue is with one of them." }),
});

export const reports = {
  status: statusSchema,
  route: routeSchema,
  bootstrap: bootstrapSchema,
  explain: explainSchema,
  allocation: allocationSchema,
} as const;

export type StatusReport = z.output<typeof statusSchema>;
export type SourceReport = z.output<typeof sourceSchema>;
export type MetadataReport = z.output<typeof metadataSchema>;
export type RouteReport = z.output<typeof routeSchema>;
export type BootstrapReport = z.output<typeof bootstrapSchema>;
export type AllocationReport = z.output<typeof allocationSchema>;
export type ExplainReport = z.output<typeof explainSchema>;
export type Use = RouteReport["use"];
