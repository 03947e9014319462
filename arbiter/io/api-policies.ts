import { z } from "zod";
import { policySchema, protectionSchema } from "./api-sets.ts";

/** Reports on policies, and on what other ones would change. */

export const policiesSchema = z.strictObject({
  policies: z.array(z.unknown()),
  sets: z.array(z.strictObject({ name: z.string(), policy: policySchema })),
});

export const policyChangeSchema = z.strictObject({
  applied: z.boolean(),
  sets: z.array(
    z.strictObject({
      name: z.string(),
      changes: z.array(z.string()).meta({ description: "key: before -> after" }),
      protection: protectionSchema.meta({ description: "Under the new policies." }),
    }),
  ),
});

export type PoliciesReport = z.output<typeof policiesSchema>;
export type PolicyChangeReport = z.output<typeof policyChangeSchema>;
