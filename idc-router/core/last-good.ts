import { z } from "zod";
import { idcStates, type SetName, setName, type Table, type TopicName, topicName } from "./model.ts";

/** The table as text, for the last good file: what is needed to answer when everything else is away. */

const schemaVersion = 1;

const setSchema = z.object({
  cluster: z.string(),
  set: z.string(),
  idc: z.string(),
  weight: z.number(),
  addresses: z.array(z.tuple([z.int(), z.string()])),
  master: z.string().nullable(),
  lastMaster: z.string().nullable(),
  epoch: z.int().nullable(),
  present: z.boolean(),
  goneSince: z.number().nullable(),
});

const topicSchema = z.object({
  cluster: z.string(),
  topic: z.string(),
  queues: z.array(
    z.object({
      set: z.string(),
      perm: z.int(),
      readQueues: z.int(),
      writeQueues: z.int(),
      topicSysFlag: z.int(),
      goneSince: z.number().nullable(),
    }),
  ),
  orderConf: z.string().nullable(),
  staticBody: z.string().nullable(),
});

const homeSchema = z.object({
  cluster: z.string().nullable(),
  gate: z.object({ cluster: z.string(), ips: z.array(z.string()).readonly() }).optional(),
  client: z.object({ sendTimeoutMs: z.int().optional(), concurrency: z.int().optional() }).optional(),
});

const kafkaSchema = z.object({
  cluster: z.string(),
  brokers: z.array(
    z.object({
      address: z.string(),
      id: z.int().nullable(),
      rack: z.string(),
      idc: z.string(),
      available: z.boolean(),
      why: z.string(),
    }),
  ),
  topics: z.array(z.tuple([z.string(), z.array(z.object({ partition: z.int(), leader: z.int() }))])),
});

const tableSchema = z.object({
  schema: z.literal(schemaVersion),
  revision: z.int().min(0),
  sets: z.array(setSchema),
  topics: z.array(topicSchema),
  // A text: the cluster, as routers wrote it before there were gates.
  homes: z.array(
    z.tuple([z.string(), z.union([homeSchema, z.string().transform((cluster) => ({ cluster }))]).pipe(homeSchema)]),
  ),
  // Routers before this version wrote none.
  kafka: z.array(kafkaSchema).default([]),
  idcs: z.array(
    z.object({ idc: z.string(), state: z.enum(idcStates), weight: z.number(), epoch: z.int(), reason: z.string() }),
  ),
});

export function encodeTable({ revision, sets, topics, homes, kafka, idcs }: Table): string {
  const value: z.input<typeof tableSchema> = {
    schema: schemaVersion,
    revision,
    sets: [...sets.values()].map(({ cluster, set, idc, weight, addresses, master, lastMaster, epoch, ...rest }) => {
      const { present, goneSince } = rest;
      return { cluster, set, idc, weight, addresses: [...addresses], master, lastMaster, epoch, present, goneSince };
    }),
    topics: [...topics.values()].map((topic) => ({ ...topic, queues: [...topic.queues] })),
    homes: [...homes],
    kafka: [...kafka.values()].map((entry) => ({
      ...entry,
      brokers: [...entry.brokers],
      topics: [...entry.topics].map(([topic, partitions]) => [topic, [...partitions]]),
    })),
    idcs: [...idcs.values()],
  };
  return JSON.stringify(value);
}

/**
 * Health is not kept: it begins anew with the first checks. What was there counts as well, or nothing would be left to send to.
 * @returns undefined when the text is none of ours
 */
export function decodeTable(text: string, wall: number): Table | undefined {
  const parsed = tableSchema.safeParse(parse(text));
  if (!parsed.success) return undefined;
  const { revision, sets, topics, homes, kafka, idcs } = parsed.data;
  return {
    revision,
    sets: new Map<SetName, Table["sets"] extends ReadonlyMap<SetName, infer Entry> ? Entry : never>(
      sets.map((set) => {
        const name = setName(set.cluster, set.set);
        const available = set.present && set.master !== null;
        const why = available ? "" : "it was not there when this router last ran";
        return [name, { ...set, name, addresses: new Map(set.addresses), out: false, available, why, since: wall }];
      }),
    ),
    topics: new Map<TopicName, (typeof topics)[number]>(
      topics.map((topic) => [topicName(topic.cluster, topic.topic), topic]),
    ),
    homes: new Map(homes),
    kafka: new Map(kafka.map((entry) => [entry.cluster, { ...entry, topics: new Map(entry.topics) }])),
    idcs: new Map(idcs.map((each) => [each.idc, each])),
    silentClusters: new Set(),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
