import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import { type LineChange, lineChanges } from "./line-changes.ts";
import { translatePath } from "./paths.ts";
import {
  captureNames,
  isPath,
  matchPattern,
  matchSegment,
  type Pattern,
  quote,
  reservedRoot,
  type Segment,
  segmentsOf,
} from "./pattern.ts";
import type { PathOutcome, RuleSet, Translation } from "./ruleset.ts";
import { translate } from "./translate.ts";

/** Why a source path becomes what it becomes. Made for people. */
export interface Explanation {
  readonly source: string;
  /** The rules in order, up to the first that fits. */
  readonly tried: readonly Attempt[];
  readonly captures: readonly { readonly name: string; readonly value: string }[];
  readonly outcome: Translation["kind"];
  /** The outcome as a sentence. */
  readonly because: string;
  readonly target: string | undefined;
  /** The source's data; undefined when it is not known. */
  readonly before: NodeData | undefined;
  /** What the target gets; undefined when nothing is copied, or `before` is not known. */
  readonly after: NodeData | undefined;
  /** From `before` to `after`. */
  readonly change: DataChange | undefined;
}

interface Attempt {
  readonly rule: number;
  readonly match: string;
  readonly action: "copy" | "ignore";
  /** undefined: it fits. */
  readonly whyNot: string | undefined;
}

type DataChange =
  | { readonly kind: "null" }
  | { readonly kind: "same"; readonly bytes: number }
  | { readonly kind: "lines"; readonly changes: readonly LineChange[] }
  /** Data that is no text. */
  | { readonly kind: "bytes"; readonly before: number; readonly after: number };

/** `data` is what the source has; undefined when it is not known: then the path alone is explained. */
export function explain(rules: RuleSet, source: string, data: NodeData | undefined): Explanation {
  const path = segmentsOf(source);
  const translation = data === undefined ? undefined : translate(rules, source, data);
  const outcome = translation ?? translatePath(rules, source);
  const attempts = path === undefined || reservedRoot(source) !== undefined ? [] : tried(rules, path);
  const fitting = "rule" in outcome ? rules.rules[outcome.rule] : undefined;
  const values = fitting === undefined || path === undefined ? [] : (matchPattern(fitting.match, source) ?? []);
  const names = fitting === undefined ? [] : captureNames(fitting.match);
  const after = translation?.kind === "copy" ? translation.data : undefined;
  return {
    source,
    tried: attempts,
    captures: names.map((name, index) => ({ name, value: values[index] ?? "" })),
    outcome: outcome.kind,
    because: because(rules, source, outcome),
    target: "target" in outcome ? outcome.target : undefined,
    before: data,
    after,
    change: data === undefined || after === undefined ? undefined : dataChange(data, after),
  };
}

function tried(rules: RuleSet, path: readonly string[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { index, match, action } of rules.rules) {
    const whyNot = whyNoFit(match, path);
    attempts.push({ rule: index, match: match.source, action, whyNot });
    if (whyNot === undefined) break;
  }
  return attempts;
}

function whyNoFit(match: Pattern, path: readonly string[]): string | undefined {
  const wanted = match.segments.length;
  for (const [index, segment] of match.segments.slice(0, path.length).entries()) {
    const value = path[index] ?? "";
    if (!matchSegment(segment, value, [])) {
      return `segment ${index + 1} is ${quote(value)}, the rule wants ${quote(textOf(segment))}`;
    }
  }
  if (match.rest)
    return path.length > wanted ? undefined : `has ${path.length} segments, the rule wants more than ${wanted}`;
  return path.length === wanted ? undefined : `has ${path.length} segments, the rule wants ${wanted}`;
}

function textOf(segment: Segment): string {
  return segment.map((part) => (part.kind === "text" ? part.text : `{${part.name}}`)).join("");
}

function because(rules: RuleSet, source: string, outcome: PathOutcome | Translation): string {
  switch (outcome.kind) {
    case "copy":
      return "badData" in outcome && outcome.badData !== undefined
        ? `copied as it is: ${outcome.badData} (onBadData: copy)`
        : "data" in outcome
          ? "copied"
          : "copied, if its data can be: that is not known";
    case "ignored":
      return `rule ${outcome.rule} ignores it: neither copied nor deleted`;
    case "unruled":
      return isPath(source) ? whyUnruled(reservedRoot(source)) : "no absolute path below the root";
    case "unmapped":
    case "skipped": {
      const where = outcome.at === undefined ? "in the path" : `at ${outcome.at}`;
      const then = outcome.kind === "skipped" ? "left out (unmapped: skip)" : "held back (unmapped: error)";
      return `${quote(outcome.value)} ${where} has no row in the ${tableNames[outcome.table]}: ${then}`;
    }
    case "invalidTarget":
      return `${outcome.message}: held back`;
    case "badData":
      return `${outcome.message}: ${rules.onBadData === "stop" ? "the link stops" : "held back"} (onBadData: ${outcome.policy})`;
  }
}

function whyUnruled(reserved: string | undefined): string {
  return reserved === undefined ? "no rule fits: not copied" : `/${reserved} is never copied`;
}

const tableNames = { clusters: "cluster table", addresses: "addresses of the cluster table" };

function dataChange(before: NodeData, after: NodeData): DataChange {
  if (before === null || after === null) return { kind: "null" };
  if (before === after) return { kind: "same", bytes: before.length };
  const changes = lineChanges(before, after);
  return changes === undefined
    ? { kind: "bytes", before: before.length, after: after.length }
    : { kind: "lines", changes };
}
