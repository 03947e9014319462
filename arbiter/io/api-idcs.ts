import { z } from "zod";
import { idcStates } from "../core/model.ts";
import { at, brokerId } from "./api-values.ts";

/** Reports on what operators want of IDCs and brokers, and on the masters that would move for it. */

const set = z.string().meta({ description: "cluster/set" });

export const idcsSchema = z.strictObject({
  idcs: z.array(
    z.strictObject({
      idc: z.string(),
      state: z.enum(idcStates),
      weight: z.number().meta({ description: "Of the clients' messages, in per cent; for routers." }),
      epoch: z.int().min(0).meta({ description: "0: nobody has said anything of it." }),
      reason: z.string(),
      at: at.nullable(),
      brokers: z.int(),
      masters: z.int(),
    }),
  ),
  drained: z
    .array(z.strictObject({ set, broker: brokerId, reason: z.string(), at }))
    .meta({ description: "Single brokers." }),
});

export const movesSchema = z.strictObject({
  moves: z.array(z.strictObject({ set, from: brokerId, to: brokerId, why: z.string() })),
  stays: z
    .array(z.strictObject({ set, master: brokerId, why: z.string() }))
    .meta({ description: "Masters that are to move, and cannot now." }),
});

export type IdcsReport = z.output<typeof idcsSchema>;
export type MovesReport = z.output<typeof movesSchema>;
