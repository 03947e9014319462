import { z } from "zod";
import { auditSchema, auditVerifySchema } from "./api-audit.ts";
import { decisionSchema, decisionSummarySchema, explanationSchema, replaySchema } from "./api-decisions.ts";
import { idcsSchema, movesSchema } from "./api-idcs.ts";
import { policiesSchema, policyChangeSchema } from "./api-policies.ts";
import { setSchema, setSummarySchema, unrecordedSchema } from "./api-sets.ts";
import { ageMs, at, decimal } from "./api-values.ts";

/**
 * What the arbiter's HTTP door says, by name, and its reports on the site itself. The types of the reports and openapi.json come from
 * these schemas; what the door takes is in api-bodies.ts. 64-bit numbers are decimal texts.
 */

const pauseSchema = z.strictObject({ reason: z.string(), at, until: at.nullable() });

const siteSchema = z.strictObject({
  site: z.string(),
  voting: z.boolean().meta({ description: "The ledger names it." }),
  present: z.boolean().meta({ description: "Its beat is fresh." }),
  beatAgeMs: ageMs.nullable().meta({ description: "null: no beat is known." }),
  votes: z.boolean(),
  why: z.string().meta({ description: "Why it does not vote." }),
  controller: z.string(),
  version: z.string(),
  unheard: z.array(z.string()).meta({ description: "cluster/set/id of the brokers that it does not hear." }),
});

const statusSchema = z.strictObject({
  site: z.string(),
  version: z.string(),
  controller: z.string(),
  at,
  quorum: z.strictObject({
    fresh: z.boolean(),
    proofAgeMs: ageMs.nullable().meta({ description: "Since the last completed write was sent; null: none was." }),
    proofMs: z.int().meta({ description: "timing.quorumProofMs" }),
  }),
  ledger: z.strictObject({
    followed: z.boolean(),
    restored: z.boolean().meta({ description: "Restored into another etcd, and not every set is frozen yet." }),
    incarnation: z.string().nullable(),
    unreadable: z.array(z.strictObject({ key: z.string(), why: z.string() })),
  }),
  leader: z.string().nullable().meta({ description: "The first voting site that is there, as this site sees it." }),
  voting: z.array(z.string()),
  sites: z.array(siteSchema),
  pause: pauseSchema.nullable(),
  sets: z.array(setSummarySchema),
});

const ledgerSchema = z.strictObject({
  clusterId: z.string(),
  members: z.array(
    z.strictObject({
      endpoint: z.string(),
      ok: z.boolean(),
      version: z.string(),
      dbBytes: decimal,
      isLeader: z.boolean(),
      detail: z.string(),
    }),
  ),
  alarms: z.array(z.string()),
});

const doneSchema = z.strictObject({ done: z.string() });

export const reports = {
  status: statusSchema,
  sets: z.strictObject({
    sets: z.array(setSummarySchema),
    unrecorded: z.array(unrecordedSchema).meta({ description: "Heard here, and not on record: idcctl set adopt." }),
  }),
  set: setSchema,
  decisions: z.strictObject({ decisions: z.array(decisionSummarySchema) }),
  decision: decisionSchema,
  explanation: explanationSchema,
  replay: replaySchema,
  policies: policiesSchema,
  policyChange: policyChangeSchema,
  ledger: ledgerSchema,
  audit: auditSchema,
  auditVerify: auditVerifySchema,
  idcs: idcsSchema,
  moves: movesSchema,
  done: doneSchema,
} as const;

export type StatusReport = z.output<typeof statusSchema>;
export type SiteReport = z.output<typeof siteSchema>;
export type LedgerReport = z.output<typeof ledgerSchema>;
export type DoneReport = z.output<typeof doneSchema>;
