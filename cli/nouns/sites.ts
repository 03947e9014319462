import { exitCodes, OperatorError } from "#lib/errors.ts";
import { formatMs, formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { DoneReport, StatusReport } from "../../arbiter/io/api.ts";
import { type Call, noArgs, UsageError, type Verb } from "../call.ts";
import { parseTime } from "../duration.ts";
import { formatOutput } from "../output.ts";
import { setRemarks, setTable } from "./set-table.ts";

/** The arbiters as a whole: `idcctl init`, `status`, `ready`, `pause`, `resume`. */
export const siteVerbs: readonly Verb[] = [
  {
    name: "init",
    args: "",
    help: "Name the voting sites in the ledger, once: --sites idc1,idc2,witness.",
    flags: ["sites", "dryRun"],
    reason: "taken",
    run: init,
  },
  {
    name: "status",
    args: "",
    help: "Quorum, sites, pause and broker sets, as every arbiter sees them. Exit 4 without a quorum, 6 when something is not well.",
    run: status,
  },
  {
    name: "ready",
    args: "",
    help: "Can every arbiter take part in a decision? Exit 6 when one cannot.",
    run: ready,
  },
  {
    name: "pause",
    args: "",
    help: "No failovers, of no set, until resumed; --for TIME: or until then. Needs --reason.",
    flags: ["for", "dryRun"],
    reason: "needed",
    run: pause,
  },
  { name: "resume", args: "", help: "End a pause. Needs --reason.", flags: ["dryRun"], reason: "needed", run: resume },
];

/** What each arbiter says, and which did not answer. */
interface Statuses {
  readonly arbiters: readonly (StatusReport & { readonly arbiter: string })[];
  readonly silent: readonly { readonly arbiter: string; readonly reason: string }[];
}

async function init(call: Call): Promise<number> {
  noArgs(call, "init");
  const sites = call.flags.sites?.split(",").map((site) => site.trim());
  if (sites === undefined) throw new UsageError("init needs --sites, for example --sites idc1,idc2,witness");
  const client = call.arbiters();
  if (call.flags.dryRun) {
    const { voting, sites: seen } = await client.get<StatusReport>("/v1/status");
    const here = seen.filter(({ present }) => present).map(({ site }) => site);
    call.write(
      voting.length > 0
        ? `The voting sites are set already: ${voting.join(", ")}\n`
        : `Would name ${sites.join(", ")} as the voting sites. Sites with an arbiter now: ${here.join(", ") || "none"}\n`,
    );
    return exitCodes.ok;
  }
  const body = { sites, ...(call.flags.reason === "" ? {} : { reason: call.flags.reason }) };
  const { done } = await client.post<DoneReport>("/v1/init", body);
  call.write(`${done}\n`);
  if (sites.length === 1)
    call.write(call.paint.yellow("One voting site is not safe: when it is lost nobody decides\n"));
  return exitCodes.ok;
}

async function status(call: Call): Promise<number> {
  noArgs(call, "status");
  const report = await readStatuses(call);
  call.write(formatOutput(report, call.output, (value) => renderStatus(value, call.paint)));
  if (report.arbiters.every(({ quorum }) => !quorum.fresh)) return exitCodes.noQuorum;
  return isWell(report) ? exitCodes.ok : exitCodes.different;
}

async function readStatuses(call: Call): Promise<Statuses> {
  const answers = await call.arbiters().getFromAll<StatusReport>("/v1/status");
  return {
    arbiters: answers.flatMap(({ endpoint, answer }) =>
      answer instanceof OperatorError ? [] : [{ arbiter: endpoint, ...answer }],
    ),
    silent: answers.flatMap(({ endpoint, answer }) =>
      answer instanceof OperatorError ? [{ arbiter: endpoint, reason: answer.message }] : [],
    ),
  };
}

function isWell({ arbiters, silent }: Statuses): boolean {
  return (
    silent.length === 0 &&
    arbiters.every(
      ({ quorum, pause: paused, sites, sets }) =>
        quorum.fresh &&
        paused === null &&
        sites.every(({ voting, present, votes }) => !voting || (present && votes)) &&
        sets.every(({ phase, protection }) => (phase === "held" || phase === "new") && protection.kept),
    )
  );
}

/** The sites as the best informed arbiter sees them: one with a quorum. */
function renderStatus({ arbiters, silent }: Statuses, paint: Paint): string {
  const best = arbiters.find(({ quorum }) => quorum.fresh) ?? arbiters[0];
  if (best === undefined) return "";
  const lines: string[] = [];
  for (const { site, quorum } of arbiters.filter((one) => !one.quorum.fresh)) {
    const age =
      quorum.proofAgeMs === null
        ? "it has completed no write"
        : `its last completed write was ${formatMs(quorum.proofAgeMs)} ago`;
    lines.push(paint.red(`${site} has no quorum in etcd: ${age}; nothing is decided there`));
  }
  if (best.voting.length === 0)
    lines.push(paint.red("No voting sites are named yet: idcctl init --sites idc1,idc2,witness"));
  if (best.pause !== null) {
    const until = best.pause.until === null ? "" : `, until ${best.pause.until}`;
    lines.push(
      paint.yellow(
        `Failover is paused since ${best.pause.at}${until}: ${best.pause.reason}. To end it: idcctl resume --reason "…"`,
      ),
    );
  }
  const table = formatTable(
    ["SITE", "VOTES", "BEAT", "LEADS", "UNHEARD", "VERSION", "CONTROLLER"],
    best.sites.map(({ site, voting, present, votes, beatAgeMs, unheard, version, controller }) => [
      site,
      voting ? (votes ? "yes" : "not now") : "no",
      beatAgeMs === null ? "none" : `${formatMs(beatAgeMs)} ago${present ? "" : ", missing"}`,
      site === best.leader ? "yes" : "",
      unheard.length === 0 ? "none" : unheard.length,
      version || "-",
      controller || "-",
    ]),
  );
  for (const { site, voting, why } of best.sites) {
    if (voting && why !== "") lines.push(paint.yellow(`${site} does not vote: ${why}`));
  }
  for (const { key, why } of best.ledger.unreadable) lines.push(paint.red(`${key} cannot be read: ${why}`));
  for (const { reason } of silent) lines.push(paint.yellow(reason));
  const sets = best.sets.length === 0 ? "No broker sets yet.\n" : setTable(best.sets);
  const remarks = [...lines, ...setRemarks(best.sets, paint)].map((text) => `${text}\n`).join("");
  return [table, sets, remarks].filter((part) => part !== "").join("\n");
}

async function ready(call: Call): Promise<number> {
  noArgs(call, "ready");
  const { arbiters, silent } = await readStatuses(call);
  const unready = arbiters.flatMap(({ site, quorum, ledger, voting }) => [
    ...(quorum.fresh ? [] : [`${site} has no quorum in etcd`]),
    ...(ledger.followed ? [] : [`${site} has not read the ledger yet`]),
    ...(voting.includes(site)
      ? []
      : [
          voting.length === 0
            ? "no voting sites are named: idcctl init"
            : `${site} is not among the voting sites: ${voting.join(", ")}`,
        ]),
    ...ledger.unreadable.map(({ key, why }) => `${site} cannot read ${key}: ${why}`),
  ]);
  const report = {
    ready: unready.length === 0 && silent.length === 0,
    why: [...unready, ...silent.map(({ reason }) => reason)],
  };
  call.write(
    formatOutput(report, call.output, (value) =>
      value.ready ? "ready\n" : value.why.map((line) => `${line}\n`).join(""),
    ),
  );
  return report.ready ? exitCodes.ok : exitCodes.different;
}

async function pause(call: Call): Promise<number> {
  noArgs(call, "pause");
  const forMs = call.flags.for === undefined ? undefined : parseTime(call.flags.for);
  const client = call.arbiters();
  if (call.flags.dryRun) {
    const { pause: paused, sets } = await client.get<StatusReport>("/v1/status");
    call.write(
      paused === null
        ? `Would pause the failover of all ${sets.length} broker sets\n`
        : `Already paused since ${paused.at}: ${paused.reason}\n`,
    );
    return exitCodes.ok;
  }
  const { done } = await client.post<DoneReport>("/v1/pause", {
    reason: call.flags.reason,
    ...(forMs === undefined ? {} : { forMs }),
  });
  call.write(`${done}${forMs === undefined ? "" : ` for ${formatMs(forMs)}`}; idcctl resume --reason "…" ends it\n`);
  return exitCodes.ok;
}

async function resume(call: Call): Promise<number> {
  noArgs(call, "resume");
  const client = call.arbiters();
  if (call.flags.dryRun) {
    const { pause: paused } = await client.get<StatusReport>("/v1/status");
    call.write(
      paused === null ? "Not paused, nothing to do\n" : `Would end the pause since ${paused.at}: ${paused.reason}\n`,
    );
    return exitCodes.ok;
  }
  const { done } = await client.post<DoneReport>("/v1/resume", { reason: call.flags.reason });
  call.write(`${done}\n`);
  return exitCodes.ok;
}
