import { z } from "zod";
import { reports } from "./api.ts";
import { bodies } from "./api-bodies.ts";

/** openapi.json: made of the table below and the shapes of api.ts and api-bodies.ts, which a test holds against what the server does. */

interface Route {
  readonly method: "get" | "post" | "put";
  /** As OpenAPI writes it: {name} is a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly answer: keyof typeof reports;
  readonly body?: keyof typeof bodies;
  readonly query?: readonly { readonly name: string; readonly help: string }[];
}

const aSet = "/v1/sets/{cluster}/{set}";
const aDecision = "/v1/decisions/{cluster}/{set}/{epoch}";

export const routes = [
  { method: "get", path: "/v1/status", summary: "This site, all sites, and a line for each set.", answer: "status" },
  { method: "get", path: "/v1/sets", summary: "A line for each broker set.", answer: "sets" },
  { method: "get", path: aSet, summary: "All that this site knows of one broker set.", answer: "set" },
  {
    method: "get",
    path: "/v1/decisions",
    summary: "Decisions, the newest first.",
    answer: "decisions",
    query: [
      { name: "set", help: "cluster/set" },
      { name: "limit", help: "1 to 200; 20 unless given" },
    ],
  },
  { method: "get", path: aDecision, summary: "One decision, with its record.", answer: "decision" },
  { method: "get", path: `${aDecision}/explain`, summary: "Who saw what, and when.", answer: "explanation" },
  {
    method: "post",
    path: `${aDecision}/replay`,
    summary: "Decides again from the record, under its own or another policy. Changes nothing.",
    answer: "replay",
    body: "replay",
  },
  {
    method: "get",
    path: "/v1/policies",
    summary: "The policies, and what they mean for each set.",
    answer: "policies",
  },
  {
    method: "put",
    path: "/v1/policies",
    summary: "Replaces all policies.",
    answer: "policyChange",
    body: "policies",
    query: [{ name: "dryRun", help: "1: only say what would change" }],
  },
  {
    method: "get",
    path: "/v1/audit",
    summary: "What operators and arbiters have changed, the newest first.",
    answer: "audit",
    query: [
      { name: "site", help: "Of this site's chain only" },
      { name: "limit", help: "1 to 1000; 20 unless given" },
    ],
  },
  {
    method: "get",
    path: "/v1/audit/verify",
    summary: "Is every chain of the audit log whole, and if not, which entry is missing, changed or moved?",
    answer: "auditVerify",
    query: [{ name: "site", help: "This site's chain only" }],
  },
  { method: "get", path: "/v1/idcs", summary: "What operators want of each IDC, and its masters.", answer: "idcs" },
  {
    method: "get",
    path: "/v1/moves",
    summary: "Which masters would move where: home to the policies' preferIdcs, or away from an IDC or a broker.",
    answer: "moves",
    query: [
      { name: "idc", help: "away from this IDC" },
      { name: "set", help: "cluster/set, with broker: away from this broker" },
      { name: "broker", help: "its id" },
    ],
  },
  { method: "get", path: "/v1/ledger", summary: "etcd's members, sizes and alarms.", answer: "ledger" },
  { method: "post", path: "/v1/init", summary: "Names the voting sites, once.", answer: "done", body: "init" },
  { method: "post", path: "/v1/pause", summary: "No failovers until resumed.", answer: "done", body: "until" },
  { method: "post", path: "/v1/resume", summary: "Failovers again.", answer: "done", body: "reason" },
  {
    method: "post",
    path: `${aSet}/freeze`,
    summary: "Nothing is decided for this set.",
    answer: "done",
    body: "until",
  },
  { method: "post", path: `${aSet}/unfreeze`, summary: "Ends a freeze.", answer: "done", body: "reason" },
  {
    method: "post",
    path: `${aSet}/adopt`,
    summary:
      "Brokers that run go on record as this set, and it is recovered: after etcd was wiped, or to take over a set.",
    answer: "done",
    body: "adopt",
  },
  {
    method: "post",
    path: `${aSet}/recover`,
    summary: "A master under an epoch above every one seen: after etcd was restored or made anew, or by force.",
    answer: "done",
    body: "recover",
  },
  {
    method: "post",
    path: `${aSet}/switch`,
    summary: "Another master on purpose, without losing a message; answered when it is over, or after 9 s.",
    answer: "done",
    body: "switch",
  },
  {
    method: "post",
    path: `${aSet}/brokers/{broker}/drain`,
    summary: "No master on this broker, for an upgrade: elections take it last, switches not at all. Moves nothing.",
    answer: "done",
    body: "reason",
  },
  {
    method: "post",
    path: `${aSet}/brokers/{broker}/undrain`,
    summary: "It may be master again.",
    answer: "done",
    body: "reason",
  },
  {
    method: "post",
    path: "/v1/idcs/{idc}/drain",
    summary: "No masters in this IDC, and no messages from routers. Moves no master.",
    answer: "done",
    body: "reason",
  },
  {
    method: "post",
    path: "/v1/idcs/{idc}/activate",
    summary: "It may have masters and messages again.",
    answer: "done",
    body: "reason",
  },
  {
    method: "post",
    path: "/v1/idcs/{idc}/weight",
    summary: "How much of its clients' messages routers leave there. Moves no master.",
    answer: "done",
    body: "weight",
  },
] as const satisfies readonly Route[];

export function openapi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes as readonly Route[]) {
    const item = paths[route.path] ?? {};
    item[route.method] = operation(route);
    paths[route.path] = item;
  }
  return {
    openapi: "3.1.0",
    info: { title: "crossidc arbiter", version },
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(reports).map(([name, schema]) => [name, z.toJSONSchema(schema, { target: "draft-2020-12" })]),
      ),
    },
  };
}

function operation({ path, summary, answer, body, query }: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = (query ?? []).map(({ name, help }) => ({
    name,
    in: "query",
    description: help,
    schema: { type: "string" },
  }));
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: {
              "application/json": { schema: z.toJSONSchema(bodies[body], { target: "draft-2020-12", io: "input" }) },
            },
          },
        }),
    responses: {
      200: {
        description: "OK",
        content: { "application/json": { schema: { $ref: `#/components/schemas/${answer}` } } },
      },
      default: { description: "{ error: { code, message, hint } }" },
    },
  };
}
