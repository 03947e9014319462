import type { RuleSet } from "./ruleset.ts";

/** The same rules, under which one path of ours is carried over too. `hash` stays: what operators have written is the same. */
export function withCanary(rules: RuleSet, canary: NonNullable<RuleSet["canary"]>): RuleSet {
  return {
    ...rules,
    canary,
    sourceRoots: [...rules.sourceRoots, canary.source],
    targetRoots: [...rules.targetRoots, canary.target],
  };
}
