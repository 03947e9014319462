import type { FastifyInstance } from "fastify";
import type { Clock } from "#lib/clock.ts";
import { OperatorError } from "#lib/errors.ts";
import { assertLocal, createHttp, type HealthCheck } from "#lib/http.ts";
import type { Logger } from "#lib/log.ts";
import type { LinkProgress } from "../core/link-events.ts";
import type { LinkDaemon } from "../link-daemon.ts";
import type { Metrics } from "../metrics.ts";
import { reportDrift, reportDriftData, reportExplanation, reportLink, reportSurvey } from "./report.ts";

/** The loop ticks every 200 ms; silent for so long it hangs. */
const stepAgeMaxMs = 5_000;
/** A plan or a verify of a very large tree. */
const surveyTimeoutMs = 300_000;
const explainTimeoutMs = 5_000;

/** Writing or taking away a pause in the target. */
/** A full journal has 16 MiB. */
const driftTimeoutMs = 30_000;
const changeTimeoutMs = 10_000;

type OneLink = { Params: { link: string } };
type Change = OneLink & { Body: Record<string, unknown> | null };

/**
 * GET /v1/links, /v1/links/:link, …/plan, …/verify, …/explain?path=, …/drift, …/drift/:id; health and metrics.
 * POST …/compare, …/accept-deletes, …/pause, …/resume, …/init: each but the first with a `reason`, which is logged.
 */
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
    throw refused(
      404,
      new OperatorError("REP_NO_LINK", `There is no link ${JSON.stringify(name)}`, {
        hint: `Links here: ${links.map((one) => one.name).join(", ")}`,
      }),
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
      throw refused(
        400,
        new OperatorError("REP_BAD_PATH", `Cannot explain ${JSON.stringify(path ?? "")}: it is no absolute path`, {
          hint: "Give a path of the source, for example /zms/topic/orders",
        }),
      );
    }
    return reportExplanation(await find(params.link).explain(path, AbortSignal.timeout(explainTimeoutMs)));
  });
  http.get<OneLink>("/v1/links/:link/drift", async (request) => {
    assertLocal(request, "The drift journal");
    const { link } = request.params;
    return { link, entries: (await find(link).drift(AbortSignal.timeout(driftTimeoutMs))).map(reportDrift) };
  });
  http.get<OneLink & { Params: { id: string } }>("/v1/links/:link/drift/:id", async (request) => {
    assertLocal(request, "The drift journal");
    const { link, id } = request.params;
    const entry = await find(link).driftEntry(id, AbortSignal.timeout(driftTimeoutMs));
    if (entry !== undefined) return reportDriftData(entry);
    throw refused(
      404,
      new OperatorError("REP_NO_DRIFT", `The journal of link ${link} has no entry ${JSON.stringify(id)}`, {
        hint: `idcctl link drift ${link} lists them; the oldest make room for new ones`,
      }),
    );
  });
  http.post<OneLink>("/v1/links/:link/compare", async ({ params }, reply) => {
    find(params.link).compare();
    await reply.code(202).send({ asked: "compare" });
  });
  http.post<Change>("/v1/links/:link/accept-deletes", async ({ params, body }, reply) => {
    const link = find(params.link);
    const reason = reasonOf(body, "Accepting deletes");
    const { held } = link.status().brake;
    if (typeof body?.["held"] === "number" && held > body["held"]) {
      throw refused(
        409,
        new OperatorError("REP_MORE_HELD", `The brake holds ${held} deletes by now, not ${body["held"]}`, {
          hint: `Look again: idcctl link plan ${link.name}. A source that is still losing nodes is no reason to accept`,
        }),
      );
    }
    options.log.warn({ link: link.name, held, reason }, "operator accepts held deletes");
    link.acceptDeletes();
    await reply.code(202).send({ accepted: held });
  });
  http.post<Change>("/v1/links/:link/pause", async ({ params, body }, reply) => {
    const link = find(params.link);
    const reason = reasonOf(body, "A pause");
    options.log.warn({ link: link.name, reason }, "operator pauses the link");
    await link.pause(reason, AbortSignal.timeout(changeTimeoutMs));
    await reply.code(202).send({ paused: link.name });
  });
  http.post<Change>("/v1/links/:link/resume", async ({ params, body }, reply) => {
    const link = find(params.link);
    const reason = reasonOf(body, "Resuming");
    const sourceWins = body?.["sourceWins"] === true;
    await obeyed(link.resume({ sourceWins }, AbortSignal.timeout(changeTimeoutMs)));
    options.log.warn({ link: link.name, sourceWins, reason }, "operator resumes the link");
    await reply.code(202).send({ resumed: link.name });
  });
  http.post<Change>("/v1/links/:link/init", async ({ params, body }, reply) => {
    const link = find(params.link);
    const reason = reasonOf(body, "A new fence");
    await obeyed((async () => link.init())());
    options.log.warn({ link: link.name, reason }, "operator makes a new fence");
    await reply.code(202).send({ initialised: link.name });
  });
  return http;
}

function refused(statusCode: number, error: OperatorError): OperatorError {
  return Object.assign(error, { statusCode });
}

/** What the link's state forbids is a conflict, not our fault. */
async function obeyed(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    throw error instanceof OperatorError ? refused(409, error) : error;
  }
}

function reasonOf(body: Change["Body"], what: string): string {
  const reason = body?.["reason"];
  if (typeof reason === "string" && reason.trim() !== "") return reason;
  throw refused(
    400,
    new OperatorError("REP_NO_REASON", `${what} needs a reason`, { hint: 'Send {"reason": "…"}; it is logged' }),
  );
}

function liveCheck(link: LinkDaemon, now: number): HealthCheck {
  const ageMs = Math.round(now - link.lastStepAt);
  return { name: `link ${link.name}`, ok: ageMs < stepAgeMaxMs, detail: `last step ${ageMs} ms ago` };
}

function readyCheck(link: LinkDaemon): HealthCheck {
  return { name: `link ${link.name}`, ok: isReady(link.progress()), detail: describeState(link.progress()) };
}

/** It follows, or waits for another replicator that does, or stands still because an operator wants it so. */
function isReady({ phase, leader }: LinkProgress): boolean {
  return phase === "following" || phase === "paused" || (phase === "standby" && leader !== undefined);
}

function describeState({ phase, leader, pause, stopped, pending, brake }: LinkProgress): string {
  if (stopped !== undefined) return `stopped: ${stopped.code}: ${stopped.detail}`;
  if (phase === "paused") return `paused: ${pause?.reason ?? ""}`;
  if (phase === "standby") return `standby, ${leader ?? "nobody"} leads`;
  return `${phase}, ${pending} pending${brake.engaged ? `, delete brake holds ${brake.held}` : ""}`;
}
