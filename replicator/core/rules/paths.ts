import {
  fits,
  fitsAllBelow,
  hasBadCharacter,
  isPath,
  matchPattern,
  mayFitBelow,
  quote,
  reservedRoot,
  segmentsOf,
} from "./pattern.ts";
import type { CopyRule, PathOutcome, Rule, RuleSet } from "./ruleset.ts";
import { fill, splitsMax, splitsOf } from "./template.ts";

/** What the rules say of paths alone. */

/** The first rule that fits decides. */
export function translatePath(rules: RuleSet, source: string): PathOutcome {
  const ofAll = ruleOfSiblings(rules, source);
  if (ofAll !== undefined) return checked(ofAll, source);
  if (!isPath(source)) return { kind: "unruled" };
  if (reservedRoot(source) !== undefined) return canaryOf(rules, source);
  for (const rule of rules.rules) {
    if (rule.action === "ignore") {
      if (fits(rule.match, source)) return { kind: "ignored", rule: rule.index };
      continue;
    }
    const outcome = rule.keepsPath ? kept(rule, source) : moved(rules, rule, source);
    if (outcome !== undefined) return outcome;
  }
  return { kind: "unruled" };
}

/**
 * All source paths that map to this target path, each verified by translatePath(): the target path is ours (I7) when there is
 * one, and contested (I8) when there are several.
 */
export function sourcesOf(rules: RuleSet, target: string): readonly string[] {
  const sources: string[] = [];
  findSources(rules, target, (source) => {
    if (!sources.includes(source)) sources.push(source);
    return true;
  });
  return sources;
}

/** Whether there is any. */
export function hasSources(rules: RuleSet, target: string): boolean {
  const ofAll = ruleOfSiblings(rules, target);
  if (ofAll !== undefined && whyInvalid(ofAll, target) === undefined) return true;
  return !findSources(rules, target, () => false);
}

/** Tells `found` each source, some of them twice, as long as it wants more. False: it does not want any more. */
function findSources(rules: RuleSet, target: string, found: (source: string) => boolean): boolean {
  if (!isPath(target)) return true;
  if (reservedRoot(target) !== undefined) return target !== rules.canary?.target || found(rules.canary.source);
  for (const rule of rules.rules) {
    if (rule.action === "ignore") continue;
    if (rule.keepsPath) {
      if (leadsTo(rules, target, target) && !found(target)) return false;
      continue;
    }
    for (const source of candidates(rules, rule, target)) {
      if (leadsTo(rules, source, target) && !found(source)) return false;
    }
  }
  return true;
}

function leadsTo(rules: RuleSet, source: string, target: string): boolean {
  const outcome = translatePath(rules, source);
  return outcome.kind === "copy" && outcome.target === target;
}

/** Whether a scan must look below this source path: some descendant could be copied. */
export function mayHoldSources(rules: RuleSet, source: string): boolean {
  if (ruleOfSiblings(rules, source) !== undefined) return true;
  if (!isPathOrRoot(source) || reservedRoot(source) !== undefined) return false;
  for (const rule of rules.rules) {
    if (rule.action === "copy" && mayFitBelow(rule.match, source)) return true;
    if (ignoresAllBelow(rule, source)) return false;
  }
  return false;
}

/** The same for a target path: whether we could have written something below it. */
export function mayHoldTargets(rules: RuleSet, target: string): boolean {
  if (!isPathOrRoot(target) || reservedRoot(target) !== undefined) return false;
  return rules.rules.some((rule) => rule.action === "copy" && mayFitBelow(rule.to.pattern, target));
}

/** Siblings come one after the other: what the rules say of all that is directly below one node is worked out once. */
let siblings: { rules: RuleSet | undefined; parent: string; rule: CopyRule | undefined } = {
  rules: undefined,
  parent: "",
  rule: undefined,
};

/** The rule that copies every child of the path's parent to itself, whatever its name, if there is one. */
function ruleOfSiblings(rules: RuleSet, path: string): CopyRule | undefined {
  const slash = path.lastIndexOf("/");
  if (slash <= 0 || slash === path.length - 1) return undefined;
  if (siblings.rules !== rules || siblings.parent.length !== slash || !path.startsWith(siblings.parent)) {
    const parent = path.slice(0, slash);
    siblings = { rules, parent, rule: ruleOfAllBelow(rules, parent) };
  }
  return siblings.rule;
}

