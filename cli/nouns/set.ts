import { exitCodes, OperatorError } from "#lib/errors.ts";
import { formatMs, formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { DoneReport } from "../../arbiter/io/api.ts";
import type { SetReport, SetSummary, UnrecordedReport } from "../../arbiter/io/api-sets.ts";
import { type Call, noArgs, onlyArg, UsageError, type Verb } from "../call.ts";
import type { Client } from "../client.ts";
import { parseTime } from "../duration.ts";
import { formatOutput } from "../output.ts";
import { setRemarks, setTable, unrecordedText, votesText } from "./set-table.ts";

/** `idcctl set`: broker sets, each with one master. */
export const setNoun: readonly Verb[] = [
  {
    name: "set list",
    args: "",
    help: "Every broker set: phase, master, epoch, in-sync set, protection, votes. Exit 6 when one is not well.",
    run: list,
  },
  {
    name: "set show",
    args: "SET",
    help: "One broker set: its brokers, its question, its effects, its policy.",
    run: show,
  },
  {
    name: "set freeze",
    args: "SET",
    help: "Decide nothing for it until it is thawed; --for TIME: or until then. Needs --reason.",
    flags: ["for", "dryRun"],
    reason: "needed",
    run: freeze,
  },
  {
    name: "set unfreeze",
    args: "SET",
    help: "End a freeze. Needs --reason.",
    flags: ["dryRun"],
    reason: "needed",
    run: unfreeze,
  },
  {
    name: "set switch",
    args: "SET",
    help: "Make another broker the master, without losing a message: --to a broker's id, address or host, or an IDC. Needs --reason. Exit 3 refused, 5 not over yet.",
    flags: ["to", "dryRun"],
    reason: "needed",
    run: switchMaster,
  },
];

async function list(call: Call): Promise<number> {
  noArgs(call, "set list");
  const report = await call.arbiters().get<{ sets: SetSummary[]; unrecorded: UnrecordedReport[] }>("/v1/sets");
  call.write(
    formatOutput(report, call.output, ({ sets, unrecorded }) => {
      const remarks = [...setRemarks(sets, call.paint), ...unrecorded.map((one) => unrecordedText(one, call.paint))];
      if (sets.length + unrecorded.length === 0)
        return "No broker sets yet: a broker that has this arbiter as its controller makes one.\n";
      return [sets.length === 0 ? "" : setTable(sets), ...remarks.map((text) => `${text}\n`)].join("");
    }),
  );
  const isWell = ({ phase, protection }: SetSummary): boolean =>
    (phase === "held" || phase === "new") && protection.kept;
  return report.sets.every(isWell) && report.unrecorded.length === 0 ? exitCodes.ok : exitCodes.different;
}

async function show(call: Call): Promise<number> {
  const client = call.arbiters();
  const report = await client.get<SetReport>(await pathOf(client, onlyArg(call, "set show", "a set: cluster/set")));
  call.write(formatOutput(report, call.output, (set) => renderSet(set, call.paint)));
  return exitCodes.ok;
}

async function freeze(call: Call): Promise<number> {
  const forMs = call.flags.for === undefined ? undefined : parseTime(call.flags.for);
  return change(call, "freeze", forMs === undefined ? {} : { forMs }, (set) =>
    set.frozen === null
      ? `would be frozen${forMs === undefined ? "" : ` for ${formatMs(forMs)}`}; it is ${set.phase}, and would have no failover`
      : `is frozen already (${set.frozen.code}): ${set.frozen.reason}`,
  );
}

async function unfreeze(call: Call): Promise<number> {
  return change(call, "unfreeze", {}, (set) =>
    set.frozen === null
      ? "is not frozen, nothing to do"
      : `would be thawed; frozen (${set.frozen.code}) since ${set.frozen.at}: ${set.frozen.reason}`,
  );
}

/** A dry run is the arbiter's: it asks both brokers, and says what it would refuse. */
async function switchMaster(call: Call): Promise<number> {
  const { to, dryRun, reason } = call.flags;
  if (to === undefined)
    throw new UsageError("set switch needs --to: a broker's id, its address or its host, or an IDC");
  const client = call.arbiters();
  const path = await pathOf(client, onlyArg(call, "set switch", "a set: cluster/set"));
  const { done } = await client.post<DoneReport>(`${path}/switch`, { reason, to, dryRun });
  call.write(`${done}\n`);
  return exitCodes.ok;
}

async function change(call: Call, verb: string, body: object, tell: (set: SetReport) => string): Promise<number> {
  const client = call.arbiters();
  const path = await pathOf(client, onlyArg(call, `set ${verb}`, "a set: cluster/set"));
  if (call.flags.dryRun) {
    const set = await client.get<SetReport>(path);
    call.write(`${set.name}: ${tell(set)}\n`);
    return exitCodes.ok;
  }
  const { done } = await client.post<DoneReport>(`${path}/${verb}`, { reason: call.flags.reason, ...body });
  call.write(`${done}\n`);
  return exitCodes.ok;
}

/** "C1/bs1", or "bs1" where only one cluster has a set of this name. */
export async function fullName(client: Client, set: string): Promise<string> {
  if (/^[^/]+\/[^/]+$/.test(set)) return set;
  const { sets } = await client.get<{ sets: SetSummary[] }>("/v1/sets");
  const [only, ...others] = sets.filter(({ name }) => name.endsWith(`/${set}`));
  if (only !== undefined && others.length === 0) return only.name;
  throw new OperatorError(
    "CTL_WHICH_SET",
    only === undefined ? `There is no set ${set}` : `${set} is in several clusters`,
    {
      hint: `Write cluster/set. There are: ${sets.map(({ name }) => name).join(", ") || "none"}`,
    },
  );
}

export async function pathOf(client: Client, set: string): Promise<string> {
  const [cluster = "", name = ""] = (await fullName(client, set)).split("/");
  return `/v1/sets/${encodeURIComponent(cluster)}/${encodeURIComponent(name)}`;
}

function renderSet(set: SetReport, paint: Paint): string {
  const { policy, question, decision, blocked } = set;
  const bold = (text: string): string => `${paint.bold(text)}\n`;
  const parts = [setTable([set]), ...setRemarks([set], paint).map((text) => `${text}\n`), "\n"];
  parts.push(
    formatTable(
      ["BROKER", "ADDRESS", "IDC", "ROLE", "HERE", "EPOCH", "OFFSET", "EVIDENCE", "UNHEARD BY"],
      set.brokers.map(({ id, address, idc, role, verdict, reported, evidence, unheardBy }) => [
        id,
        address,
        idc || "-",
        role,
        verdict,
        reported?.epoch ?? "-",
        reported?.maxOffset ?? "-",
        evidence,
        unheardBy.join(", ") || "nobody",
      ]),
    ),
  );
  if (question !== null) {
    parts.push(
      "\n",
      bold(
        `Is broker ${question.master} down? Asked by ${question.askedBy} at ${question.at}: ${votesText(set.votes)}`,
      ),
    );
    parts.push(
      formatTable(
        ["SITE", "SAYS", "SINCE", "EVIDENCE"],
        question.answers.map(({ site, verdict, at, evidence, present }) => [
          site,
          present ? verdict : `${verdict}, does not count: no fresh beat`,
          at,
          evidence,
        ]),
      ),
    );
  }
  if (blocked !== null) {
    parts.push("\n", paint.red(`Blocked, ${blocked.reason}: ${blocked.why} (${blocked.site}, since ${blocked.at})\n`));
    for (const { id, reason, detail } of blocked.rejected) parts.push(`  broker ${id}: ${reason}: ${detail}\n`);
  }
  if (decision !== null) {
    parts.push("\n", bold(`Decision ${decision.id} is being carried out; open: ${decision.open.join(", ")}`));
    for (const { effect, at, site, detail } of decision.effects)
      parts.push(`  ${at}  ${effect} (${site}): ${detail}\n`);
  }
  if (set.switch !== null) {
    const { id, from, to, stage, outcome, reason, askedBy, at } = set.switch;
    parts.push(
      "\n",
      bold(`Switch ${id} from broker ${from} to broker ${to}, asked for at ${askedBy} at ${at}: ${stage}`),
    );
    parts.push(`  ${[reason, outcome].filter((text) => text !== "").join("; ")}\n`);
  }
  const lost = policy.rpo === "bounded" ? `, at most ${policy.maxLostBytes} bytes lost` : "";
  parts.push(
    "\n",
    `Policy: rpo ${policy.rpo}${lost}, survive ${policy.survive}, unclean ${policy.unclean}, cool-down ${formatMs(policy.cooldownMs)}`,
  );
  if (policy.preferIdcs.length > 0) parts.push(`, prefers ${policy.preferIdcs.join(", ")}`);
  if (policy.returnAfterMs !== null) parts.push(`, goes home after ${formatMs(policy.returnAfterMs)}`);
  parts.push("\n");
  return parts.join("");
}
