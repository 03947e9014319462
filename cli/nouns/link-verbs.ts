import { exitCodes, OperatorError } from "#lib/errors.ts";
import { formatCount, formatMs, formatTable } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { ExplanationReport, LinkReport, SurveyReport } from "../../replicator/io/report.ts";
import { renderSurvey } from "../../replicator/render-plan.ts";
import type { Client } from "../client.ts";
import { formatOutput, type OutputFormat } from "../output.ts";

export interface LinkVerb {
  readonly client: Client;
  readonly link: string;
  readonly output: OutputFormat;
  readonly paint: Paint;
  readonly write: (output: string | Uint8Array) => void;
}

const differencesShownMax = 200;

/** What one replicator says of one link. */
type Row = LinkReport & { readonly replicator: string };

interface StatusReport {
  readonly links: readonly Row[];
  /** Replicators that did not answer. */
  readonly silent: readonly { readonly replicator: string; readonly reason: string }[];
}

/** `idcctl link status [LINK]`, of every replicator that was named. 6 when a link is not well. */
export async function linkStatus(verb: Omit<LinkVerb, "link"> & { link: string | undefined }): Promise<number> {
  const { link: wanted } = verb;
  const answers =
    wanted === undefined
      ? await verb.client.getFromAll<{ links: LinkReport[] }>("/v1/links")
      : (await verb.client.getFromAll<LinkReport>(pathOf(wanted, ""))).map(({ endpoint, answer }) => ({
          endpoint,
          answer: answer instanceof OperatorError ? answer : { links: [answer] },
        }));
  const report: StatusReport = {
    links: answers.flatMap(({ endpoint, answer }) =>
      answer instanceof OperatorError ? [] : answer.links.map((link) => ({ replicator: endpoint, ...link })),
    ),
    silent: answers.flatMap(({ endpoint, answer }) =>
      answer instanceof OperatorError ? [{ replicator: endpoint, reason: answer.message }] : [],
    ),
  };
  verb.write(formatOutput(report, verb.output, (value) => statusTable(value, verb.paint)));
  const names = new Set(report.links.map(({ name }) => name));
  const isWell = (name: string): boolean => isLinkWell(report.links.filter((link) => link.name === name));
  return [...names].every(isWell) ? exitCodes.ok : exitCodes.different;
}

/** `idcctl link plan LINK`: what the link would still change now. */
export async function linkPlan(verb: LinkVerb): Promise<number> {
  const report = await verb.client.get<SurveyReport>(pathOf(verb.link, "/plan"));
  verb.write(
    formatOutput(report, verb.output, (value) =>
      renderSurvey(value, { paint: verb.paint, differencesMax: differencesShownMax }),
    ),
  );
  return exitCodes.ok;
}

/** `idcctl link verify LINK`: 0 when both sides are equal under the rules, 6 when not. */
export async function linkVerify(verb: LinkVerb): Promise<number> {
  const report = await verb.client.get<SurveyReport>(pathOf(verb.link, "/verify"));
  verb.write(
    formatOutput(report, verb.output, (value) =>
      renderSurvey(value, { paint: verb.paint, differencesMax: differencesShownMax }),
    ),
  );
  return report.equal ? exitCodes.ok : exitCodes.different;
}

/** `idcctl link explain LINK PATH`: which rule takes a source path, and what it makes of it. */
export async function linkExplain(verb: LinkVerb & { path: string }): Promise<number> {
  const report = await verb.client.get<ExplanationReport>(
    pathOf(verb.link, `/explain?path=${encodeURIComponent(verb.path)}`),
  );
  verb.write(formatOutput(report, verb.output, (value) => renderExplanation(value, verb.paint)));
  return exitCodes.ok;
}

/** `idcctl link compare LINK`: asks for a full compare now. */
export async function linkCompare(verb: LinkVerb): Promise<number> {
  await verb.client.post(pathOf(verb.link, "/compare"), {});
  verb.write(`${verb.link}: compare asked for; idcctl link status shows when it is done\n`);
  return exitCodes.ok;
}

/** `idcctl link resume LINK --accept-deletes --reason R`: lets the deletes pass that the brake holds. */
export async function linkAcceptDeletes(verb: LinkVerb & { reason: string; dryRun: boolean }): Promise<number> {
  const { brake } = await verb.client.get<LinkReport>(pathOf(verb.link, ""));
  if (!brake.engaged) {
    verb.write(`${verb.link}: the delete brake is not engaged, nothing to accept\n`);
    return exitCodes.ok;
  }
  if (verb.dryRun) {
    verb.write(
      `${verb.link}: would delete ${formatCount(brake.held)} nodes in the target; idcctl link plan ${verb.link} lists them\n`,
    );
    return exitCodes.ok;
  }
  const { accepted } = await verb.client.post<{ accepted: number }>(pathOf(verb.link, "/accept-deletes"), {
    reason: verb.reason,
    held: brake.held,
  });
  verb.write(`${verb.link}: ${formatCount(accepted)} deletes accepted\n`);
  return exitCodes.ok;
}