function ruleOfAllBelow(rules: RuleSet, parent: string): CopyRule | undefined {
  if (!isPath(parent) || reservedRoot(parent) !== undefined) return undefined;
  const first = rules.rules.find(({ match }) => mayFitBelow(match, parent));
  if (first?.action !== "copy" || !first.keepsPath) return undefined;
  return fitsAllBelow(first.match, parent) ? first : undefined;
}

function isPathOrRoot(path: string): boolean {
  return path === "/" || isPath(path);
}

/** It has no rule, and its data is copied as it is. */
function canaryOf(rules: RuleSet, source: string): PathOutcome {
  if (source !== rules.canary?.source) return { kind: "unruled" };
  return { kind: "copy", rule: rules.rules.length, target: rules.canary.target };
}

/** What a rule that copies every path to itself says of this one; undefined: it does not fit. */
function kept(rule: CopyRule, source: string): PathOutcome | undefined {
  return fits(rule.match, source) ? checked(rule, source) : undefined;
}

function moved(rules: RuleSet, rule: CopyRule, source: string): PathOutcome | undefined {
  const captures = matchPattern(rule.match, source);
  if (captures === undefined) return undefined;
  const filled = fill(rule.to, captures, (name) => mapCluster(rules, name));
  if ("path" in filled) return checked(rule, filled.path);
  const kind = rules.unmapped === "skip" ? "skipped" : "unmapped";
  return { kind, rule: rule.index, table: "clusters", value: filled.unmapped, at: undefined, target: undefined };
}

function checked(rule: CopyRule, target: string): PathOutcome {
  const message = whyInvalid(rule, target);
  if (message !== undefined) return { kind: "invalidTarget", rule: rule.index, target, message };
  return { kind: "copy", rule: rule.index, target };
}

function mapCluster(rules: RuleSet, name: string): string | undefined {
  return rules.tables.clusters.get(name) ?? (rules.unmapped === "copy" ? name : undefined);
}

/** Captures and rows may make what no text in a rule may be. */
function whyInvalid(rule: CopyRule, target: string): string | undefined {
  const reserved = reservedRoot(target);
  if (!rule.to.ambiguous && !suspicious.test(target) && reserved === undefined) return undefined;
  const path = segmentsOf(target);
  if (path === undefined) return `target ${quote(target)} has an empty segment`;
  if (reserved !== undefined) return `target ${quote(target)} lies in /${reserved}, which the rules never write`;
  if (path.includes(".") || path.includes("..")) {
    return `target ${quote(target)} has a segment . or .., which ZooKeeper refuses`;
  }
  if (hasBadCharacter(target)) return `target ${quote(target)} has a character that ZooKeeper refuses`;
  if (rule.to.ambiguous && splitsOf(rule.to, target) === undefined) {
    return `target ${quote(target)} could come from more than ${splitsMax} source paths`;
  }
  return undefined;
}

/** One look that tells almost every target from those worth a closer one. */
const suspicious = /[^ -~]|\/[./]/;

/** Source paths that this rule may have made this target path of. */
function candidates(rules: RuleSet, rule: CopyRule, target: string): readonly string[] {
  const sources: string[] = [];
  for (const mapped of splitsOf(rule.to, target) ?? []) {
    for (const captures of unmappedWays(rules, rule, mapped)) {
      const filled = fill(rule.from, captures, asItIs);
      if ("path" in filled) sources.push(filled.path);
    }
  }
  return sources;
}

const asItIs = (name: string): string => name;

/** Captures that, mapped, are these. */
function unmappedWays(rules: RuleSet, rule: CopyRule, mapped: readonly string[]): (readonly string[])[] {
  let ways = [mapped];
  for (const capture of rule.to.mapped) {
    const name = mapped[capture] ?? "";
    const names = [...(rules.tables.clustersBack.get(name) ?? [])];
    if (rules.unmapped === "copy" && !rules.tables.clusters.has(name)) names.push(name);
    ways = ways.flatMap((way) => names.map((value) => way.with(capture, value)));
  }
  return ways;
}

function ignoresAllBelow(rule: Rule, path: string): boolean {
  return rule.action === "ignore" && fitsAllBelow(rule.match, path);
}
