import { once } from "node:events";
import { parseArgs } from "node:util";
import { fastify } from "fastify";

/** A fastify with one route and nothing behind it: the same bytes each time, as many as a route has. */

const { values } = parseArgs({ options: { port: { type: "string" }, bytes: { type: "string" } } });
const body = "x".repeat(Number(values.bytes));
const http = fastify({ logger: false });
http.get("/v1/topics/:topic/route", async (_request, reply) => {
  await reply.header("etag", '"0123456789012345678901"').type("application/json; charset=utf-8").send(body);
});
await http.listen({ host: "127.0.0.1", port: Number(values.port) });
console.log("listening");
await once(process, "SIGTERM");
