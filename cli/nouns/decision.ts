import { exitCodes, OperatorError } from "#lib/errors.ts";
import { formatTable } from "#lib/table.ts";
import type {
  DecisionReport,
  DecisionSummary,
  ExplanationReport,
  ReplayReport,
} from "../../arbiter/io/api-decisions.ts";
import { type Call, onlyArg, UsageError, type Verb } from "../call.ts";
import type { Client } from "../client.ts";
import { formatOutput } from "../output.ts";
import { fullName } from "./set.ts";

/** `idcctl decision`: who became master when, and why. DECISION is cluster/set/epoch; cluster/set is the set's last one. */
export const decisionNoun: readonly Verb[] = [
  {
    name: "decision list",
    args: "[SET]",
    help: "Decisions, the newest first; --limit N.",
    flags: ["limit"],
    run: list,
  },
  { name: "decision show", args: "DECISION", help: "One decision; -o json: with its whole record.", run: show },
  {
    name: "decision explain",
    args: "DECISION",
    help: "Its timeline: who asked, each site's vote, why this broker, each effect.",
    run: explain,
  },
  {
    name: "decision replay",
    args: "DECISION",
    help: "Decide again from its record. Exit 6 when the outcome differs; --policy KEY=VALUE,…: as if the policy had said so.",
    flags: ["policy"],
    run: replay,
  },
];

async function list(call: Call): Promise<number> {
  const [set, ...rest] = call.args;
  if (rest[0] !== undefined) throw new UsageError(`decision list does not take ${JSON.stringify(rest[0])}`);
  const { limit } = call.flags;
  if (limit !== undefined && !/^\d{1,3}$/.test(limit))
    throw new UsageError(`--limit ${limit} is no number of 1 to 200`);
  const client = call.arbiters();
  const query = new URLSearchParams();
  if (set !== undefined) query.set("set", await fullName(client, set));
  if (limit !== undefined) query.set("limit", limit);
  const report = await client.get<{ decisions: DecisionSummary[] }>(`/v1/decisions?${query}`);
  call.write(formatOutput(report, call.output, ({ decisions }) => decisionTable(decisions)));
  return exitCodes.ok;
}

function decisionTable(decisions: readonly DecisionSummary[]): string {
  if (decisions.length === 0) return "No decisions.\n";
  return formatTable(
    ["DECISION", "WHEN", "KIND", "MASTER", "BY", "EFFECTS", "WHY"],
    decisions.map(({ id, at, kind, from, to, decidedBy, open, why }) => [
      id,
      at,
      kind,
      `${from ?? "none"} -> ${to}`,
      decidedBy,
      open.length === 0 ? "all done" : `open: ${open.join(", ")}`,
      why,
    ]),
  );
}

async function show(call: Call): Promise<number> {
  const client = call.arbiters();
  const report = await client.get<DecisionReport>(
    await pathOf(client, onlyArg(call, "decision show", "a decision: cluster/set/epoch")),
  );
  call.write(
    formatOutput(report, call.output, (decision) =>
      [
        decisionTable([decision]),
        ...decision.effects.map(({ effect, at, site, detail }) => `  ${at}  ${effect} (${site}): ${detail}\n`),
      ].join(""),
    ),
  );
  return exitCodes.ok;
}

async function explain(call: Call): Promise<number> {
  const client = call.arbiters();
  const path = await pathOf(client, onlyArg(call, "decision explain", "a decision: cluster/set/epoch"));
  const report = await client.get<ExplanationReport>(`${path}/explain`);
  call.write(formatOutput(report, call.output, ({ lines }) => lines.map((line) => `${line}\n`).join("")));
  return exitCodes.ok;
}

async function replay(call: Call): Promise<number> {
  const client = call.arbiters();
  const path = await pathOf(client, onlyArg(call, "decision replay", "a decision: cluster/set/epoch"));
  const policy = call.flags.policy === undefined ? undefined : parsePolicy(call.flags.policy);
  const report = await client.post<ReplayReport>(`${path}/replay`, policy === undefined ? {} : { policy });
  call.write(
    formatOutput(report, call.output, ({ same, recorded, replayed }) =>
      same
        ? `The same: ${verdictText(replayed)}\n`
        : `Recorded: ${verdictText(recorded)}\nReplayed: ${verdictText(replayed)}\n`,
    ),
  );
  return report.same ? exitCodes.ok : exitCodes.different;
}

function verdictText(verdict: unknown): string {
  const { kind, winner, epoch, reason, why } = verdict as Partial<Record<string, unknown>>;
  return kind === "elect" ? `broker ${winner} under epoch ${epoch}. ${why}` : `nobody, ${reason}. ${why}`;
}

/** rpo=zero,cooldownMs=0,preferIdcs=idc1+idc2 */
function parsePolicy(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [key = "", value] = part.split("=", 2);
      if (key === "" || value === undefined)
        throw new UsageError(`--policy ${text}: write key=value, for example rpo=zero,cooldownMs=0`);
      if (key === "preferIdcs") return [key, value.split("+")];
      if (value === "true" || value === "false") return [key, value === "true"];
      return [key, /^\d+$/.test(value) ? Number(value) : value];
    }),
  );
}

async function pathOf(client: Client, decision: string): Promise<string> {
  const parts = decision.split("/");
  const epoch = parts.length === 3 ? parts.pop() : undefined;
  const name = await fullName(client, parts.join("/"));
  const [cluster = "", set = ""] = name.split("/").map(encodeURIComponent);
  return `/v1/decisions/${cluster}/${set}/${epoch ?? (await lastEpoch(client, name))}`;
}

async function lastEpoch(client: Client, set: string): Promise<number> {
  const { decisions } = await client.get<{ decisions: DecisionSummary[] }>(
    `/v1/decisions?set=${encodeURIComponent(set)}&limit=1`,
  );
  const [last] = decisions;
  if (last === undefined) {
    throw new OperatorError("CTL_NO_DECISION", `${set} has no decision yet`, {
      hint: "idcctl decision list shows all",
    });
  }
  return last.epoch;
}
