import { z } from "zod";
import { actNames } from "../core/audit.ts";
import { faultKinds } from "../core/audit-faults.ts";
import { at, decimal } from "./api-values.ts";

/** Reports on the audit log. */

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

export const auditSchema = z.strictObject({ entries: z.array(auditEntrySchema) });

export const auditVerifySchema = z.strictObject({
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

export type AuditReport = z.output<typeof auditSchema>;
export type AuditVerifyReport = z.output<typeof auditVerifySchema>;
