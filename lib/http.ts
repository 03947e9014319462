import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { messageOf, OperatorError } from "./errors.ts";
import type { Logger } from "./log.ts";

/** One thing that must hold for a daemon to be live or ready. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface HttpOptions {
  /** host:port, an IPv6 address in brackets. */
  readonly listen: string;
  readonly log: Logger;
  /** Does the process make progress? */
  readonly live: () => readonly HealthCheck[];
  /** Can it do its work? */
  readonly ready: () => readonly HealthCheck[];
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  /** Paths of POST requests that change nothing: accepted from everywhere. */
  readonly asks?: ReadonlySet<string>;
  /** Answers a request before anything else here looks at it; false: it does not. For what is asked for by the ten thousand a second. */
  readonly first?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const bodyBytesMax = 64 * 1024;
const requestTimeoutMs = 10_000;
/** Topics may have 255; whoever reads a parameter checks it. */
const parameterCharactersMax = 1_024;
const runOnMachine = "Run idcctl on the machine of the daemon";
const loopback = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * The door all daemons have: GET /livez, /readyz (`?verbose` lists every check), /metrics. What changes something (any method
 * but GET and HEAD, and POST to `asks`) is accepted from this machine only, and neither through a proxy nor from a browser's page.
 */
export function createHttp(options: HttpOptions): FastifyInstance {
  const http = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    return503OnClosing: true,
    routerOptions: { maxParamLength: parameterCharactersMax },
  });
  if (options.first !== undefined) answerFirst(http, options.first, options.log);
  http.addHook("onRequest", (request, reply, done) => {
    const isAsking = request.method === "POST" && options.asks?.has(request.routeOptions.url ?? "") === true;
    const isOpen = request.method === "GET" || request.method === "HEAD" || isAsking;
    if (isOpen || isLocal(request)) done();
    else
      void reply
        .code(403)
        .send(errorBody("HTTP_NOT_LOCAL", "Changes are accepted from this machine only", runOnMachine));
  });
  http.setErrorHandler(async (error, request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? (error instanceof OperatorError ? 503 : 500);
    if (status >= 500) options.log.warn({ url: request.url, error: messageOf(error) }, "request failed");
    const known = error instanceof OperatorError;
    await reply
      .code(status)
      .send(errorBody(known ? error.code : "HTTP_FAILED", messageOf(error), known ? error.hint : ""));
  });
  http.setNotFoundHandler(async (request, reply) => {
    await reply
      .code(404)
      .send(
        errorBody(
          "HTTP_NOT_FOUND",
          `There is no ${request.method} ${request.url}`,
          "docs/operations.md lists what there is",
        ),
      );
  });
  for (const [path, checks] of [
    ["/livez", options.live],
    ["/readyz", options.ready],
  ] as const) {
    http.get<{ Querystring: { verbose?: string } }>(path, async (request, reply) => {
      const results = checks();
      const ok = results.every((check) => check.ok);
      const shown = request.query.verbose === undefined ? results.filter((check) => !check.ok) : results;
      const lines = shown.map((check) => `[${check.ok ? "+" : "-"}] ${check.name}: ${check.detail}`);
      await reply
        .code(ok ? 200 : 503)
        .type("text/plain; charset=utf-8")
        .send([...lines, ok ? "ok" : "not ok", ""].join("\n"));
    });
  }
  http.get("/metrics", async (_request, reply) => {
    await reply.type(options.metrics.contentType).send(await options.metrics.render());
  });
  return http;
}

/** Not while it closes, and not when that throws: whoever asks is answered as usual then. */
function answerFirst(http: FastifyInstance, first: NonNullable<HttpOptions["first"]>, log: Logger): void {
  let isClosing = false;
  http.addHook("preClose", (done) => {
    isClosing = true;
    done();
  });
  const { server } = http;
  const usual = server.listeners("request") as RequestListener[];
  const isAnswered: typeof first = (request, response) => {
    try {
      return first(request, response);
    } catch (error) {
      log.warn({ url: request.url, error: messageOf(error) }, "request failed");
      if (response.headersSent) response.destroy();
      return response.headersSent;
    }
  };
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (isClosing || !isAnswered(request, response)) for (const listen of usual) listen(request, response);
  });
}

/** From this machine, by loopback or by its own address, and neither through a proxy nor from a browser's page. */
function isLocal({ ip, headers, socket }: FastifyRequest): boolean {
  const isForwarded = ["origin", "forwarded", "x-forwarded-for"].some((name) => headers[name] !== undefined);
  return (loopback.has(ip) || ip === socket.localAddress) && !isForwarded;
}

/** For what is read, but not by everybody. @throws {OperatorError} HTTP_NOT_LOCAL, answered with 403 */
export function assertLocal(request: FastifyRequest, what: string): void {
  if (isLocal(request)) return;
  const error = new OperatorError("HTTP_NOT_LOCAL", `${what} is shown to this machine only`, { hint: runOnMachine });
  throw Object.assign(error, { statusCode: 403 });
}

/** Starts to listen. @throws {OperatorError} HTTP_LISTEN */
export async function listen(http: FastifyInstance, address: string): Promise<void> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  try {
    await http.listen({ host, port: Number(address.slice(colon + 1)) });
  } catch (cause) {
    throw new OperatorError("HTTP_LISTEN", `Cannot listen on ${address}: ${messageOf(cause)}`, {
      cause,
      hint: "Check http.listen in the config file, and whether another process has the port: ss -ltnp",
    });
  }
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

function errorBody(code: string, message: string, hint: string): ErrorBody {
  return { error: { code, message, hint } };
}
