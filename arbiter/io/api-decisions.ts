import { z } from "zod";
import { effectNames } from "../core/decision.ts";
import { at, brokerId, epoch } from "./api-values.ts";

/** Reports on decisions. */

export const effectSchema = z.strictObject({ effect: z.enum(effectNames), site: z.string(), at, detail: z.string() });

export const decisionSummarySchema = z.strictObject({
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

export const decisionSchema = z.strictObject({
  ...decisionSummarySchema.shape,
  record: z.unknown().meta({ description: "The decision record as it stands in the ledger: input, verdict, effects." }),
});

export const explanationSchema = z.strictObject({ id: z.string(), lines: z.array(z.string()) });

export const replaySchema = z.strictObject({
  id: z.string(),
  same: z.boolean().meta({ description: "The verdict is the recorded one, to the byte." }),
  recorded: z.unknown(),
  replayed: z.unknown(),
});

export type DecisionSummary = z.output<typeof decisionSummarySchema>;
export type DecisionReport = z.output<typeof decisionSchema>;
export type ExplanationReport = z.output<typeof explanationSchema>;
export type ReplayReport = z.output<typeof replaySchema>;
