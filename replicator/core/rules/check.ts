import { sourcesOf, translatePath } from "./paths.ts";
import { matchPattern, type Part, type Pattern, quote, type Segment } from "./pattern.ts";
import type { CopyRule, Rule, RuleProblem, RuleSet } from "./ruleset.ts";

/** Most rows of the cluster table that the search for collisions tries in place of a mapped name. */
const rowsTriedMax = 64;

/** Rules whose every path an earlier rule takes. */
export function rulesThatNeverApply(rules: readonly Rule[]): RuleProblem[] {
  return rules.flatMap((rule, position) => {
    const earlier = rules.slice(0, position).find((one) => covers(one.match, rule.match));
    if (earlier === undefined) return [];
    return {
      path: ["rules", rule.index, "match"],
      message: `never applies: every path it fits is taken by rule ${earlier.index} (${quote(earlier.match.source)})`,
      remedy: `move it before rule ${earlier.index}, or take it out`,
    };
  });
}

/**
 * Pairs of copy rules by which two source paths map to one target path (I8). Each report has such a pair, found by trying and
 * verified by the rules themselves: so what an earlier rule shadows is no collision. Templates with several captures in one
 * segment may hide collisions from this search, and so may names that stay as they are because they have no row; those show
 * when both sources exist.
 */
export function rulesThatCollide(rules: RuleSet): RuleProblem[] {
  const copies = rules.rules.filter((rule) => rule.action === "copy");
  const names = namesToTry(rules);
  return copies.flatMap((rule, position) => {
    for (const earlier of copies.slice(0, position)) {
      for (const target of sharedPaths(earlier.to.pattern, rule.to.pattern, names)) {
        const sources = sourcesOf(rules, target);
        const [one, other] = [earlier, rule].map(({ index }) =>
          sources.find((source) => ruleOf(rules, source) === index),
        );
        if (one !== undefined && other !== undefined) return [collision(rule, earlier, target, [one, other])];
      }
    }
    return [];
  });
}

function ruleOf(rules: RuleSet, source: string): number | undefined {
  const outcome = translatePath(rules, source);
  return outcome.kind === "copy" ? outcome.rule : undefined;
}

/** Paths that fit both patterns, as general as can be; one for each of the names, which stand where either maps a cluster. */
export function sharedPaths(one: Pattern, other: Pattern, names: readonly string[]): string[] {
  if (textsDiffer(one, other)) return [];
  const length = Math.max(one.segments.length + Number(one.rest), other.segments.length + Number(other.rest));
  const mapped = [one, other].some(({ segments }) => segments.some((segment) => segment.some(isMapped)));
  const paths = new Set<string>();
  for (const name of mapped ? [undefined, ...names] : [undefined]) {
    const path: string[] = [];
    for (let index = 0; index < length; index++) {
      path.push(sharedSegment(one.segments[index], other.segments[index], name, index));
    }
    if (fits(one, path) && fits(other, path)) paths.add(`/${path.join("/")}`);
  }
  return [...paths];
}

/** The quick no for almost all pairs. */
function textsDiffer(one: Pattern, other: Pattern): boolean {
  if (!one.rest && !other.rest && one.segments.length !== other.segments.length) return true;
  return one.segments.some(([first, ...more], index) => {
    const [second, ...others] = other.segments[index] ?? [];
    if (first.kind !== "text" || second?.kind !== "text") return false;
    return more.length === 0 && others.length === 0 && first.text !== second.text;
  });
}

/** Names of the target's clusters, as they stand in target paths. */
export function namesToTry(rules: RuleSet): string[] {
  return [...new Set(rules.tables.clusters.values())].slice(0, rowsTriedMax);
}

function sharedSegment(one: Segment | undefined, other: Segment | undefined, name: string | undefined, index: number) {
  const fixed = [one, other].find((segment) => segment?.length === 1 && segment[0].kind === "text");
  const mixed = [one, other].find((segment) => segment !== undefined && segment.length > 1);
  const mapped = [one, other].some((segment) => segment?.some(isMapped));
  const fresh = `any${index}`;
  return (
    (fixed ?? mixed ?? [])
      .map((part) => (part.kind === "text" ? part.text : isMapped(part) && name !== undefined ? name : fresh))
      .join("") || (mapped && name !== undefined ? name : fresh)
  );
}

function isMapped(part: Part): boolean {
  return part.kind === "capture" && part.table !== undefined;
}

function fits(pattern: Pattern, path: readonly string[]): boolean {
  return matchPattern(pattern, `/${path.join("/")}`) !== undefined;
}

/**
 * Whether the first pattern fits every path the second one fits. Exact: a capture is filled with a character that no text may
 * have, so only a capture of the first can take it, and would take anything else as well.
 */
function covers(one: Pattern, other: Pattern): boolean {
  if (other.rest && !one.rest) return false;
  const path = other.segments.map((segment) =>
    segment.map((part) => (part.kind === "text" ? part.text : wild)).join(""),
  );
  return fits(one, other.rest ? [...path, wild] : path);
}

const wild = "\ue000";

function collision(rule: CopyRule, earlier: CopyRule, target: string, sources: readonly string[]): RuleProblem {
  return {
    path: ["rules", rule.index, "to"],
    message: `maps to the same paths as rule ${earlier.index}: ${sources.map(quote).join(" and ")} both become ${quote(target)}`,
    remedy: "give one of them another target, or ignore one of the sources before",
  };
}
