import type { FastifyInstance } from "fastify";
import { beginAt } from "../core/kafka.ts";
import type { BootstrapReport, ExplainReport, StatusReport } from "./api.ts";
import type { RouterHttpOptions } from "./http.ts";
import { badRequest, idcOfCaller } from "./http-errors.ts";
import { explainKafka, explainLines, reportStatus } from "./report.ts";

interface OfIdc {
  readonly idc?: string;
}

/** What is asked for by people, and where clients begin. */
export function readRoutes(http: FastifyInstance, options: RouterHttpOptions): void {
  const { daemon, clusters, doors, orderOf, site, version, texts } = options;

  http.get("/v1/status", async (): Promise<StatusReport> => {
    const moment = daemon.moment();
    const mixedGroups = options.clients.mixed(moment.now).slice(0, mixedGroupsMax);
    return reportStatus(daemon.state, { site, version, ...moment, mixedGroups });
  });

  http.get<{ Params: { cluster: string }; Querystring: OfIdc }>(
    "/v1/clusters/:cluster/bootstrap",
    async (request): Promise<BootstrapReport> => {
      const { cluster } = request.params;
      const idc = idcOfCaller(request, request.query.idc, options);
      const known = clusters.get(cluster);
      if (known === undefined) {
        const hint = `The config has ${[...clusters.keys()].join(", ")}`;
        throw badRequest("RTR_NO_CLUSTER", `There is no cluster ${JSON.stringify(cluster)}`, hint, 404);
      }
      const servers = [...beginAt(known, daemon.table, orderOf(idc)).servers];
      const list = servers.join(known.kind === "kafka" ? "," : ";");
      return { cluster, kind: known.kind, idc, servers, list };
    },
  );

  http.get<{ Querystring: OfIdc & { topic?: string } }>("/v1/explain", async (request): Promise<ExplainReport> => {
    const { topic = "" } = request.query;
    const idc = idcOfCaller(request, request.query.idc, options);
    if (topic === "") throw badRequest("RTR_NO_TOPIC", "No topic is given", "Add ?topic=NAME");
    const signal = AbortSignal.timeout(lookUpMsMax);
    if (texts.of({ topic, idc, use: "produce" }) === undefined) await options.lookUp(topic, signal);
    const text = texts.of({ topic, idc, use: "produce" });
    const { table } = daemon;
    if (text === undefined) return { topic, idc, revision: table.revision, lines: [`No cluster knows ${topic}.`] };
    if (text.answer !== null) return { topic, idc, revision: table.revision, lines: explainLines(text.answer, table) };
    const kafka = texts.kafkaOf({ topic, idc, use: "produce" });
    const lines = kafka === undefined ? [] : explainKafka({ topic, idc }, { ...kafka, table });
    return { topic, idc, revision: table.revision, lines };
  });

  http.get<{ Querystring: OfIdc }>("/rocketmq/nsaddr", async (request, reply) => {
    const idc = idcOfCaller(request, request.query.idc, options);
    const { servers } = beginAt({ name: "", kind: "rocketmq", servers: doors }, daemon.table, orderOf(idc));
    if (servers.length === 0) {
      const hint = "Name them in nameserver.doors of the config";
      throw badRequest("RTR_NO_DOORS", "No name server doors are known", hint, 404);
    }
    await reply.type("text/plain; charset=utf-8").send(servers.join(";"));
  });
}

const lookUpMsMax = 5_000;
/** That are shown. */
const mixedGroupsMax = 100;
