import type { FastifyInstance } from "fastify";
import { OperatorError } from "#lib/errors.ts";
import type { DecisionRecord } from "../core/decision.ts";
import { explainDecision, replayDecision } from "../core/explain.ts";
import { type SetName, type SetPolicy, setName } from "../core/model.ts";
import { type MoveWish, planMoves } from "../core/moves.ts";
import { parsePolicies } from "../core/policy.ts";
import type { SetView } from "../core/set-view.ts";
import type { LedgerReport, StatusReport } from "./api.ts";
import { bodies } from "./api-bodies.ts";
import type { DecisionReport, ExplanationReport, ReplayReport } from "./api-decisions.ts";
import type { IdcsReport, MovesReport } from "./api-idcs.ts";
import type { PoliciesReport } from "./api-policies.ts";
import type { SetReport } from "./api-sets.ts";
import type { ArbiterHttpOptions } from "./http.ts";
import { badRequest, readBody, refused } from "./http-errors.ts";
import { reportSets, reportStatus, reportUnrecorded } from "./report.ts";
import { reportDecision, summarizeDecision } from "./report-decision.ts";
import { reportIdcs } from "./report-idcs.ts";
import { reportPolicies } from "./report-policy.ts";
import { reportSet } from "./report-set.ts";

const ledgerTimeoutMs = 5_000;
const limitUsual = 20;
const decisionsMax = 200;

export interface OneSet {
  readonly Params: { readonly cluster: string; readonly set: string };
}
interface OneDecision {
  readonly Params: { readonly cluster: string; readonly set: string; readonly epoch: string };
}

export function readRoutes(http: FastifyInstance, { daemon }: ArbiterHttpOptions): void {
  const { core } = daemon;
  const context = () => core.context(daemon.moment());
  const patience = () => AbortSignal.timeout(ledgerTimeoutMs);

  http.get("/v1/status", async (): Promise<StatusReport> => reportStatus(context(), core.state.quorumAt));
  http.get("/v1/sets", async () => ({ sets: reportSets(context()), unrecorded: reportUnrecorded(context()) }));
  http.get<OneSet>("/v1/sets/:cluster/:set", async ({ params }): Promise<SetReport> => {
    return reportSet(findSet(core.state.mirror.sets, params), context());
  });
  http.get("/v1/policies", async (): Promise<PoliciesReport> => reportPolicies(context()));
  http.get("/v1/idcs", async (): Promise<IdcsReport> => reportIdcs(context()));
  http.get<{ Querystring: { idc?: string; set?: string; broker?: string } }>(
    "/v1/moves",
    async ({ query }): Promise<MovesReport> => {
      const { moves, stays } = planMoves(wishOf(query), context());
      return { moves: [...moves], stays: [...stays] };
    },
  );
  http.get("/v1/ledger", async (): Promise<LedgerReport> => {
    const { clusterId, members, alarms } = await daemon.ledgerHealth(patience());
    return {
      clusterId,
      members: members.map((member) => ({ ...member, dbBytes: String(member.dbBytes) })),
      alarms: [...alarms],
    };
  });

  http.get<{ Querystring: { set?: string; limit?: string } }>("/v1/decisions", async ({ query }) => {
    const found = await daemon.decisions(wantedSet(query.set), {
      limit: wantedLimit(query.limit, decisionsMax),
      signal: patience(),
    });
    return { decisions: found.map(summarizeDecision) };
  });
  const find = async ({ cluster, set, epoch }: OneDecision["Params"]): Promise<DecisionRecord> => {
    const name = setName(cluster, set);
    const found = await daemon.decision(`${name}/${epoch}`, patience());
    if (found !== null) return found;
    throw refused(
      404,
      new OperatorError("ARB_NO_DECISION", `There is no decision ${name}/${epoch} in the ledger`, {
        hint: `idcctl decision list ${name} shows them`,
      }),
    );
  };
  http.get<OneDecision>("/v1/decisions/:cluster/:set/:epoch", async ({ params }): Promise<DecisionReport> => {
    return reportDecision(await find(params));
  });
  http.get<OneDecision>(
    "/v1/decisions/:cluster/:set/:epoch/explain",
    async ({ params }): Promise<ExplanationReport> => {
      const decision = await find(params);
      return { id: decision.id, lines: explainDecision(decision) };
    },
  );
  http.post<OneDecision>(
    "/v1/decisions/:cluster/:set/:epoch/replay",
    async ({ params, body }): Promise<ReplayReport> => {
      const { policy } = readBody(bodies.replay, body);
      return replay(await find(params), policy);
    },
  );
}

/** The same pure function over the recorded input, under the recorded policy or another one (I11). */
function replay(decision: DecisionRecord, changes: Readonly<Record<string, unknown>> | undefined): ReplayReport {
  const { id, input, verdict: recorded } = decision;
  const policy = changes === undefined ? undefined : changed(input.policy, changes);
  const { same, verdict } = replayDecision(decision, policy);
  return { id, same, recorded: plain(recorded), replayed: plain(verdict) };
}

/** Read as strictly as policies are that an operator applies. */
function changed(policy: SetPolicy, changes: Readonly<Record<string, unknown>>): SetPolicy {
  const whole: Record<string, unknown> = {
    match: "*",
    ...policy,
    maxLostBytes: String(policy.maxLostBytes),
    ...changes,
  };
  if (whole["rpo"] !== "bounded" && changes["maxLostBytes"] === undefined) delete whole["maxLostBytes"];
  const parsed = parsePolicies(JSON.stringify({ policies: [whole] }));
  if (parsed.kind === "bad") {
    throw badRequest("ARB_POLICY", `The policy cannot be used: ${parsed.problems.join("; ")}`, "Give keys of a policy");
  }
  return parsed.policies[0]?.policy ?? policy;
}

/** 64-bit numbers as texts. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)),
  );
}

export function findSet(sets: ReadonlyMap<SetName, SetView>, { cluster, set }: OneSet["Params"]): SetView {
  const view = sets.get(setName(cluster, set));
  if (view !== undefined && view.record !== null) return view;
  throw refused(
    404,
    new OperatorError("ARB_NO_SET", `There is no set ${cluster}/${set}`, { hint: "idcctl set list shows them" }),
  );
}

function wantedSet(text: string | undefined): SetName | null {
  if (text === undefined) return null;
  const [cluster = "", set = "", ...rest] = text.split("/");
  if (cluster !== "" && set !== "" && rest.length === 0) return setName(cluster, set);
  throw badRequest("ARB_NO_SET", `${JSON.stringify(text)} names no set`, "Write cluster/set, for example C1/bs1");
}

function wishOf({ idc, set, broker }: { idc?: string; set?: string; broker?: string }): MoveWish {
  if (idc !== undefined) return { kind: "away-from-idc", idc };
  const name = wantedSet(set);
  if (name === null) return { kind: "preferred" };
  if (broker !== undefined && /^\d{1,9}$/.test(broker))
    return { kind: "away-from-broker", set: name, id: Number(broker) };
  throw badRequest(
    "ARB_NO_BROKER",
    `${broker ?? "nothing"} is no broker id`,
    "Give set and broker, or idc, or nothing",
  );
}

/** @throws {OperatorError} ARB_BAD_LIMIT, answered with 400 */
export function wantedLimit(text: string | undefined, max: number): number {
  const limit = text === undefined ? limitUsual : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw badRequest("ARB_BAD_LIMIT", `limit=${text} is none`, `A whole number, 1 to ${max}`);
}
