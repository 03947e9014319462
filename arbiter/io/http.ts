import type { FastifyInstance } from "fastify";
import { createHttp } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import { leaderOf } from "../core/leader.ts";
import type { ArbiterDaemon } from "../daemon.ts";
import { refreshGauges } from "../gauges.ts";
import type { ArbiterMetrics } from "../metrics.ts";
import { liveChecks, readyChecks } from "./health.ts";
import { auditRoutes } from "./http-audit.ts";
import { changeRoutes } from "./http-changes.ts";
import { readRoutes } from "./http-reads.ts";
import { openapi } from "./openapi.ts";

/** What the door needs of the daemon. */
export type HttpDaemon = Pick<
  ArbiterDaemon,
  "core" | "moment" | "lastStepAt" | "operate" | "decisions" | "decision" | "auditChain" | "ledgerHealth"
>;

export interface ArbiterHttpOptions {
  readonly log: Logger;
  readonly daemon: HttpDaemon;
  readonly metrics: ArbiterMetrics;
  /** For the ledger's incarnation. */
  readonly newId: () => string;
}

/**
 * What openapi.json lists, and /livez, /readyz, /metrics. What changes something is accepted from this machine only, needs a
 * `reason`, and has its entry in the audit log.
 */
export function createArbiterHttp(options: ArbiterHttpOptions & { readonly listen: string }): FastifyInstance {
  const { daemon, metrics } = options;
  metrics.series.onRender(() => refreshGauges(metrics.series, daemon));
  const http = createHttp({
    listen: options.listen,
    log: options.log,
    live: () => liveChecks(daemon),
    ready: () => readyChecks(daemon),
    metrics: metrics.series,
  });
  http.get("/leader", async (_request, reply) => {
    const context = daemon.core.context(daemon.moment());
    const leader = leaderOf(context);
    const isHere = leader === context.options.site;
    await reply
      .code(isHere ? 200 : 503)
      .type("text/plain; charset=utf-8")
      .send(`${leader ?? "none"}\n`);
  });
  http.get("/openapi.json", async () => openapi(daemon.core.context(daemon.moment()).options.version));
  readRoutes(http, options);
  auditRoutes(http, options);
  changeRoutes(http, options);
  return http;
}
