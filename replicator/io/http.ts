import type { FastifyInstance } from "fastify";
import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import { createHttp, type HealthCheck } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import type { LinkDaemon } from "../link-daemon.ts";
import type { Metrics } from "../metrics.ts";
import { reportExplanation, reportLink, reportSurvey } from "./report.ts";

/** The loop ticks every 200 ms; silent for so long it hangs. */
const stepAgeMaxMs = 5_000;
/** A plan or a verify of a very large tree. */
const surveyTimeoutMs = 300_000;
const explainTimeoutMs = 5_000;

type OneLink = { Params: { link: string } };

/** GET /v1/links, /v1/links/:link, …/plan, …/verify, …/explain?path=; POST …/compare, …/accept-deletes; health and metrics. */
export function createReplicatorHttp(options: {
  listen: string;
  log: Logger;
  clock: Clock;
  metrics: Metrics;
  links: readonly LinkDaemon[];
}): FastifyInstance {
  const { clock, links } = options;
  const http = createHttp({
    ...options,
    live: () => links.map((link) => liveCheck(link, clock.now())),
    ready: () => links.map(readyCheck),
  });
  const find = (name: string): LinkDaemon => {
    const link = links.find((one) => one.name === name);
    if (link !== undefined) return link;
    throw Object.assign(
      new OperatorError("REP_NO_LINK", `There is no link ${JSON.stringify(name)}`, {
        hint: `Links here: ${links.map((one) => one.name).join(", ")}`,
      }),
      { statusCode: 404 },
    );
  };

  http.get("/v1/links", async () => ({ links: links.map((link) => reportLink(link, clock.now())) }));
  http.get<OneLink>("/v1/links/:link", async ({ params }) => reportLink(find(params.link), clock.now()));
  http.get<OneLink>("/v1/links/:link/plan", async ({ params }) =>
    reportSurvey(params.link, await find(params.link).plan(AbortSignal.timeout(surveyTimeoutMs))),
  );
  http.get<OneLink>("/v1/links/:link/verify", async ({ params }) =>
    reportSurvey(params.link, await find(params.link).verify(AbortSignal.timeout(surveyTimeoutMs))),
  );
  http.get<OneLink & { Querystring: { path?: string } }>("/v1/links/:link/explain", async ({ params, query }) => {
    const { path } = query;
    if (path === undefined || !path.startsWith("/")) {
      throw Object.assign(
        new OperatorError("REP_BAD_PATH", `Cannot explain ${JSON.stringify(path ?? "")}: it is no absolute path`, {
          hint: "Give a path of the source, for example /zms/topic/orders",
        }),
        { statusCode: 400 },
      );
    }
    return reportExplanation(await find(params.link).explain(path, AbortSignal.timeout(explainTimeoutMs)));
  });
  http.post<OneLink>("/v1/links/:link/compare", async ({ params }, reply) => {
    find(params.link).compare();
    await reply.code(202).send({ asked: "compare" });
  });
  http.post<OneLink & { Body: { reason?: unknown; held?: unknown } }>(
    "/v1/links/:link/accept-deletes",
    async ({ params, body }, reply) => {
      const link = find(params.link);
      const reason = body?.reason;
      if (typeof reason !== "string" || reason.trim() === "") {
        throw Object.assign(
          new OperatorError("REP_NO_REASON", "Accepting deletes needs a reason", {
            hint: 'Send {"reason": "…"}; it is logged',
          }),
          { statusCode: 400 },
        );
      }
      const { held } = link.status().brake;
      if (typeof body?.held === "number" && held > body.held) {
        throw Object.assign(
          new OperatorError("REP_MORE_HELD", `The brake holds ${held} deletes by now, not ${body.held}`, {
            hint: `Look again: idcctl link plan ${link.name}. A source that is still losing nodes is no reason to accept`,
          }),
          { statusCode: 409 },
        );
      }
      options.log.warn({ link: link.name, held, reason }, "operator accepts held deletes");
      link.acceptDeletes();
      await reply.code(202).send({ accepted: held });
    },
  );
  return http;
}

function liveCheck(link: LinkDaemon, now: number): HealthCheck {
  const ageMs = Math.round(now - link.lastStepAt);
  return { name: `link ${link.name}`, ok: ageMs < stepAgeMaxMs, detail: `last step ${ageMs} ms ago` };
}

function readyCheck(link: LinkDaemon): HealthCheck {
  const { phase, stopped, pending, brake } = link.status();
  const detail =
    stopped === undefined
      ? `${phase}, ${pending} pending${brake.engaged ? `, delete brake holds ${brake.held}` : ""}`
      : `stopped: ${stopped.code}: ${stopped.detail}`;
  return { name: `link ${link.name}`, ok: phase === "following", detail };
}