/** `idcctl link pause LINK --reason R`: nothing is carried over until `link resume`, whichever replicator leads. */
export async function linkPause(verb: LinkVerb & { reason: string; dryRun: boolean }): Promise<number> {
  const { pause } = await verb.client.get<LinkReport>(pathOf(verb.link, ""));
  if (pause !== undefined) {
    verb.write(`${verb.link}: already paused since ${pause.at}: ${pause.reason}\n`);
    return exitCodes.ok;
  }
  if (verb.dryRun) {
    verb.write(`${verb.link}: would be paused; changes of the source would wait for idcctl link resume ${verb.link}\n`);
    return exitCodes.ok;
  }
  await verb.client.post(pathOf(verb.link, "/pause"), { reason: verb.reason });
  verb.write(`${verb.link}: paused; idcctl link resume ${verb.link} --reason "…" ends it\n`);
  return exitCodes.ok;
}

/** `idcctl link resume LINK [--source-wins] --reason R`: ends a pause, or lets a stopped link try again. */
export async function linkResume(
  verb: LinkVerb & { reason: string; sourceWins: boolean; dryRun: boolean },
): Promise<number> {
  const { phase, pause, stopped } = await verb.client.get<LinkReport>(pathOf(verb.link, ""));
  if (verb.dryRun) {
    const what = stopped === undefined ? phase : `stopped, ${stopped.code}`;
    const then = verb.sourceWins ? "what the source has would win over everything in the target" : "it would try again";
    verb.write(`${verb.link}: ${pause === undefined ? what : `paused: ${pause.reason}`}; ${then}\n`);
    return exitCodes.ok;
  }
  await verb.client.post(pathOf(verb.link, "/resume"), { reason: verb.reason, sourceWins: verb.sourceWins });
  verb.write(`${verb.link}: resumed; idcctl link status ${verb.link} shows whether it follows\n`);
  return exitCodes.ok;
}

/** `idcctl link init LINK --reason R`: a new fence for a link that is stopped for want of one. */
export async function linkInit(verb: LinkVerb & { reason: string; dryRun: boolean }): Promise<number> {
  const { stopped } = await verb.client.get<LinkReport>(pathOf(verb.link, ""));
  if (verb.dryRun) {
    verb.write(
      `${verb.link}: ${stopped === undefined ? "is not stopped, nothing to do" : `stopped, ${stopped.code}; would get a new fence`}\n`,
    );
    return exitCodes.ok;
  }
  await verb.client.post(pathOf(verb.link, "/init"), { reason: verb.reason });
  verb.write(`${verb.link}: asked for a new fence; idcctl link status ${verb.link} shows whether it follows\n`);
  return exitCodes.ok;
}

/** The name of the link when there is only one. */
export async function onlyLink(client: Client): Promise<string> {
  const { links } = await client.get<{ links: LinkReport[] }>("/v1/links");
  const [only, ...others] = links;
  if (only !== undefined && others.length === 0) return only.name;
  throw new OperatorError("CTL_WHICH_LINK", "Which link? The replicator has several", {
    hint: `Name one of ${links.map(({ name }) => name).join(", ")}`,
  });
}

export function pathOf(link: string, rest: string): string {
  return `/v1/links/${encodeURIComponent(link)}${rest}`;
}

/** None of its replicators has come to a stop, and one follows; of a standby alone we know who leads. */
function isLinkWell(rows: readonly LinkReport[]): boolean {
  if (rows.some(({ phase, brake }) => phase === "stopped" || phase === "paused" || brake.engaged)) return false;
  return rows.some(({ phase, leader }) => phase === "following" || (rows.length === 1 && leader !== undefined));
}

function statusTable({ links, silent }: StatusReport, paint: Paint): string {
  const several = silent.length > 0 || new Set(links.map(({ replicator }) => replicator)).size > 1;
  const table = formatTable(
    [
      ...(several ? ["REPLICATOR"] : []),
      "LINK",
      "PHASE",
      "PENDING",
      "OLDEST",
      "NODES",
      "EPOCH",
      "WATCH",
      "LAST COMPARE",
      "BRAKE",
      "HELD BACK",
    ],
    links.map((link) => [
      ...(several ? [link.replicator.replace("http://", "")] : []),
      link.name,
      link.stopped === undefined ? link.phase : `stopped: ${link.stopped.code}`,
      link.pending,
      formatMs(link.oldestPendingMs),
      link.targetNodes,
      link.epoch ?? "-",
      link.watch ?? "-",
      link.lastCompare === undefined
        ? "-"
        : `${formatMs(link.lastCompare.ageMs)} ago, ${link.lastCompare.differences} differed`,
      link.brake.engaged ? `holds ${link.brake.held} deletes` : "released",
      Object.values(link.problemCounts).reduce((sum, count) => sum + count, 0),
    ]),
  );
  const silences = silent.map(({ reason }) => paint.yellow(`${reason}\n`));
  return table + [...links.flatMap((link) => remarks(link, paint)), ...silences].join("");
}

