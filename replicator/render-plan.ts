import { formatCount, formatMs } from "#lib/table.ts";
import type { Paint } from "#lib/terminal.ts";
import type { DifferenceReport, SurveyReport } from "./io/report.ts";

const marks = { create: "+", update: "~", delete: "-", acl: "~" } as const;

/** A plan or a verify as people read it: what would change, why some paths are held back, and the sums by rule. */
export function renderSurvey(report: SurveyReport, options: { paint: Paint; differencesMax: number }): string {
  const { paint, differencesMax } = options;
  const { counts, problems, brake, tombstones } = report;
  const total = counts.create + counts.update + counts.delete + counts.acl;
  const lines = [
    paint.bold(`Link ${report.link}`) +
      paint.dim(
        `  ${formatCount(report.sourceNodes)} source nodes read, ${formatCount(report.targetNodes)} target nodes read`,
      ),
  ];
  for (const difference of report.differences.slice(0, differencesMax))
    lines.push(...renderDifference(difference, paint));
  if (total > differencesMax)
    lines.push(paint.dim(`  … and ${formatCount(total - differencesMax)} more (-o json lists up to 10,000)`));
  for (const { kind, path, detail } of problems.slice(0, differencesMax)) {
    lines.push(paint.yellow(`  ! ${kind}  ${path}`), paint.dim(`      ${detail.replace(`${path}: `, "")}`));
  }
  if (brake.engaged) {
    lines.push(
      paint.red(`  Delete brake (${brake.reason}): ${formatCount(brake.held)} deletes would wait for an operator`),
    );
  }
  for (const { path, goneForMs } of tombstones.listed.slice(0, differencesMax))
    lines.push(paint.dim(`  . stays   ${path}  gone at the source for ${formatMs(goneForMs)}`));
  for (const [rule, of] of Object.entries(report.byRule)) {
    lines.push(`  rule ${rule}: ${sums(of)}`);
  }
  const held = Object.entries(report.problemCounts).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  lines.push(
    report.equal
      ? paint.green("  Equal: 0 differences")
      : `  ${[sums(counts), ...(held.length === 0 ? [] : [`held back: ${held.join(", ")}`])].join("; ")}`,
  );
  return `${lines.join("\n")}\n`;
}

function renderAcl({ before, after }: NonNullable<DifferenceReport["acl"]>, paint: Paint): string[] {
  const gone = before.filter((text) => !after.includes(text));
  const come = after.filter((text) => !before.includes(text));
  // Digests are not shown.
  if (gone.length + come.length === 0) return [paint.dim("      the same users, another digest")];
  return [...gone.map((text) => paint.red(`      - ${text}`)), ...come.map((text) => paint.green(`      + ${text}`))];
}

/** ACLs are named only where some differ: most links do not copy them. */
function sums(counts: SurveyReport["counts"]): string {
  const { create, update, delete: deletes, acl } = counts;
  const data = `${formatCount(create)} to create, ${formatCount(update)} to update, ${formatCount(deletes)} to delete`;
  return acl === 0 ? data : `${data}, ${formatCount(acl)} ${acl === 1 ? "ACL" : "ACLs"} to set`;
}

function renderDifference(difference: DifferenceReport, paint: Paint): string[] {
  const { action, target, source, rule, lines: changes, braked, acl } = difference;
  const colour = { create: paint.green, update: paint.yellow, delete: paint.red, acl: paint.yellow }[action];
  const from = source === undefined || source === target ? "" : paint.dim(`  from ${source}`);
  const head =
    colour(`  ${marks[action]} ${action}  ${target}`) + from + paint.dim(rule === undefined ? "" : `  (rule ${rule})`);
  const lines = [head + (braked ? paint.red("  held by the delete brake") : "")];
  for (const { line, before, after } of changes ?? []) {
    for (const text of before) lines.push(paint.red(`      ${line} - ${text}`));
    for (const text of after) lines.push(paint.green(`      ${line} + ${text}`));
  }
  if (acl !== undefined) lines.push(...renderAcl(acl, paint));
  return lines;
}
