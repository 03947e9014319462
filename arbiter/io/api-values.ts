import { z } from "zod";

/** Values that several reports have. */

export const at = z.iso.datetime().meta({ description: "Wall time, for people." });
export const ageMs = z.number().min(0);
export const decimal = z.string().regex(/^-?\d+$/);
export const brokerId = z.int().min(0);
export const epoch = z.int().min(0);
