import { globMatches } from "#lib/glob.ts";
import { rpoNames, type SetName, type SetPolicy } from "./model.ts";

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

/**
 * A set without a policy gets these, and so does a policy for what it leaves out. They are what the stock controller does, with
 * a brake: it elects in-sync replicas only, whatever is lost, and counts nothing. 60 s: with at most two failovers in that
 * time a set that flaps costs its clients two outages a minute before a person is asked. 30 s: an IDC that is restarted, or a
 * link that is switched over, is back by then; a longer outage is a choice between safety and writes.
 */
export const usualPolicy: SetPolicy = {
  rpo: "best-effort",
  survive: "broker",
  maxLostBytes: 0n,
  unclean: "deny",
  preferIdcs: [],
  cooldownMs: 60_000,
  degradeAfterMs: 30_000,
  frozen: false,
};

export const policiesMax = 1_000;
const policyTextMax = 262_144;
const matchLengthMax = 255;
const dayMs = 86_400_000;

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
  const take = <Value>(key: keyof SetPolicy | "match", usual: Value, { read, expected }: Form<Value>): Value => {
    const value = item[key];
    const taken = value === undefined ? usual : read(value);
    if (taken === undefined) problems.push(`${at}.${key} is ${shown(value)}: it must be ${expected}`);
    return taken ?? usual;
  };
  const usual = usualPolicy;
  const match = take("match", "", matchText);
  if (item["match"] === undefined) problems.push(`${at} has no match: name the sets it is for, for example "C1/*"`);
  const policy: SetPolicy = {
    rpo: take("rpo", usual.rpo, oneOf(rpoNames)),
    survive: take("survive", usual.survive, oneOf(["broker", "idc"])),
    maxLostBytes: take("maxLostBytes", usual.maxLostBytes, bytes),
    unclean: take("unclean", usual.unclean, oneOf(["deny", "allow"])),
    preferIdcs: take("preferIdcs", usual.preferIdcs, names),
    cooldownMs: take("cooldownMs", usual.cooldownMs, duration),
    degradeAfterMs: take("degradeAfterMs", usual.degradeAfterMs, duration),
    frozen: take("frozen", usual.frozen, flag),
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
  return found;
}

/** A policy below one with the same pattern, or below `*`, is never looked at: surely not what was meant. */
function unreachable(policies: Policies): string[] {
  return policies.flatMap(({ match }, index) => {
    const above = policies.findIndex((other, at) => at < index && (other.match === match || other.match === "*"));
    return above < 0 || match === "" ? [] : [`policies[${index}] is never used: policies[${above}] takes its sets`];
  });
}

/** How a value is written; `read` gives undefined for what is not written so. */
interface Form<Value> {
  readonly expected: string;
  readonly read: (value: unknown) => Value | undefined;
}

const matchText: Form<string> = {
  expected: `the name of a set, cluster/set, of 1 to ${matchLengthMax} characters, with * for any`,
  read: (value) => (typeof value === "string" && value !== "" && value.length <= matchLengthMax ? value : undefined),
};

function oneOf<const Name extends string>(allowed: readonly Name[]): Form<Name> {
  return { expected: allowed.join(" or "), read: (value) => allowed.find((name) => name === value) };
}

const bytes: Form<bigint> = {
  expected: "a whole number of bytes",
  read: (value) => {
    const text = typeof value === "number" ? String(value) : value;
    return typeof text === "string" && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  },
};

const names: Form<readonly string[]> = {
  expected: "a list of names of IDCs",
  read: (value) =>
    Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "") ? value : undefined,
};

const duration: Form<number> = {
  expected: `milliseconds, 0 to ${dayMs}`,
  read: (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= dayMs ? Number(value) : undefined,
};

const flag: Form<boolean> = {
  expected: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

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
