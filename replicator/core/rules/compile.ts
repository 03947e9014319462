import type { LinkConfig, RuleConfig } from "#config/replicator.ts";
import { hashText } from "../hash.ts";
import { rulesThatCollide, rulesThatNeverApply } from "./check.ts";
import { compileEdits } from "./edits/edit.ts";
import { captureNames, literalRoot, type Parsed, type Pattern, parsePattern, quote, restName } from "./pattern.ts";
import type { CopyRule, Rule, RuleProblem, RuleSet } from "./ruleset.ts";
import { checkAddresses, checkNamesInPaths } from "./table-checks.ts";
import { createTables, type Tables } from "./tables.ts";
import { compileTemplate } from "./template.ts";

export type RulesConfig = Pick<LinkConfig, "clusters" | "rules" | "unmapped" | "onBadData">;

export type Compiled =
  | { readonly ok: true; readonly rules: RuleSet }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] };

/** Checks the rules of a link and makes them ready. Never throws: what is wrong comes back, each with its place and a remedy. */
export function compileRules(link: RulesConfig): Compiled {
  const tables = createTables(link.clusters);
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [];
  for (const [index, config] of link.rules.entries()) {
    const compiled = compileRule(config, index, tables, link.unmapped);
    if ("problems" in compiled) problems.push(...compiled.problems.map((one) => below(["rules", index], one)));
    else rules.push(compiled.rule);
  }
  problems.push(...checkNamesInPaths(link.clusters, rules), ...checkAddresses(link.clusters, link.rules));
  if (problems.length > 0) return { ok: false, problems };
  const ready: RuleSet = {
    hash: hashText(canonical([link.clusters, link.rules, link.unmapped, link.onBadData])),
    sourceRoots: topmost(rules.flatMap((rule) => (rule.action === "copy" ? [literalRoot(rule.match)] : []))),
    targetRoots: topmost(rules.flatMap((rule) => (rule.action === "copy" ? [literalRoot(rule.to.pattern)] : []))),
    rules,
    tables,
    unmapped: link.unmapped,
    onBadData: link.onBadData,
  };
  problems.push(...rulesThatNeverApply(rules), ...rulesThatCollide(ready));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rules: ready };
}

function compileRule(
  config: RuleConfig,
  index: number,
  tables: Tables,
  unmapped: LinkConfig["unmapped"],
): { rule: Rule } | { problems: RuleProblem[] } {
  const match = parseMatch(config.match);
  if (!match.ok) return { problems: [{ path: ["match"], message: match.message, remedy: match.remedy }] };
  if (config.action === "ignore") {
    const problems = (["to", "data"] as const)
      .filter((key) => config[key] !== undefined)
      .map((key) => ({
        path: [key],
        message: `an ignored path has no \`${key}\``,
        remedy: `take \`${key}\` out, or set action: copy`,
      }));
    return problems.length > 0 ? { problems } : { rule: { action: "ignore", index, match: match.pattern } };
  }
  const to = parseTo(config.to, match.pattern);
  const edits = config.data === undefined ? { edit: undefined } : compileEdits(config.data, tables, unmapped);
  const problems: RuleProblem[] = [];
  if (!to.ok) problems.push({ path: ["to"], message: to.message, remedy: to.remedy });
  if ("problems" in edits) problems.push(...edits.problems.map((one) => below(["data"], one)));
  if (!to.ok || "problems" in edits) return { problems };
  const names = captureNames(match.pattern);
  const rule: CopyRule = {
    action: "copy",
    index,
    match: match.pattern,
    from: compileTemplate(match.pattern, names),
    to: compileTemplate(to.pattern, names),
    keepsPath: to.pattern.source === match.pattern.source,
    edit: edits.edit,
  };
  return { rule };
}

function parseMatch(source: string): Parsed {
  const parsed = parsePattern(source);
  if (!parsed.ok) return parsed;
  const mapped = parsed.pattern.segments.flat().find((part) => part.kind === "capture" && part.table !== undefined);
  if (mapped?.kind !== "capture") return parsed;
  return {
    ok: false,
    message: `maps {${mapped.name}} through a table, but \`match\` takes names as the source has them`,
    remedy: `write {${mapped.name}} here and {${mapped.name}:${mapped.table}} in \`to\``,
  };
}

/** Every capture exactly once: with one left out two sources would map to one target. */
function parseTo(source: string | undefined, match: Pattern): Parsed {
  if (source === undefined) {
    return { ok: false, message: "a copied path needs `to`", remedy: "write the target path, or set action: ignore" };
  }
  const parsed = parsePattern(source);
  if (!parsed.ok) return parsed;
  const { pattern } = parsed;
  if (pattern.rest !== match.rest) {
    const [has, lacks] = pattern.rest ? ["`to`", "`match`"] : ["`match`", "`to`"];
    return {
      ok: false,
      message: `${has} ends with **, ${lacks} doesn't`,
      remedy: "write ** at the end of both, or of none",
    };
  }
  const known = captureNames(match);
  const used = captureNames(pattern);
  const unknown = used.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const names = known.filter((name) => name !== restName).map((name) => `{${name}}`);
    return {
      ok: false,
      message: `uses {${unknown}}, which ${quote(match.source)} doesn't capture`,
      remedy: names.length > 0 ? `use ${names.join(", ")}` : "capture it in `match`, or write text",
    };
  }
  const unused = known.find((name) => !used.includes(name));
  if (unused === undefined) return parsed;
  return {
    ok: false,
    message: `doesn't use {${unused}}, so source paths that differ only there would map to one target path`,
    remedy: `use {${unused}} once, or write text for it in \`match\``,
  };
}

function below(path: readonly (string | number)[], problem: RuleProblem): RuleProblem {
  return { ...problem, path: [...path, ...problem.path] };
}

/** Without those that lie below another. */
function topmost(roots: readonly string[]): string[] {
  const distinct = [...new Set(roots)].sort();
  return distinct.filter((root) => !distinct.some((other) => other !== root && isBelow(root, other)));
}

function isBelow(path: string, ancestor: string): boolean {
  return ancestor === "/" || path.startsWith(`${ancestor}/`);
}

/** JSON whose members are sorted, so that the order in the file doesn't matter where it means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
