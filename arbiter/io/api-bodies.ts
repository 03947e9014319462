import { z } from "zod";
import { brokerId } from "./api-values.ts";

/** What is sent in: its checks, and their text in openapi.json. */

const reason = z
  .string()
  .trim()
  .min(1, { error: "must say why; it is logged" })
  .max(1_000)
  .meta({ description: "Why. Goes to the log, and to the audit log: there its first 300 characters." });

const untilShape = {
  reason,
  forMs: z.int().min(1_000).max(31_536_000_000).optional().meta({ description: "Ends by itself after so long." }),
};

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
