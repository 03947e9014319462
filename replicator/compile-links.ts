import type { Loaded } from "#config/load.ts";
import type { Fault } from "#config/problems.ts";
import type { LinkConfig, ReplicatorConfig } from "#config/replicator.ts";
import { checkLinks, compileRules, type RuleSet } from "./core/rules/rules.ts";

export interface CompiledLink {
  readonly config: LinkConfig;
  readonly rules: RuleSet;
}

/** The links with their rules made ready. @throws {ConfigError} with everything that is wrong in any of them */
export function compileLinks({ config, error }: Loaded<ReplicatorConfig>): readonly CompiledLink[] {
  const faults: Fault[] = [];
  const links: CompiledLink[] = [];
  for (const [index, link] of config.links.entries()) {
    const compiled = compileRules(link);
    if (compiled.ok) links.push({ config: link, rules: compiled.rules });
    else faults.push(...compiled.problems.map((problem) => ({ ...problem, path: ["links", index, ...problem.path] })));
  }
  if (faults.length === 0) {
    faults.push(
      ...checkLinks(config.links).map(({ link, ...problem }) => ({
        ...problem,
        path: ["links", link, ...problem.path],
      })),
    );
  }
  if (faults.length > 0) throw error(faults);
  return links;
}
