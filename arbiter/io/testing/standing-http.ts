import { silentLogger } from "#lib/log.ts";
import { createMetrics } from "../../metrics.ts";
import { createArbiterHttp } from "../http.ts";
import type { Standing } from "./standing.ts";

/** The HTTP door before it. */
export function createStandingHttp(standing: Standing): ReturnType<typeof createArbiterHttp> {
  return createArbiterHttp({
    listen: "127.0.0.1:0",
    log: silentLogger,
    daemon: standing,
    metrics: createMetrics("prod"),
    newId: () => "i-2",
  });
}