const problemsShownMax = 20;

/** What the table has no room for: why a link is where it is, and what it holds back. */
function remarks(link: LinkReport, paint: Paint): string[] {
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(`${link.name}: ${text}\n`);
  if (link.leader !== undefined) say(paint.dim(`standby: ${link.leader} leads`));
  if (link.pause !== undefined) {
    say(
      paint.yellow(
        `paused since ${link.pause.at}: ${link.pause.reason}. To end it: idcctl link resume ${link.name} --reason "…"`,
      ),
    );
  }
  if (link.stopped !== undefined) say(paint.red(`stopped, ${link.stopped.code}: ${link.stopped.detail}`));
  for (const side of ["source", "target"] as const) {
    const { state, reason } = link[side];
    if (state !== "connected") say(paint.yellow(`${side} is ${state}${reason === undefined ? "" : `: ${reason}`}`));
  }
  if (link.watch === "polling")
    say(
      paint.yellow(
        "the source has no recursive watches (ZooKeeper before 3.6): changes are found by comparing on a timer",
      ),
    );
  if (link.canary?.problem !== undefined)
    say(paint.yellow(`${link.canary.problem.code}: ${link.canary.problem.detail}`));
  else if (link.canary?.ageMs !== undefined) {
    const { ageMs, lagMs } = link.canary;
    say(
      paint.dim(
        `canary: the last one arrived ${formatMs(ageMs)} ago${lagMs === undefined ? "" : `, after ${formatMs(lagMs)}`}`,
      ),
    );
  }
  if (link.tombstones > 0) {
    const many = `${formatCount(link.tombstones)} nodes that are gone at the source`;
    say(`${many} stay in the target until their time is over; idcctl link plan ${link.name} lists them`);
  }
  if (link.brake.engaged) {
    say(
      paint.red(
        `delete brake engaged (${link.brake.reason}): ${link.brake.held} deletes wait. Look at idcctl link plan ${link.name}, then idcctl link resume ${link.name} --accept-deletes --reason "…"`,
      ),
    );
  }
  for (const { kind, path, detail } of link.problems.slice(0, problemsShownMax))
    say(paint.yellow(`${kind} ${path}: ${detail.replace(`${path}: `, "")}`));
  if (link.problems.length > problemsShownMax)
    say(paint.dim(`… and ${link.problems.length - problemsShownMax} more held back (-o json)`));
  return lines;
}

function renderExplanation(report: ExplanationReport, paint: Paint): string {
  const lines = [paint.bold(report.source)];
  for (const { rule, match, action, whyNot } of report.tried) {
    lines.push(
      whyNot === undefined
        ? paint.green(`  rule ${rule}  ${match}  ${action}`)
        : paint.dim(`  rule ${rule}  ${match}  no: ${whyNot}`),
    );
  }
  for (const { name, value } of report.captures) lines.push(`    {${name}} = ${value}`);
  lines.push(`  ${report.because}`);
  if (report.target !== undefined) lines.push(`  -> ${paint.bold(report.target)}`);
  if (report.change?.kind === "lines") {
    for (const { line, before, after } of report.change.changes) {
      for (const text of before) lines.push(paint.red(`      ${line} - ${text}`));
      for (const text of after) lines.push(paint.green(`      ${line} + ${text}`));
    }
  } else if (report.change?.kind === "same") lines.push(`      ${report.change.bytes} bytes, as they are`);
  else if (report.change?.kind === "bytes")
    lines.push(`      ${report.change.before} bytes become ${report.change.after}`);
  lines.push(report.sourceExists ? "  in the source: yes" : "  in the source: no");
  if (report.inTarget !== undefined)
    lines.push(
      `  in the target: ${report.inTarget.exists ? (report.inTarget.equal ? "yes, equal" : "yes, different") : "no"}`,
    );
  if (report.acl !== undefined)
    lines.push(
      "given" in report.acl
        ? `  ACL in the target: ${report.acl.given.join(", ")}`
        : paint.yellow(`  ACL in the target: none, ${report.acl.held}`),
    );
  if (report.problem !== undefined) lines.push(paint.yellow(`  held back: ${report.problem}`));
  return `${lines.join("\n")}\n`;
}
