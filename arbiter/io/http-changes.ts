import type { FastifyInstance, FastifyRequest } from "fastify";
import { OperatorError } from "#lib/errors.ts";
import { setName } from "../core/model.ts";
import type { OperatorRequest } from "../core/operator-messages.ts";
import { parsePolicies } from "../core/policy.ts";
import type { DoneReport } from "./api.ts";
import { bodies } from "./api-bodies.ts";
import type { PolicyChangeReport } from "./api-policies.ts";
import type { ArbiterHttpOptions } from "./http.ts";
import { badRequest, readBody, refused } from "./http-errors.ts";
import { findSet, type OneSet } from "./http-reads.ts";
import { reportPolicyChange } from "./report-policy.ts";
import { whoOf } from "./who.ts";

const changeTimeoutMs = 10_000;
/** The policies of a thousand sets. */
const policyBytesMax = 300_000;

interface OneBroker {
  readonly Params: OneSet["Params"] & { readonly broker: string };
}

/** Each is one request to the core, which answers when the ledger has it. */
export function changeRoutes(http: FastifyInstance, { daemon, log, newId }: ArbiterHttpOptions): void {
  const { core } = daemon;
  const operate = async (
    from: FastifyRequest,
    request: OperatorRequest,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<DoneReport> => {
    const who = whoOf(from);
    const answer = await daemon.operate(request, { who, signal: AbortSignal.timeout(changeTimeoutMs) });
    if (answer.kind === "done") {
      log.warn({ change: request.kind, who, ...fields, done: answer.detail }, "operator changed something");
      return { done: answer.detail };
    }
    log.warn({ change: request.kind, who, ...fields, code: answer.code, why: answer.message }, "operator was refused");
    const { code, message, hint } = answer;
    throw refused(statusOf(code), new OperatorError(code, message, { hint }));
  };
  const untilOf = (forMs: number | undefined): number | null =>
    forMs === undefined ? null : daemon.moment().wall + forMs;

  const drainOf = (params: OneBroker["Params"], reason: string, drained: boolean) => {
    const { name: set } = findSet(core.state.mirror.sets, params);
    if (!/^\d{1,9}$/.test(params.broker))
      throw badRequest("ARB_NO_BROKER", `${params.broker} is no broker id`, `idcctl set show ${set} has them`);
    const broker = Number(params.broker);
    return [
      { kind: "drainBroker", set, broker, drained, reason },
      { set, broker, drained, reason },
    ] as const;
  };

  http.post("/v1/init", async (request) => {
    const { body } = request;
    const { sites, reason = "" } = readBody(bodies.init, body);
    return operate(request, { kind: "init", sites, incarnation: newId(), reason }, { sites, reason });
  });
  http.post("/v1/pause", async (request) => {
    const { body } = request;
    const { reason, forMs } = readBody(bodies.until, body);
    return operate(request, { kind: "pause", reason, untilWall: untilOf(forMs) }, { reason, forMs });
  });
  http.post("/v1/resume", async (request) => {
    const { body } = request;
    const { reason } = readBody(bodies.reason, body);
    return operate(request, { kind: "resume", reason }, { reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/freeze", async (request) => {
    const { params, body } = request;
    const { reason, forMs } = readBody(bodies.until, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate(request, { kind: "freeze", set, reason, untilWall: untilOf(forMs) }, { set, reason, forMs });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/unfreeze", async (request) => {
    const { params, body } = request;
    const { reason } = readBody(bodies.reason, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate(request, { kind: "unfreeze", set, reason }, { set, reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/adopt", async (request) => {
    const { params, body } = request;
    const { reason, brokers: named, master = null, force } = readBody(bodies.adopt, body);
    const brokers = named.map(({ id, address = null }) => ({ id, address }));
    const set = setName(params.cluster, params.set);
    return operate(
      request,
      { kind: "adopt", set, brokers, master, reason, force },
      { set, brokers, master, force, reason },
    );
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/recover", async (request) => {
    const { params, body } = request;
    const { reason, master = null, force } = readBody(bodies.recover, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate(request, { kind: "recover", set, master, reason, force }, { set, master, force, reason });
  });
  http.post<OneSet>("/v1/sets/:cluster/:set/switch", async (request) => {
    const { params, body } = request;
    const { reason, to, dryRun } = readBody(bodies.switch, body);
    const { name: set } = findSet(core.state.mirror.sets, params);
    return operate(request, { kind: "switch", set, to, reason, dryRun }, { set, to, dryRun, reason });
  });
  http.post<OneBroker>("/v1/sets/:cluster/:set/brokers/:broker/drain", async (request) => {
    const { params, body } = request;
    return operate(request, ...drainOf(params, readBody(bodies.reason, body).reason, true));
  });
  http.post<OneBroker>("/v1/sets/:cluster/:set/brokers/:broker/undrain", async (request) => {
    const { params, body } = request;
    return operate(request, ...drainOf(params, readBody(bodies.reason, body).reason, false));
  });
  for (const [verb, state] of [
    ["drain", "drained"],
    ["activate", "active"],
  ] as const) {
    http.post<{ Params: { readonly idc: string } }>(`/v1/idcs/:idc/${verb}`, async (request) => {
      const { idc } = request.params;
      const { reason } = readBody(bodies.reason, request.body);
      return operate(request, { kind: "idc", idc, state, reason }, { idc, state, reason });
    });
  }
  http.post<{ Params: { readonly idc: string } }>("/v1/idcs/:idc/weight", async (request) => {
    const { idc } = request.params;
    const { weight, reason } = readBody(bodies.weight, request.body);
    return operate(request, { kind: "idc", idc, weight, reason }, { idc, weight, reason });
  });
  http.put<{ Querystring: { dryRun?: string } }>(
    "/v1/policies",
    { bodyLimit: policyBytesMax },
    async (request): Promise<PolicyChangeReport> => {
      const { body, query } = request;
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
      await operate(request, { kind: "applyPolicies", text, reason }, { reason, policies: policies.length });
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
    case "ARB_NO_IDC":
    case "ARB_NO_BROKER":
      return 404;
    case "ARB_POLICY":
    case "ARB_SITES":
      return 400;
    default:
      return 409;
  }
}
