/**
 * The rules engine of the replicator: pure functions from a link's configuration, a path and its bytes to what becomes of
 * them. This is its one door; what stands behind is nobody else's business.
 */
export { withCanary } from "./canary.ts";
export { compileRules } from "./compile.ts";
export { type Explanation, explain } from "./explain.ts";
export { checkLinks } from "./links.ts";
export { hasSources, mayHoldSources, mayHoldTargets, sourcesOf, translatePath } from "./paths.ts";
export type { PathOutcome, RuleSet, Translation } from "./ruleset.ts";
export { translate, translateData } from "./translate.ts";
