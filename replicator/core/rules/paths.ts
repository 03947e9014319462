import { hasBadCharacter, isReserved, matchPattern, mayFitBelow, quote, segmentsOf } from "./pattern.ts";
import type { CopyRule, PathOutcome, Rule, RuleSet } from "./ruleset.ts";
import { fill, splitsMax, splitsOf } from "./template.ts";

/** What the rules say of paths alone. */

/** The first rule that fits decides. */
export function translatePath(rules: RuleSet, source: string): PathOutcome {
  const path = segmentsOf(source);
  if (path === undefined || isReserved(path[0])) return { kind: "unruled" };
  for (const rule of rules.rules) {
    const captures = matchPattern(rule.match, path);
    if (captures === undefined) continue;
    if (rule.action === "ignore") return { kind: "ignored", rule: rule.index };
    return targetOf(rules, rule, captures);
  }
  return { kind: "unruled" };
}

/**
 * All source paths that map to this target path, each verified by translatePath(): the target path is ours (I7) when there is
 * one, and contested (I8) when there are several.
 */
export function sourcesOf(rules: RuleSet, target: string): readonly string[] {
  const path = segmentsOf(target);
  if (path === undefined || isReserved(path[0])) return [];
  const sources = new Set<string>();
  for (const rule of rules.rules) {
    if (rule.action === "ignore") continue;
    for (const captures of splitsOf(rule.to, path) ?? []) {
      for (const source of candidates(rules, rule, captures)) {
        const outcome = translatePath(rules, source);
        if (outcome.kind === "copy" && outcome.target === target) sources.add(source);
      }
    }
  }
  return [...sources];
}

/** Whether a scan must look below this source path: some descendant could be copied. */
export function mayHoldSources(rules: RuleSet, source: string): boolean {
  const path = source === "/" ? [] : segmentsOf(source);
  if (path === undefined || isReserved(path[0])) return false;
  for (const rule of rules.rules) {
    if (rule.action === "copy" && mayFitBelow(rule.match, path)) return true;
    if (ignoresAllBelow(rule, path)) return false;
  }
  return false;
}

/** The same for a target path: whether we could have written something below it. */
export function mayHoldTargets(rules: RuleSet, target: string): boolean {
  const path = target === "/" ? [] : segmentsOf(target);
  if (path === undefined || isReserved(path[0])) return false;
  return rules.rules.some((rule) => rule.action === "copy" && mayFitBelow(rule.to.pattern, path));
}

function targetOf(rules: RuleSet, rule: CopyRule, captures: readonly string[]): PathOutcome {
  const filled = fill(rule.to, captures, (name) => mapCluster(rules, name));
  if ("unmapped" in filled) {
    const kind = rules.unmapped === "skip" ? "skipped" : "unmapped";
    return { kind, rule: rule.index, table: "clusters", value: filled.unmapped, at: undefined, target: undefined };
  }
  const message = whyInvalid(rule, filled.path);
  if (message !== undefined) return { kind: "invalidTarget", rule: rule.index, target: filled.path, message };
  return { kind: "copy", rule: rule.index, target: filled.path, captures };
}

function mapCluster(rules: RuleSet, name: string): string | undefined {
  return rules.tables.clusters.get(name) ?? (rules.unmapped === "copy" ? name : undefined);
}

/** Captures and rows may make what no text in a rule may be. */
function whyInvalid(rule: CopyRule, target: string): string | undefined {
  if (!rule.to.ambiguous && !suspicious.test(target) && !mayBeReserved(target)) return undefined;
  const path = segmentsOf(target);
  if (path === undefined) return `target ${quote(target)} has an empty segment`;
  if (isReserved(path[0])) return `target ${quote(target)} lies in /${path[0]}, which the rules never write`;
  if (path.includes(".") || path.includes("..")) {
    return `target ${quote(target)} has a segment . or .., which ZooKeeper refuses`;
  }
  if (hasBadCharacter(target)) return `target ${quote(target)} has a character that ZooKeeper refuses`;
  if (rule.to.ambiguous && splitsOf(rule.to, path) === undefined) {
    return `target ${quote(target)} could come from more than ${splitsMax} source paths`;
  }
  return undefined;
}

/** One look that tells almost every target from those worth a closer one. */
const suspicious = /[^ -~]|\/[./]/;

function mayBeReserved(path: string): boolean {
  return path.startsWith("/zookeeper") || path.startsWith("/crossidc");
}

/** Source paths whose captures, mapped, are these. */
function candidates(rules: RuleSet, rule: CopyRule, mapped: readonly string[]): string[] {
  let ways: (readonly string[])[] = [mapped];
  for (const piece of rule.to.pieces) {
    if (typeof piece === "string" || piece.table === undefined) continue;
    const { capture } = piece;
    const name = mapped[capture] ?? "";
    const names = [...(rules.tables.clustersBack.get(name) ?? [])];
    if (rules.unmapped === "copy" && !rules.tables.clusters.has(name)) names.push(name);
    ways = ways.flatMap((way) => names.map((value) => way.with(capture, value)));
  }
  return ways.flatMap((way) => {
    const filled = fill(rule.from, way, (name) => name);
    return "path" in filled ? [filled.path] : [];
  });
}

function ignoresAllBelow(rule: Rule, path: readonly string[]): boolean {
  return (
    rule.action === "ignore" &&
    rule.match.rest &&
    path.length >= rule.match.segments.length &&
    mayFitBelow(rule.match, path)
  );
}
