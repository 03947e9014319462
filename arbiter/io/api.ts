import { z } from "zod";
import { actNames } from "../core/audit.ts";
import { faultKinds } from "../core/audit-faults.ts";
import { effectNames } from "../core/decision.ts";
import { protectionLevels, switchStages, verdicts } from "../core/model.ts";
import { phaseNames } from "../core/transitions.ts";
import { idcsSchema, movesSchema } from "./api-idcs.ts";

/**
 * What the arbiter's HTTP door says and takes. The types of the reports, the checks of what is sent in and openapi.json come
 * from here. 64-bit numbers are decimal texts.
 */

const at = z.iso.datetime().meta({ description: "Wall time, for people." });
const ageMs = z.number().min(0);
const decimal = z.string().regex(/^-?\d+$/);
const brokerId = z.int().min(0);
const epoch = z.int().min(0);
const phase = z.enum(phaseNames);
const level = z.enum(protectionLevels);
const verdict = z.enum(verdicts);
const reason = z
  .string()
  .trim()
  .min(1, { error: "must say why; it is logged" })
  .max(1_000)
  .meta({ description: "Why. Goes to the log, and to the audit log: there its first 300 characters." });

const freezeSchema = z.strictObject({ code: z.string(), reason: z.string(), at, until: at.nullable() });

const pauseSchema = z.strictObject({ reason: z.string(), at, until: at.nullable() });

