import { z } from "zod";
import { allocationRequestSchema, reports, telemetryRequestSchema } from "./api.ts";

/** openapi.json: made of the table below and the shapes of api.ts, which a test holds against what the server does. */

interface Route {
  /** As OpenAPI writes it: {name} is a parameter. */
  readonly path: string;
  readonly summary: string;
  /** A report, or text of this type. */
  readonly answer: keyof typeof reports | `text/${string}`;
  /** The body of a POST, which changes nothing either; without it: GET. */
  readonly body?: z.ZodType;
  readonly query?: readonly { readonly name: string; readonly help: string; readonly required?: boolean }[];
}

const idc = { name: "idc", help: "The caller's IDC. Left out: what its address says, else this router's site." };
const ip = { name: "ip", help: "The caller's address, for topics with a gate. Left out: as it is seen." };
const use = { name: "use", help: "produce (unless given) or consume" };

export const routes = [
  { path: "/v1/status", summary: "The table's revision, sources, broker sets and IDCs.", answer: "status" },
  {
    path: "/v1/topics/{topic}/route",
    summary:
      "Which brokers a client should use. With If-None-Match: 304 while nothing has changed; with wait: answered when it has.",
    answer: "route",
    query: [
      idc,
      use,
      ip,
      { name: "wait", help: "With If-None-Match: how long to wait for a change, for example 30s; at most 60s." },
    ],
  },
  {
    path: "/v1/watch",
    summary:
      "Server-sent events: each topic's route, and again at each change. Last-Event-ID leaves out what has not changed.",
    answer: "text/event-stream",
    query: [{ name: "topics", help: "Names with commas between them, at most 100.", required: true }, idc, use, ip],
  },
  {
    path: "/v1/clusters/{cluster}/bootstrap",
    summary: "Where clients of a cluster begin, nearest first.",
    answer: "bootstrap",
    query: [idc],
  },
  {
    path: "/v1/explain",
    summary: "Why a client is told what it is told.",
    answer: "explain",
    query: [{ name: "topic", help: "A topic's name.", required: true }, idc],
  },
  {
    path: "/v1/allocations",
    summary: "Which consumer of a group reads which queue or partition: near ones first, the rest shared, few moves.",
    answer: "allocation",
    body: allocationRequestSchema,
  },
  {
    path: "/v1/telemetry",
    summary: "What a client with the SDK sent and consumed, and how long it took: for this router's metrics.",
    answer: "telemetry",
    body: telemetryRequestSchema,
  },
  {
    path: "/rocketmq/nsaddr",
    summary: "Name server doors for stock clients with rocketmq.namesrv.domain, nearest first.",
    answer: "text/plain",
    query: [idc],
  },
] as const satisfies readonly Route[];

export function openapi(version: string): object {
  return {
    openapi: "3.1.0",
    info: { title: "crossidc router", version },
    paths: Object.fromEntries(
      (routes as readonly Route[]).map((route) => [
        route.path,
        { [route.body === undefined ? "get" : "post"]: operation(route) },
      ]),
    ),
    components: {
      schemas: Object.fromEntries(Object.entries(reports).map(([name, schema]) => [name, jsonSchemaOf(schema)])),
    },
  };
}

function jsonSchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
}

function operation({ path, summary, answer, query = [], body }: Route): object {
  const schema = { type: "string" };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true, schema }));
  const inQuery = query.map(({ name, help, required = false }) => {
    return { name, in: "query", description: help, required, schema };
  });
  const content = answer.startsWith("text/")
    ? { [answer]: { schema } }
    : { "application/json": { schema: { $ref: `#/components/schemas/${answer}` } } };
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: jsonSchemaOf(body) } } } }),
    responses: {
      200: { description: "OK", content },
      429: { description: "Too many requests of this address; Retry-After says when." },
      503: {
        description: "Too much is asked of this router right now; Retry-After says when, another router may serve.",
      },
      default: { description: "{ error: { code, message, hint } }" },
    },
  };
}
