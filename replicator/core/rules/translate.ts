import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import { translatePath } from "./paths.ts";
import type { PathOutcome, RuleSet, Translation } from "./ruleset.ts";

/**
 * What becomes of a source node. Deterministic. Null and empty data pass as they are: writers create a node and then set its
 * data, so the first event often shows an empty one.
 */
export function translate(rules: RuleSet, source: string, data: NodeData): Translation {
  const outcome = translatePath(rules, source);
  return outcome.kind === "copy" ? translateData(rules, outcome, data) : outcome;
}

/** The same for a path whose outcome is known already. */
export function translateData(
  rules: RuleSet,
  { rule: index, target }: Extract<PathOutcome, { kind: "copy" }>,
  data: NodeData,
): Translation {
  const rule = rules.rules[index];
  if (data === null || data.length === 0 || rule?.action !== "copy" || rule.edit === undefined) {
    return { kind: "copy", rule: index, target, data, edited: false };
  }
  const edited = rule.edit(data);
  switch (edited.kind) {
    case "same":
      return { kind: "copy", rule: index, target, data, edited: false };
    case "edited":
      return { kind: "copy", rule: index, target, data: edited.data, edited: true };
    case "unmapped": {
      const { table, value, at } = edited;
      return { kind: rules.unmapped === "skip" ? "skipped" : "unmapped", rule: index, table, value, at, target };
    }
    case "bad": {
      const { message } = edited;
      if (rules.onBadData !== "copy") return { kind: "badData", rule: index, target, policy: rules.onBadData, message };
      return { kind: "copy", rule: index, target, data, edited: false, badData: message };
    }
  }
}
