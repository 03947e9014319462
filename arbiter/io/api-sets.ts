import { z } from "zod";
import { effectNames } from "../core/decision.ts";
import { protectionLevels, switchStages, verdicts } from "../core/model.ts";
import { phaseNames } from "../core/transitions.ts";
import { effectSchema } from "./api-decisions.ts";
import { ageMs, at, brokerId, decimal, epoch } from "./api-values.ts";

/** Reports on broker sets: in short, and all that this site knows of one. */

const phase = z.enum(phaseNames);
const level = z.enum(protectionLevels);
const verdict = z.enum(verdicts);

const freezeSchema = z.strictObject({ code: z.string(), reason: z.string(), at, until: at.nullable() });

export const protectionSchema = z.strictObject({
  level: level.meta({ description: "What the live brokers' settings and the in-sync set protect, as last seen." }),
  promised: level.meta({ description: "What the policy promises." }),
  kept: z.boolean(),
  why: z.string().meta({ description: "Which broker's which setting is in the way; empty when nothing is." }),
  seenAt: at.nullable(),
});

const votesSchema = z
  .strictObject({
    down: z.int(),
    alive: z.int(),
    unknown: z.int().meta({ description: "Sites that do not know, or have not answered." }),
    needed: z.int().meta({ description: "Sites that must say down." }),
    of: z.int(),
  })
  .meta({ description: "What the voting sites say of the master, while they are asked." });

const summaryShape = {
  name: z.string().meta({ description: "cluster/set" }),
  phase,
  why: z.string().meta({ description: "What stands in the way, where something does; else empty." }),
  epoch,
  master: z.strictObject({ id: brokerId, address: z.string() }).nullable(),
  inSync: z.array(brokerId),
  unconfirmed: z.array(brokerId).meta({ description: "Of inSync: not known to be counted by the master." }),
  replicas: z.int(),
  protection: protectionSchema,
  votes: votesSchema.nullable(),
  frozen: freezeSchema.nullable(),
};

export const setSummarySchema = z.strictObject(summaryShape);

export const unrecordedSchema = z.strictObject({
  name: z.string(),
  brokers: z.array(z.strictObject({ id: brokerId, address: z.string(), epoch: z.int(), maxOffset: decimal })),
});

const settingsSchema = z.strictObject({
  allAckInSyncStateSet: z.boolean(),
  minInSyncReplicas: z.int(),
  flushDiskType: z.string(),
  brokerPermission: z.int(),
  spins: z.boolean().meta({
    description:
      "allAckInSyncStateSet without readUnCommitted, before RocketMQ 5.4: it takes a core, and stands still at times.",
  }),
});

const readingSchema = z.strictObject({ epoch: z.int(), maxOffset: decimal });

const brokerSchema = z.strictObject({
  id: brokerId,
  address: z.string(),
  idc: z.string(),
  role: z.enum(["master", "in-sync", "unconfirmed", "out"]),
  verdict: verdict.meta({ description: "What this site says of it." }),
  evidence: z.string(),
  unheardBy: z.array(z.string()).meta({ description: "Sites that are there and do not hear it." }),
  reported: readingSchema.nullable().meta({ description: "The most that this site has heard it tell." }),
  settings: settingsSchema.nullable().meta({ description: "As this site last read them." }),
});

const answerSchema = z.strictObject({
  site: z.string(),
  verdict,
  evidence: z.string(),
  at,
  present: z.boolean().meta({ description: "Its beat is fresh: only then it counts." }),
});

export const policySchema = z.strictObject({
  rpo: z.string(),
  survive: z.string(),
  maxLostBytes: decimal,
  unclean: z.string(),
  preferIdcs: z.array(z.string()),
  cooldownMs: ageMs,
  degradeAfterMs: ageMs,
  returnAfterMs: ageMs.nullable().meta({ description: "null: masters go home by operators only." }),
  frozen: z.boolean(),
});

const switchSchema = z.strictObject({
  id: z.string(),
  from: brokerId,
  to: brokerId,
  reason: z.string(),
  askedBy: z.string(),
  at,
  stage: z.enum(switchStages).meta({
    description: "holding: until it is decided or given up. restoring: the old master gets its settings back.",
  }),
  outcome: z.string().meta({ description: "What came of it; empty while it is holding." }),
});

export const setSchema = z.strictObject({
  ...summaryShape,
  revision: decimal,
  inSyncEpoch: z.int(),
  policy: policySchema,
  question: z
    .strictObject({ id: z.string(), askedBy: z.string(), at, epoch, master: brokerId, answers: z.array(answerSchema) })
    .nullable(),
  blocked: z
    .strictObject({
      reason: z.string(),
      why: z.string(),
      site: z.string().meta({ description: "The one that drives the question." }),
      at,
      rejected: z.array(z.strictObject({ id: brokerId, reason: z.string(), detail: z.string() })),
    })
    .nullable(),
  brokers: z.array(brokerSchema),
  decision: z
    .strictObject({ id: z.string(), effects: z.array(effectSchema), open: z.array(z.enum(effectNames)) })
    .nullable()
    .meta({ description: "The one whose effects are not done." }),
  switch: switchSchema.nullable().meta({ description: "A planned switch that is not over." }),
  failoversAt: z.array(at),
});

export type SetSummary = z.output<typeof setSummarySchema>;
export type UnrecordedReport = z.output<typeof unrecordedSchema>;
export type SetReport = z.output<typeof setSchema>;
export type BrokerReport = z.output<typeof brokerSchema>;
export type ProtectionReport = z.output<typeof protectionSchema>;
export type PolicyReport = z.output<typeof policySchema>;
