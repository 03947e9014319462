import type { IncomingMessage, ServerResponse } from "node:http";
import type { RouterHttpOptions } from "./http.ts";
import { addressOf } from "./http-errors.ts";

export interface KnownRoutesOptions extends Pick<RouterHttpOptions, "texts" | "metrics" | "idcs" | "callerIdc"> {
  /** Counts a request of this client; false: it has asked too often. */
  readonly take: (host: string) => boolean;
  readonly answered: (status: number) => void;
}

/** As clients write it. What is written in another way, or has more to it, is read where everything is. */
const plainRoute = /^\/v1\/topics\/([\w.-]{1,255})\/route(?:\?(?:idc=([\w.-]+)(?=&|$))?(?:&?use=(produce|consume))?)?$/;

/**
 * Answers GET /v1/topics/{topic}/route itself when the route is there, as `routeRoutes` would: the same status, headers and text.
 * It is what thousands of clients ask for, and the way through fastify costs more than all the rest. False: it was not answered.
 */
export function answerKnown(
  options: KnownRoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { texts, metrics, idcs, callerIdc, take, answered } = options;
  return (request, response) => {
    if (request.method !== "GET" || request.headers["if-none-match"] !== undefined) return false;
    const [, topic, wanted, use = "produce"] = plainRoute.exec(request.url ?? "") ?? [];
    const { remoteAddress: host, remotePort: port } = request.socket;
    if (topic === undefined || host === undefined) return false;
    if (wanted !== undefined && !idcs.includes(wanted)) return false;
    const idc = wanted ?? callerIdc(addressOf(host, port));
    const text = texts.of(texts.keyFor({ topic, idc, use: use === "consume" ? use : "produce" }, host));
    if (text === undefined || !take(host)) return false;
    metrics.routeCount("http", { from: idc, to: text.chosen, stale: text.stale }).value += 1;
    answered(200);
    response.writeHead(200, {
      etag: text.etag,
      "content-type": "application/json; charset=utf-8",
      "content-length": text.bytes,
    });
    response.end(text.json);
    return true;
  };
}