const protectionSchema = z.strictObject({
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

const setSummarySchema = z.strictObject(summaryShape);

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

const unrecordedSchema = z.strictObject({
  name: z.string(),
  brokers: z.array(z.strictObject({ id: brokerId, address: z.string(), epoch: z.int(), maxOffset: decimal })),
});

const settingsSchema = z.strictObject({
  allAckInSyncStateSet: z.boolean(),
  minInSyncReplicas: z.int(),
  flushDiskType: z.string(),
  brokerPermission: z.int(),
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

const policySchema = z.strictObject({
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

const effectSchema = z.strictObject({ effect: z.enum(effectNames), site: z.string(), at, detail: z.string() });

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

const setSchema = z.strictObject({
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

const decisionSummarySchema = z.strictObject({
  id: z.string().meta({ description: "cluster/set/epoch" }),
  kind: z.string(),
  at,
  decidedBy: z.string(),
  from: brokerId.nullable(),
  to: brokerId,
  epoch,
  why: z.string(),
  effects: z.array(effectSchema),
  open: z.array(z.enum(effectNames)),
});

const decisionSchema = z.strictObject({
  ...decisionSummarySchema.shape,
  record: z.unknown().meta({ description: "The decision record as it stands in the ledger: input, verdict, effects." }),
});

const explanationSchema = z.strictObject({ id: z.string(), lines: z.array(z.string()) });

const replaySchema = z.strictObject({
  id: z.string(),
  same: z.boolean().meta({ description: "The verdict is the recorded one, to the byte." }),
  recorded: z.unknown(),
  replayed: z.unknown(),
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

const policiesSchema = z.strictObject({
  policies: z.array(z.unknown()),
  sets: z.array(z.strictObject({ name: z.string(), policy: policySchema })),
});

const policyChangeSchema = z.strictObject({
  applied: z.boolean(),
  sets: z.array(
    z.strictObject({
      name: z.string(),
      changes: z.array(z.string()).meta({ description: "key: before -> after" }),
      protection: protectionSchema.meta({ description: "Under the new policies." }),
    }),
  ),
});

const auditEntrySchema = z.strictObject({
  site: z.string(),
  n: z.int().min(1).meta({ description: "Counts from 1 within the site." }),
  at,
  revision: decimal.meta({ description: "etcd's: the order of all sites' entries." }),
  what: z.enum(actNames),
  who: z
    .string()
    .meta({ description: "As idcctl named the operator; the address of a tool; or an arbiter by itself." }),
  set: z.string().nullable(),
  decision: z.string().nullable(),
  reason: z.string(),
  detail: z.string(),
  previous: z.string().meta({ description: "The digest of the entry before it." }),
  digest: z.string().meta({ description: "SHA-256 of the other fields, as the ledger has them." }),
});

const auditSchema = z.strictObject({ entries: z.array(auditEntrySchema) });

const auditVerifySchema = z.strictObject({
  whole: z.boolean().meta({ description: "No chain has a fault." }),
  chains: z.array(
    z.strictObject({
      site: z.string(),
      entries: z.int(),
      first: z.int().nullable().meta({ description: "The oldest entry that is kept." }),
      last: z.int().nullable(),
      digest: z.string().meta({ description: "Of the last entry; the arbiter's log has it, too." }),
      faults: z.array(
        z.strictObject({
          kind: z.enum(faultKinds),
          n: z.int().nullable().meta({ description: "The entry's number; null: the head." }),
          why: z.string(),
        }),
      ),
    }),
  ),
});

const doneSchema = z.strictObject({ done: z.string() });

const untilShape = {
  reason,
  forMs: z.int().min(1_000).max(31_536_000_000).optional().meta({ description: "Ends by itself after so long." }),
};

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

export const bodies = {
  init: z.strictObject({
    sites: z
      .array(z.string().regex(/^[a-z0-9-]{1,32}$/))
      .min(1)
      .max(5),
    reason: reason.optional(),
  }),
  reason: z.strictObject({ reason }),
  weight: z.strictObject({
    reason,
    weight: z
      .int()
      .min(0)
      .max(100)
      .meta({ description: "Of the clients' messages, in per cent of what it could take." }),
  }),
  until: z.strictObject(untilShape),
  adopt: z.strictObject({
    reason,
    brokers: z
      .array(
        z.strictObject({
          id: brokerId,
          address: z
            .string()
            .regex(/^\S+:\d{1,5}$/)
            .optional()
            .meta({ description: "host:port; needed for one that is not heard." }),
        }),
      )
      .min(1)
      .max(100)
      .meta({ description: "All brokers of the set." }),
    master: brokerId.optional().meta({ description: "Left out: who acts as master, else the furthest." }),
    force: z.boolean().default(false).meta({ description: "Even if it may lack messages." }),
  }),
  recover: z.strictObject({
    reason,
    master: brokerId.optional().meta({ description: "Left out: the one with the most progress." }),
    force: z.boolean().default(false).meta({ description: "Even one that may lack messages." }),
  }),
  switch: z.strictObject({
    reason,
    to: z.string().trim().min(1).max(200).meta({ description: "A broker's id, its address or its host, or an IDC." }),
    dryRun: z.boolean().default(false).meta({ description: "Only say whether it would begin, and to whom." }),
  }),
  policies: z.strictObject({
    reason: reason.optional().meta({ description: "Needed unless dryRun." }),
    policies: z.array(z.unknown()).meta({ description: "docs/config.md has the keys." }),
  }),
  replay: z.strictObject({
    policy: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: "Keys that differ from the recorded policy." }),
  }),
} as const;

export type StatusReport = z.output<typeof statusSchema>;
export type SiteReport = z.output<typeof siteSchema>;
export type SetSummary = z.output<typeof setSummarySchema>;
export type UnrecordedReport = z.output<typeof unrecordedSchema>;
export type SetReport = z.output<typeof setSchema>;
export type BrokerReport = z.output<typeof brokerSchema>;
export type ProtectionReport = z.output<typeof protectionSchema>;
export type PolicyReport = z.output<typeof policySchema>;
export type DecisionSummary = z.output<typeof decisionSummarySchema>;
export type DecisionReport = z.output<typeof decisionSchema>;
export type ExplanationReport = z.output<typeof explanationSchema>;
export type ReplayReport = z.output<typeof replaySchema>;
export type PoliciesReport = z.output<typeof policiesSchema>;
export type PolicyChangeReport = z.output<typeof policyChangeSchema>;
export type LedgerReport = z.output<typeof ledgerSchema>;
export type AuditReport = z.output<typeof auditSchema>;
export type AuditVerifyReport = z.output<typeof auditVerifySchema>;
export type DoneReport = z.output<typeof doneSchema>;
