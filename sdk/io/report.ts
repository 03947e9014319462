import type { TelemetryReport } from "../../lib/telemetry.ts";

/** POST /v1/telemetry. True: the router has it, or is of a kind that never takes it. @throws when it does not answer */
export async function postReport(
  router: string,
  report: TelemetryReport,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<boolean> {
  const response = await fetch(`${router}/v1/telemetry`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(report),
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body?.cancel();
  return response.ok || (response.status >= 400 && response.status < 500 && response.status !== 429);
}
