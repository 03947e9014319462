import type { FastifyInstance, FastifyReply } from "fastify";
import type { Use } from "./api.ts";
import type { RouterHttpOptions } from "./http.ts";
import { badRequest, idcOfCaller, ipOfCaller, sendAway } from "./http-errors.ts";
import type { RouteKey, RouteText } from "./route-texts.ts";

interface Asked {
  readonly idc?: string;
  readonly use?: string;
  /** As `gatedIps` names it. */
  readonly ip?: string;
}

const waitMsMax = 60_000;
const lookUpMsMax = 5_000;
const watchedTopicsMax = 100;
const topicCharactersMax = 255;

/** What clients ask for: a topic's route, now or when it changes. */
export function routeRoutes(http: FastifyInstance, options: RouterHttpOptions): void {
  const { texts, subscribers, metrics } = options;

  /** undefined: nobody knows it; "silent": nobody answers who could. */
  async function find(key: RouteKey, host: string): Promise<RouteText | "silent" | undefined> {
    const known = texts.of(texts.keyFor(key, host));
    if (known !== undefined) return known;
    const isAnswered = await options.lookUp(key.topic, AbortSignal.timeout(lookUpMsMax));
    return texts.of(texts.keyFor(key, host)) ?? (isAnswered ? undefined : "silent");
  }

  async function send(reply: FastifyReply, text: RouteText, key: RouteKey): Promise<void> {
    metrics.routeCount("http", { from: key.idc, to: text.chosen, stale: text.stale }).value += 1;
    await reply.header("etag", text.etag).type("application/json; charset=utf-8").send(text.json);
  }

  http.get<{ Params: { topic: string }; Querystring: Asked & { wait?: string } }>(
    "/v1/topics/:topic/route",
    async (request, reply) => {
      const { query } = request;
      const topic = topicOf(request.params.topic);
      const key = { topic, idc: idcOfCaller(request, query.idc, options), use: useOf(query.use) };
      const host = ipOfCaller(request, query.ip);
      const waitMs = waitOf(query.wait);
      const text = await find(key, host);
      if (text === "silent") {
        await sendAway(reply, 503, "RTR_NAMESERVERS_SILENT", `No name server answers who could know ${topic}`);
        return;
      }
      if (text === undefined) {
        const hint = "Create it, or see whether name servers answer: idcctl route show";
        throw badRequest("RTR_NO_TOPIC", `No cluster knows the topic ${JSON.stringify(topic)}`, hint, 404);
      }
      if (request.headers["if-none-match"] !== text.etag) {
        await send(reply, text, key);
        return;
      }
      if (waitMs === 0) {
        await reply.code(304).header("etag", text.etag).send();
        return;
      }
      const gone = new AbortController();
      request.raw.once("close", () => gone.abort());
      reply.raw.once("close", () => gone.abort());
      const next = subscribers.next(key, { etag: text.etag, host }, { timeoutMs: waitMs, signal: gone.signal });
      if (next === "full") {
        await sendAway(reply, 503, "RTR_OVERLOADED", "Too many clients wait already");
        return;
      }
      const changed = await next;
      if (changed === undefined) await reply.code(304).header("etag", text.etag).send();
      else await send(reply, changed, key);
    },
  );

  // No HEAD: a watch without events would only take a place.
  const watched = { exposeHeadRoute: false };
  http.get<{ Querystring: Asked & { topics?: string } }>("/v1/watch", watched, async (request, reply) => {
    const idc = idcOfCaller(request, request.query.idc, options);
    const use = useOf(request.query.use);
    const topics = [...new Set((request.query.topics ?? "").split(",").filter((topic) => topic !== ""))].map(topicOf);
    if (topics.length === 0 || topics.length > watchedTopicsMax) {
      const hint = "Add ?topics=A,B";
      throw badRequest("RTR_BAD_TOPICS", `1 to ${watchedTopicsMax} topics can be watched, not ${topics.length}`, hint);
    }
    const host = ipOfCaller(request, request.query.ip);
    const keys = topics.map((topic) => ({ topic, idc, use }));
    await Promise.all(keys.map((key) => find(key, host)));
    const last = request.headers["last-event-id"];
    const { counts } = subscribers;
    if (counts().watch + counts().wait >= options.subscribersMax) {
      await sendAway(reply, 503, "RTR_OVERLOADED", "Too many clients wait already");
      return;
    }
    reply.hijack();
    // It ends with its connection: chunks would cost three writes for each event.
    reply.raw.useChunkedEncodingByDefault = false;
    reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const end = subscribers.watch(reply.raw, { keys, host }, typeof last === "string" ? last : undefined);
    if (end === undefined) reply.raw.destroy();
    else reply.raw.once("close", end);
    metrics.requested("http", "200");
  });
}

/** @throws {OperatorError} RTR_BAD_TOPIC, answered with 400 */
function topicOf(topic: string): string {
  if (topic !== "" && topic.length <= topicCharactersMax) return topic;
  throw badRequest("RTR_BAD_TOPIC", "The topic's name is empty or too long", `1 to ${topicCharactersMax} characters`);
}

function useOf(use: string | undefined): Use {
  if (use === undefined || use === "produce") return "produce";
  if (use === "consume") return use;
  throw badRequest("RTR_BAD_USE", `use=${use} is none`, "produce or consume");
}

/** ms of "30s" or "1500ms"; 0: not at all. */
function waitOf(wait: string | undefined): number {
  if (wait === undefined) return 0;
  const [, digits, unit] = /^(\d{1,6})(ms|s)$/.exec(wait) ?? [];
  const ms = Number(digits) * (unit === "s" ? 1_000 : 1);
  if (ms >= 0 && ms <= waitMsMax) return ms;
  throw badRequest("RTR_BAD_WAIT", `wait=${wait} is none`, "For example 30s; at most 60s");
}
