import type { Context } from "../core/context.ts";
import type { SetPolicy } from "../core/model.ts";
import { type PolicyRule, policyOf } from "../core/policy.ts";
import type { PoliciesReport, PolicyChangeReport } from "./api-policies.ts";
import { reportProtection } from "./report.ts";
import { reportPolicy } from "./report-set.ts";

export function reportPolicies(context: Context): PoliciesReport {
  const rules = context.mirror.policies?.value ?? [];
  return {
    policies: rules.map(({ match, policy }) => ({ match, ...reportPolicy(policy) })),
    sets: viewsOf(context).map((view) => ({ name: view.name, policy: reportPolicy(context.policyOf(view)) })),
  };
}

/** What new policies would mean: for every set what changes, and whether its protection keeps what they promise. */
export function reportPolicyChange(
  rules: readonly PolicyRule[],
  applied: boolean,
  context: Context,
): PolicyChangeReport {
  const sets = viewsOf(context).map((view) => {
    const next = policyOf(rules, view.name);
    return {
      name: view.name,
      changes: changesOf(context.policyOf(view), next),
      protection: reportProtection(next, view.protection?.value ?? null),
    };
  });
  return { applied, sets };
}

function viewsOf({ mirror }: Context) {
  return [...mirror.sets.values()]
    .filter(({ record }) => record !== null)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function changesOf(before: SetPolicy, after: SetPolicy): string[] {
  const [old, next] = [reportPolicy(before), reportPolicy(after)];
  const keys = Object.keys(old) as (keyof typeof old)[];
  return keys
    .filter((key) => String(old[key]) !== String(next[key]))
    .map((key) => `${key}: ${shown(old[key])} -> ${shown(next[key])}`);
}

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}
