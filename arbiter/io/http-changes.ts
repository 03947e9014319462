import type { FastifyInstance } from "fastify";
import { OperatorError } from "#lib/errors.ts";
import type { OperatorRequest } from "../core/events.ts";
import { parsePolicies } from "../core/policy.ts";
import { bodies, type DoneReport, type PolicyChangeReport } from "./api.ts";
import type { ArbiterHttpOptions } from "./http.ts";
import { badRequest, readBody, refused } from "./http-errors.ts";
import { findSet, type OneSet } from "./http-reads.ts";
import { reportPolicyChange } from "./report-policy.ts";

const changeTimeoutMs = 10_000;
/** The policies of a thousand sets. */
const policyBytesMax = 300_000;

/** Each is one request to the core, which answers when the ledger has it. */
export function changeRoutes(http: FastifyInstance, { daemon, log, newId }: ArbiterHttpOptions): void {
  const { core } = daemon;
  const operate = async (request: OperatorRequest, fields: Readonly<Record<string, unknown>>): Promise<DoneReport> => {
    const answer = await daemon.operate(request, AbortSignal.timeout(changeTimeoutMs));
    if (answer.kind === "done") {
      log.warn({ change: request.kind, ...fields, done: answer.detail }, "operator changed something");
      return { done: answer.detail };
    }
    log.warn({ change: request.kind, ...fields, code: answer.code, why: answer.message }, "operator was refused");
    const { code, message, hint } = answer;
    throw refused(statusOf(code), new OperatorError(code, message, { hint }));
  };
  const untilOf = (forMs: number | undefined): number | null =>
    forMs === undefined ? null : daemon.moment().wall + forMs;

  http.post("/v1/init", async ({ body }) => {
    const { sites, reason } = readBody(bodies.init, body);
    return operate({ kind: "init", sites, incarnation: newId() }, { sites, reason });
  });
  http.post("/v1/pause", async ({ body }) => {
    const { reason, forMs } = readBody(bodies.until, body);
    return operate({ kind: "pause", reason, untilWall: untilOf(forMs) }, { reason, forMs });
  });
  http.post("/v1/resume", async ({ body }) => {
    const { reason } = readBody(bodies.reason, body);
    return operate({ kind: "resume", reason }, { reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/freeze", async ({ params, body }) => {
    const { reason, forMs } = readBody(bodies.until, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate({ kind: "freeze", set, reason, untilWall: untilOf(forMs) }, { set, reason, forMs });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/unfreeze", async ({ params, body }) => {
    const { reason } = readBody(bodies.reason, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate({ kind: "unfreeze", set, reason }, { set, reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/recover", async ({ params, body }) => {
    const { reason, master = null, force } = readBody(bodies.recover, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate({ kind: "recover", set, master, reason, force }, { set, master, force, reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/switch", async ({ params, body }) => {
    const { reason, to, dryRun } = readBody(bodies.switch, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate({ kind: "switch", set, to, reason, dryRun }, { set, to, dryRun, reason });
  });
  http.put<{ Querystring: { dryRun?: string } }>(
    "/v1/policies",
    { bodyLimit: policyBytesMax },
    async ({ body, query }): Promise<PolicyChangeReport> => {
      const { policies, reason } = readBody(bodies.policies, body);
      const text = JSON.stringify({ policies });
      const parsed = parsePolicies(text);
      if (parsed.kind === "bad") {
        throw badRequest(
          "ARB_POLICY",
          `The policies cannot be used:\n  ${parsed.problems.join("\n  ")}`,
          "Mend them and apply again",
        );
      }
      const dryRun = query.dryRun !== undefined;
      const report = reportPolicyChange(parsed.policies, !dryRun, core.context(daemon.moment()));
      if (dryRun) return report;
      if (reason === undefined)
        throw badRequest("ARB_BAD_BODY", "Policies need a reason", 'Send {"reason": "…"}; it is logged');
      await operate({ kind: "applyPolicies", text }, { reason, policies: policies.length });
      return report;
    },
  );
}

/** Without a quorum another arbiter may do it; what the ledger's state forbids is a conflict. */
function statusOf(code: string): number {
  switch (code) {
    case "ARB_NO_QUORUM":
    case "ARB_LEDGER_UNANSWERED":
      return 503;
    case "ARB_NO_SET":
      return 404;
    case "ARB_POLICY":
    case "ARB_SITES":
      return 400;
    default:
      return 409;
  }
}
