import { globMatches } from "#lib/glob.ts";
import type { SetName, SetPolicy } from "./model.ts";
import { type Form, matchText, policyForms, usualPolicy } from "./policy-forms.ts";

/** What operators promise for their sets: the first policy whose pattern matches a set's name is the set's. */
export interface PolicyRule {
  /** `cluster/set`; `*` stands for any characters, or none. */
  readonly match: string;
  readonly policy: SetPolicy;
}

export type Policies = readonly PolicyRule[];

export type ParsedPolicies =
  | { readonly kind: "ok"; readonly policies: Policies }
  /** Each names the place, the value and what would be right. */
  | { readonly kind: "bad"; readonly problems: readonly string[] };

export const policiesMax = 1_000;
const policyTextMax = 262_144;

/** @param text JSON: `{"policies": [{"match": "C1/*", "rpo": "zero", …}, …]}`. `maxLostBytes` is a number or a decimal text. */
export function parsePolicies(text: string): ParsedPolicies {
  if (text.length > policyTextMax) {
    return bad(`the policies are ${text.length} characters long; at most ${policyTextMax} are taken`);
  }
  const json = parseJson(text);
  if (json === undefined) return bad("the policies are no JSON");
  if (!isRecord(json) || !Array.isArray(json["policies"])) return bad('the policies must be {"policies": [...]}');
  const list: readonly unknown[] = json["policies"];
  if (list.length > policiesMax) return bad(`there are ${list.length} policies; at most ${policiesMax} are taken`);

  const problems = unknownKeys(json, ["policies"], "");
  const policies = list.map((item, index) => parseRule(item, `policies[${index}]`, problems));
  problems.push(...unreachable(policies));
  return problems.length === 0 ? { kind: "ok", policies } : { kind: "bad", problems };
}

/** Of a cluster whose operator has applied none: every set has the usual one. */
export const defaultPolicies: Policies = [];

export function policyOf(policies: Policies, name: SetName): SetPolicy {
  return policies.find(({ match }) => globMatches(match, name))?.policy ?? usualPolicy;
}

function parseRule(item: unknown, at: string, problems: string[]): PolicyRule {
  if (!isRecord(item)) {
    problems.push(`${at} is ${shown(item)}: it must be an object with a match`);
    return { match: "", policy: usualPolicy };
  }
  problems.push(...unknownKeys(item, ["match", ...Object.keys(usualPolicy)], `${at}.`));
  const take = <Value>(key: string, usual: Value, { read, expected }: Form<Value>): Value => {
    const value = item[key];
    const taken = value === undefined ? usual : read(value);
    if (taken === undefined) problems.push(`${at}.${key} is ${shown(value)}: it must be ${expected}`);
    return taken === undefined ? usual : taken;
  };
  const match = take("match", "", matchText);
  if (item["match"] === undefined) problems.push(`${at} has no match: name the sets it is for, for example "C1/*"`);
  const own = <Key extends keyof SetPolicy>(key: Key): SetPolicy[Key] => take(key, usualPolicy[key], policyForms[key]);
  const policy: SetPolicy = {
    rpo: own("rpo"),
    survive: own("survive"),
    maxLostBytes: own("maxLostBytes"),
    unclean: own("unclean"),
    preferIdcs: own("preferIdcs"),
    cooldownMs: own("cooldownMs"),
    degradeAfterMs: own("degradeAfterMs"),
    returnAfterMs: own("returnAfterMs"),
    frozen: own("frozen"),
  };
  problems.push(...contradictions(policy, item, at));
  return { match, policy };
}

function contradictions(policy: SetPolicy, item: Readonly<Record<string, unknown>>, at: string): string[] {
  const found: string[] = [];
  if (policy.rpo === "bounded" && item["maxLostBytes"] === undefined) {
    found.push(`${at} has rpo bounded without maxLostBytes: say how many bytes may be lost`);
  }
  if (policy.rpo !== "bounded" && item["maxLostBytes"] !== undefined) {
    found.push(`${at}.maxLostBytes has no effect with rpo ${policy.rpo}: leave it out, or say rpo bounded`);
  }
  if (policy.rpo === "zero" && policy.unclean === "allow") {
    found.push(`${at} has rpo zero and unclean allow: an unclean master loses acknowledged messages`);
  }
  if (policy.returnAfterMs !== null && policy.preferIdcs.length === 0) {
    found.push(`${at}.returnAfterMs has no effect without preferIdcs: say where home is`);
  }
  return found;
}

/** A policy below one with the same pattern, or below `*`, is never looked at: surely not what was meant. */
function unreachable(policies: Policies): string[] {
  return policies.flatMap(({ match }, index) => {
    const above = policies.findIndex((other, at) => at < index && (other.match === match || other.match === "*"));
    return above < 0 || match === "" ? [] : [`policies[${index}] is never used: policies[${above}] takes its sets`];
  });
}

function unknownKeys(item: Readonly<Record<string, unknown>>, known: readonly string[], at: string): string[] {
  return Object.keys(item)
    .filter((key) => !known.includes(key))
    .map((key) => `${at}${key} is not known: the keys are ${known.join(", ")}`);
}

function bad(problem: string): ParsedPolicies {
  return { kind: "bad", problems: [problem] };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const shownMax = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}
