import { exitCodes } from "#lib/errors.ts";
import { formatMs, formatTable } from "#lib/table.ts";
import type { ExplainReport, RouteReport, StatusReport } from "../../idc-router/io/api.ts";
import { type Call, onlyArg, UsageError, type Verb } from "../call.ts";
import { formatOutput } from "../output.ts";

/** `idcctl route`: which brokers clients are told to use, and why. */
export const routeNoun: readonly Verb[] = [
  {
    name: "route show",
    args: "[TOPIC]",
    help: "A topic's brokers, as a client of --idc is told. Without TOPIC: the router's sources and broker sets. Exit 6 when something is not well.",
    flags: ["idc"],
    run: show,
  },
  {
    name: "route explain",
    args: "TOPIC",
    help: "Why a client of --idc is told what it is told.",
    flags: ["idc"],
    run: explain,
  },
];

async function show(call: Call): Promise<number> {
  const [topic, ...rest] = call.args;
  if (rest[0] !== undefined) throw new UsageError(`route show does not take ${JSON.stringify(rest[0])}`);
  if (topic !== undefined) return await showTopic(call, topic);
  if (call.flags.idc !== undefined) throw new UsageError("route show takes --idc only with a topic");
  const report = await call.routers().get<StatusReport>("/v1/status");
  call.write(formatOutput(report, call.output, statusText));
  const { sources, sets, kafkaBrokers, mixedGroups } = report;
  const isThere = [...sets, ...kafkaBrokers].every(({ available }) => available);
  const isWell = sources.every(({ ok }) => ok) && isThere && mixedGroups.length === 0;
  return isWell ? exitCodes.ok : exitCodes.different;
}

async function showTopic(call: Call, topic: string): Promise<number> {
  const path = `/v1/topics/${encodeURIComponent(topic)}/route?${queryOf(call, { use: "consume" })}`;
  const all = await call.routers().get<RouteReport>(path);
  const produce = await call.routers().get<RouteReport>(path.replace("use=consume", "use=produce"));
  const report = { ...all, decision: produce.decision };
  call.write(formatOutput(report, call.output, routeText));
  return report.stale ? exitCodes.different : exitCodes.ok;
}

async function explain(call: Call): Promise<number> {
  const topic = onlyArg(call, "route explain", "a topic");
  const report = await call.routers().get<ExplainReport>(`/v1/explain?${queryOf(call, { topic })}`);
  call.write(formatOutput(report, call.output, ({ lines }) => lines.map((line) => `${line}\n`).join("")));
  return exitCodes.ok;
}

function queryOf({ flags }: Call, query: Record<string, string>): URLSearchParams {
  return new URLSearchParams({ ...query, ...(flags.idc === undefined ? {} : { idc: flags.idc }) });
}

function statusText(report: StatusReport): string {
  const { site, version, revision, topics, sources, sets, kafkaBrokers, idcs, mixedGroups } = report;
  return [
    `Router of ${site}, ${version}: revision ${revision}, ${topics} topics\n\n`,
    formatTable(
      ["SOURCE", "ANSWERS", "AGE", "DETAIL"],
      sources.map(({ source, ok, ageMs, detail }) => {
        return [source, ok ? "yes" : "NO", ageMs === null ? "never" : formatMs(ageMs), detail];
      }),
    ),
    "\n",
    formatTable(
      ["SET", "IDC", "WEIGHT", "MASTER", "EPOCH", "AVAILABLE", "WHY"],
      sets.map(({ name, idc, weight, master, epoch, available, why }) => {
        return [
          name,
          idc || "?",
          String(weight),
          master ?? "none",
          String(epoch ?? "?"),
          available ? "yes" : "NO",
          why,
        ];
      }),
    ),
    ...(kafkaBrokers.length === 0
      ? []
      : [
          "\n",
          formatTable(
            ["KAFKA BROKER", "ADDRESS", "IDC", "AVAILABLE", "WHY"],
            kafkaBrokers.map(({ cluster, address, id, idc, available, why }) => {
              return [`${cluster}/${id ?? "?"}`, address, idc || "?", available ? "yes" : "NO", why];
            }),
          ),
        ]),
    ...mixedGroups.map(
      ({ topic, group, why }) => `\nGroup ${group} of ${topic || "its queues"} mixes allocators: ${why}.\n`,
    ),
    ...(idcs.length === 0
      ? []
      : [
          "\n",
          formatTable(
            ["IDC", "STATE", "WEIGHT", "EPOCH", "REASON"],
            idcs.map(({ idc, state, weight, epoch, reason }) => [idc, state, String(weight), String(epoch), reason]),
          ),
        ]),
  ].join("");
}

function routeText(report: RouteReport): string {
  const { topic, cluster, kind, idc, stale, decision, brokers, bootstrap } = report;
  const head = `${topic} of ${cluster}, for clients of ${idc}: ${decision.idc || "nowhere"}${stale ? " (stale)" : ""}. ${decision.why}\n\n`;
  if (kind === "kafka") return `${head}${bootstrap.map((server) => `${server}\n`).join("")}`;
  const table = formatTable(
    ["SET", "IDC", "SHARE", "MASTER", "EPOCH", "QUEUES", "AVAILABLE", "WHY"],
    brokers.map((broker) => [
      broker.set,
      broker.idc || "?",
      `${broker.weight / 100}%`,
      broker.master ?? "none",
      String(broker.epoch ?? "?"),
      `${broker.readQueues}/${broker.writeQueues}`,
      broker.available ? "yes" : "NO",
      broker.why,
    ]),
  );
  return `${head}${table}`;
}
