import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type TelemetryAnswer, telemetryRequestSchema } from "./api.ts";
import type { RouterHttpOptions } from "./http.ts";
import { badRequest } from "./http-errors.ts";

export const telemetryPath = "/v1/telemetry";

/** Clients with the SDK say what they sent and consumed, and how long it took. It ends up in the metrics, and nowhere else. */
export function telemetryRoutes(http: FastifyInstance, { clients, metrics, daemon, idcs }: RouterHttpOptions): void {
  const known = new Set(idcs);
  /** Clients may say anything: labels come from the config. */
  const labelOf = (idc: string): string => (known.has(idc) ? idc : "other");

  http.post(telemetryPath, async (request): Promise<TelemetryAnswer> => {
    const parsed = telemetryRequestSchema.safeParse(request.body);
    if (!parsed.success) throw badRequest("RTR_BAD_TELEMETRY", z.prettifyError(parsed.error), "See /openapi.json");
    const report = parsed.data;
    const from = labelOf(report.idc);
    const counted = clients.heard({ ...report, idc: from }, daemon.moment().now);
    if (counted) {
      for (const { idc, ...produced } of report.produced) metrics.produced({ from, to: labelOf(idc) }, produced);
      for (const { idc, ...consumed } of report.consumed) metrics.consumed({ from, to: labelOf(idc) }, consumed);
    }
    return { counted };
  });
}
