import { z } from "zod";
import { telemetryBounds, telemetryLimits } from "#lib/telemetry.ts";
import { membersMax } from "../core/clients.ts";
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
  bootstrap: z
    .array(address)
    .meta({ description: "Where clients begin that send there; empty: nothing is known, they take the whole list." }),
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
  gated: z.boolean().meta({ description: "The topic's metadata lead this client to another cluster than most." }),
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

const kafkaBrokerSchema = z.strictObject({
  cluster: z.string(),
  address,
  id: z.int().nullable().meta({ description: "null: the config names it, and no broker does." }),
  idc: z.string(),
  available: z.boolean(),
  why: z.string(),
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
  kafkaBrokers: z.array(kafkaBrokerSchema).meta({ description: "Of clusters of which one has answered." }),
  idcs: z.array(idcSchema).meta({ description: "Those that operators said something about." }),
  mixedGroups: z
    .array(z.strictObject({ topic: z.string(), group: z.string(), why: z.string() }))
    .meta({ description: "Groups whose members do not all take the same allocator." }),
});

const explainSchema = z.strictObject({
  topic: z.string(),
  idc: z.string(),
  revision,
  lines: z.array(z.string()),
});

const names = (what: string) => z.string().min(1).max(255).meta({ description: what });
/** Of one request. */
export const allocationLimits = { queuesMax: 10_000, consumersMax: membersMax, bodyBytesMax: 2 * 1024 * 1024 } as const;

export const allocationRequestSchema = z
  .strictObject({
    topic: names("A topic: its queues, as set:number, or partitions are taken from the table.").optional(),
    queues: z
      .array(z.strictObject({ id: names("Of a queue or partition."), idc: z.string().max(255).default("") }))
      .max(allocationLimits.queuesMax)
      .optional()
      .meta({ description: "Instead of a topic: queues or partitions, each with the IDC of its master or leader." }),
    group: names("The consumers' group, where each of them asks for itself.").optional(),
    by: names("Which of the consumers asks. With `group`: members that never ask are found out.").optional(),
    ip: z
      .string()
      .max(45)
      .optional()
      .meta({ description: "The address by which the topic's gate knows who asks; without it: as it is seen." }),
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
  .refine(({ group, by }) => (group === undefined) === (by === undefined), {
    error: "give both group and by, or neither",
  })
  .refine(({ by, consumers }) => by === undefined || consumers.some(({ id }) => id === by), {
    error: "by is none of the consumers",
  })
  .refine(({ topic, queues }) => (topic === undefined) !== (queues === undefined), {
    error: "give a topic or queues, and not both",
  });

const count = z.int().min(0).max(telemetryLimits.countMax);
const tally = (what: keyof typeof telemetryBounds) =>
  z
    .object({
      counts: z
        .array(count)
        .length(telemetryBounds[what].length + 1)
        .meta({ description: `Of each bucket alone: up to ${telemetryBounds[what].join(", ")}, and beyond.` }),
      sum: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
    })
    .meta({ description: what });
const shortText = z.string().max(telemetryLimits.charactersMax);
const someIdcs = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.array(z.object({ idc: shortText, ...shape })).max(telemetryLimits.idcsMax);
// Not strict: a newer client may tell more, and what is known here of it counts.
export const telemetryRequestSchema = z.object({
  client: shortText.min(1).meta({ description: "Of this process of the client, by chance." }),
  number: z.int().min(1).meta({ description: "Of the report: one that comes twice counts once." }),
  version: shortText,
  idc: shortText,
  produced: someIdcs({ acknowledged: count, failed: count, seconds: tally("seconds"), bytes: tally("bytes") }),
  consumed: someIdcs({ messages: count, seconds: tally("seconds"), bytes: tally("bytes") }),
  groups: z
    .array(z.object({ topic: shortText, group: shortText, allocator: shortText }))
    .max(telemetryLimits.groupsMax),
});

const telemetrySchema = z.strictObject({ counted: z.boolean().meta({ description: "False: it has come before." }) });

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
  telemetry: telemetrySchema,
} as const;

export type StatusReport = z.output<typeof statusSchema>;
export type SourceReport = z.output<typeof sourceSchema>;
export type MetadataReport = z.output<typeof metadataSchema>;
export type RouteReport = z.output<typeof routeSchema>;
export type BootstrapReport = z.output<typeof bootstrapSchema>;
export type TelemetryAnswer = z.output<typeof telemetrySchema>;
export type AllocationReport = z.output<typeof allocationSchema>;
export type ExplainReport = z.output<typeof explainSchema>;
export type Use = RouteReport["use"];
