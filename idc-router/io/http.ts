import type { FastifyInstance } from "fastify";
import type { Clock } from "#lib/clock.ts";
import { createHttp } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import { createRateLimit } from "#lib/rate.ts";
import type { Clients } from "../core/clients.ts";
import type { BootstrapCluster } from "../core/kafka.ts";
import type { RouterDaemon } from "../daemon.ts";
import { refreshGauges } from "../gauges.ts";
import type { Count, RouterMetrics } from "../metrics.ts";
import { liveChecks, readyChecks } from "./health.ts";
import { allocationRoutes, allocationsPath } from "./http-allocations.ts";
import { badRequest, sendAway } from "./http-errors.ts";
import { answerKnown } from "./http-known.ts";
import { readRoutes } from "./http-reads.ts";
import { routeRoutes } from "./http-routes.ts";
import { telemetryPath, telemetryRoutes } from "./http-telemetry.ts";
import { openapi } from "./openapi.ts";
import type { RouteTexts } from "./route-texts.ts";
import type { Subscribers } from "./subscribers.ts";

export interface RouterHttpOptions {
  readonly listen: string;
  readonly site: string;
  readonly version: string;
  readonly daemon: Pick<RouterDaemon, "state" | "table" | "moment" | "lastStepAt" | "lagMs">;
  readonly metrics: RouterMetrics;
  readonly texts: RouteTexts;
  readonly subscribers: Subscribers;
  readonly clients: Clients;
  /** By name, of every kind. */
  readonly clusters: ReadonlyMap<string, BootstrapCluster>;
  /** Name server doors by IDC. */
  readonly doors: Readonly<Record<string, readonly string[]>>;
  readonly idcs: readonly string[];
  readonly orderOf: (idc: string) => readonly string[];
  /** Never "". */
  readonly callerIdc: (address: string) => string;
  /** False: no name server answers. */
  readonly lookUp: (topic: string, signal: AbortSignal) => Promise<boolean>;
  readonly requestsPerSecond: number;
  readonly subscribersMax: number;
  readonly connections: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A loop that is later than this has too much to do: whoever asks for a route is sent away for a second. */
const lagMsMax = 1_000;
/** What people and Prometheus ask for is answered even then. */
const alwaysServed = new Set(["/livez", "/readyz", "/metrics", "/v1/status"]);

/** What openapi.json lists, and /livez, /readyz, /metrics. Nothing here changes anything. */
export function createRouterHttp(options: RouterHttpOptions): FastifyInstance {
  const { daemon, metrics, version, site, subscribers, subscribersMax } = options;
  const doors = () => ({ nameserver: options.connections(), ...subscribers.counts() });
  metrics.series.onRender(() =>
    refreshGauges(metrics.series, daemon, { version, site, subscribersMax, doors, clients: options.clients }),
  );
  const rate = createRateLimit({ perSecond: options.requestsPerSecond, clock: options.clock });
  const counts = new Map<number, Count>();
  const answered = (status: number): void => {
    let count = counts.get(status);
    if (count === undefined) {
      count = metrics.requestCount("http", String(status));
      counts.set(status, count);
    }
    count.value += 1;
  };
  const known = answerKnown({ ...options, take: rate.take, answered });
  const http = createHttp({
    listen: options.listen,
    log: options.log,
    live: () => liveChecks(daemon),
    ready: () => readyChecks(daemon),
    metrics: metrics.series,
    asks: new Set([allocationsPath, telemetryPath]),
    first: (request, response) => daemon.lagMs <= lagMsMax && known(request, response),
  });
  http.addHook("onRequest", (request, reply, done) => {
    if (alwaysServed.has(request.routeOptions.url ?? "")) done();
    else if (!rate.take(request.ip)) {
      const message = `More than ${options.requestsPerSecond} requests a second from here`;
      sendAway(reply, 429, "RTR_TOO_OFTEN", message).catch(done);
    } else if (daemon.lagMs > lagMsMax) {
      sendAway(reply, 503, "RTR_OVERLOADED", `This router is ${Math.round(daemon.lagMs)} ms behind`).catch(done);
    } else {
      const repeated = repeatedIn(request.query as Readonly<Record<string, unknown>>);
      if (repeated === undefined) done();
      else done(badRequest("RTR_REPEATED", `${repeated}= is given more than once`, "Give each parameter once"));
    }
  });
  http.addHook("onResponse", (_request, { statusCode }, done) => {
    answered(statusCode);
    done();
  });
  http.get("/openapi.json", async () => openapi(version));
  readRoutes(http, options);
  routeRoutes(http, options);
  allocationRoutes(http, options);
  telemetryRoutes(http, options);
  return http;
}

/** The name of a parameter that has several values. */
function repeatedIn(query: Readonly<Record<string, unknown>>): string | undefined {
  for (const name in query) if (typeof query[name] !== "string") return name;
  return undefined;
}
