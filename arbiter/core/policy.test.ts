import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SetName } from "./model.ts";
import { defaultPolicies, parsePolicies, policiesMax, policyOf } from "./policy.ts";
import { usualPolicy } from "./policy-forms.ts";

const parse = (...policies: readonly unknown[]) => parsePolicies(JSON.stringify({ policies }));
const problemsOf = (...policies: readonly unknown[]) => {
  const parsed = parse(...policies);
  return parsed.kind === "bad" ? parsed.problems : [];
};
const policyFor = (name: string, ...policies: readonly unknown[]) => {
  const parsed = parse(...policies);
  if (parsed.kind === "bad") throw new Error(parsed.problems.join("; "));
  return policyOf(parsed.policies, name as SetName);
};
const isFor = (match: string, name: string) => policyFor(name, { match, frozen: true }).frozen;

test("a policy says what it says, and leaves the rest as usual", () => {
  const bounded = { match: "C1/bs1", rpo: "bounded", maxLostBytes: 4_096, preferIdcs: ["idc1", "idc2"], cooldownMs: 0 };
  expect(policyFor("C1/bs1", bounded)).toEqual({
    ...usualPolicy,
    rpo: "bounded",
    maxLostBytes: 4_096n,
    preferIdcs: ["idc1", "idc2"],
    cooldownMs: 0,
  });
  const zero = { match: "*", rpo: "zero", survive: "idc", degradeAfterMs: 5, frozen: true };
  expect(policyFor("C1/bs1", zero)).toEqual({
    ...usualPolicy,
    rpo: "zero",
    survive: "idc",
    degradeAfterMs: 5,
    frozen: true,
  });
  expect(policyFor("C1/bs1", { match: "*", unclean: "allow" })).toEqual({ ...usualPolicy, unclean: "allow" });
});

test("masters go home by themselves where the policy says after what time, and where home is", () => {
  const home = { match: "*", preferIdcs: ["idc1"] };
  expect(policyFor("C1/bs1", { ...home, returnAfterMs: 5_000 }).returnAfterMs).toBe(5_000);
  expect(policyFor("C1/bs1", { ...home, returnAfterMs: null }).returnAfterMs).toBeNull();
  expect(policyFor("C1/bs1", home).returnAfterMs).toBeNull();
});

test("bytes may be written as a text, so that none is rounded", () => {
  const policy = policyFor("C1/bs1", { match: "*", rpo: "bounded", maxLostBytes: "9007199254740993" });
  expect(policy.maxLostBytes).toBe(9_007_199_254_740_993n);
});

test("the first policy that matches is the set's; a set without one has the usual", () => {
  const policies = [
    { match: "C1/bs1", frozen: true },
    { match: "C1/*", cooldownMs: 7 },
  ];
  expect(policyFor("C1/bs1", ...policies)).toEqual({ ...usualPolicy, frozen: true });
  expect(policyFor("C1/bs2", ...policies)).toEqual({ ...usualPolicy, cooldownMs: 7 });
  expect(policyFor("C2/bs1", ...policies)).toBe(usualPolicy);
  expect(policyOf(defaultPolicies, "C1/bs1" as SetName)).toBe(usualPolicy);
});

describe("a pattern", () => {
  test.each([
    ["*", "C1/bs1"],
    ["C1/*", "C1/"],
    ["C1/*", "C1/bs1"],
    ["*/bs1", "C1/bs1"],
    ["C*/bs*1", "C1/bs-idc1"],
    ["*1*1*", "C1/bs1"],
    ["C1/bs1", "C1/bs1"],
    ["C1/a*a", "C1/aa"],
  ])("%s takes %s", (match, name) => {
    expect(isFor(match, name)).toBe(true);
  });

  test.each([
    ["C1/*", "C2/bs1"],
    ["C1/bs1", "C1/bs10"],
    ["C1/bs1", "C1/bs"],
    ["*/bs1", "C1/bs10"],
    ["C1/a*a", "C1/a"],
    ["*1*1*1*", "C1/bs1"],
    ["C1/bs?", "C1/bs1"],
    ["C1/*b*a", "C1/ab"],
  ])("%s does not take %s", (match, name) => {
    expect(isFor(match, name)).toBe(false);
  });

  test("takes what a regular expression would, for any text", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (match, name) => {
        expect(isFor(match, name)).toBe(new RegExp(`^${match.replaceAll("*", ".*")}$`).test(name));
      }),
    );
  });
});

describe("what is wrong is named, with its place and what would be right", () => {
  test.each<[string, unknown, string]>([
    ["a key that is not known", { match: "*", rpos: "zero" }, "policies[0].rpos is not known"],
    ["a missing match", { rpo: "zero" }, "policies[0] has no match"],
    ["an empty match", { match: "" }, 'policies[0].match is "": it must be the name of a set'],
    ["a long match", { match: "x".repeat(256) }, "policies[0].match is "],
    ["an rpo", { match: "*", rpo: "none" }, 'policies[0].rpo is "none": it must be zero or bounded or best-effort'],
    ["an rpo that quotes what is right", { match: "*", rpo: "zero or bounded or best-effort" }, "policies[0].rpo is"],
    ["survive", { match: "*", survive: "site" }, "policies[0].survive"],
    ["unclean", { match: "*", unclean: true }, "policies[0].unclean is true: it must be deny or allow"],
    ["negative bytes", { match: "*", rpo: "bounded", maxLostBytes: -1 }, "policies[0].maxLostBytes is -1"],
    ["a fraction of bytes", { match: "*", rpo: "bounded", maxLostBytes: 1.5 }, "policies[0].maxLostBytes is 1.5"],
    ["bytes beyond 64 bits", { match: "*", rpo: "bounded", maxLostBytes: "9".repeat(19) }, "policies[0].maxLostBytes"],
    ["IDCs that are no list", { match: "*", preferIdcs: "idc1" }, "policies[0].preferIdcs"],
    ["an IDC without a name", { match: "*", preferIdcs: [""] }, "policies[0].preferIdcs"],
    ["a negative time", { match: "*", cooldownMs: -1 }, "policies[0].cooldownMs is -1: it must be milliseconds"],
    [
      "a quiet time that is no quiet time",
      { match: "*", preferIdcs: ["idc1"], returnAfterMs: 4_999 },
      "policies[0].returnAfterMs is 4999",
    ],
    [
      "a return to nowhere",
      { match: "*", returnAfterMs: 5_000 },
      "policies[0].returnAfterMs has no effect without preferIdcs",
    ],
    ["a fraction of a time", { match: "*", degradeAfterMs: 0.5 }, "policies[0].degradeAfterMs is 0.5"],
    ["a time of more than a day", { match: "*", cooldownMs: 86_400_001 }, "policies[0].cooldownMs"],
    ["frozen", { match: "*", frozen: "yes" }, 'policies[0].frozen is "yes": it must be true or false'],
    ["a policy that is none", "C1/*", 'policies[0] is "C1/*": it must be an object with a match'],
    ["bounded without a bound", { match: "*", rpo: "bounded" }, "policies[0] has rpo bounded without maxLostBytes"],
    ["a bound without bounded", { match: "*", maxLostBytes: 1 }, "policies[0].maxLostBytes has no effect"],
    ["zero with unclean", { match: "*", rpo: "zero", unclean: "allow" }, "policies[0] has rpo zero and unclean allow"],
  ])("%s", (_name, policy, problem) => {
    expect(problemsOf(policy)).toEqual([expect.stringContaining(problem)]);
  });

  test("a policy that is never used", () => {
    const twice = problemsOf({ match: "C1/*" }, { match: "C2/*" }, { match: "C1/*" });
    expect(twice).toEqual(["policies[2] is never used: policies[0] takes its sets"]);
    expect(problemsOf({ match: "*" }, { match: "C1/bs1" })).toHaveLength(1);
    expect(problemsOf({ match: "C1/bs1" }, { match: "*" })).toEqual([]);
  });

  test("all of it at once", () => {
    expect(problemsOf({ match: "C1/*", rpo: 1 }, { survive: 2, frozen: 3 })).toHaveLength(4);
  });

  test.each<[string, string]>([
    ["no JSON", "policies: []"],
    ["another value", "[]"],
    ["null", "null"],
    ["no list", '{"policies":{}}'],
  ])("%s", (_name, text) => {
    expect(parsePolicies(text).kind).toBe("bad");
  });

  test("a key beside the policies", () => {
    expect(parsePolicies('{"policies":[],"policy":[]}')).toMatchObject({
      problems: ["policy is not known: the keys are policies"],
    });
    expect(parsePolicies('{"policies":[]}')).toEqual({ kind: "ok", policies: [] });
  });

  test("too many, or too long", () => {
    const many = Array.from({ length: policiesMax + 1 }, (_, at) => ({ match: `C1/${at}` }));
    expect(parse(...many).kind).toBe("bad");
    expect(parse(...many.slice(1)).kind).toBe("ok");
    expect(parsePolicies(" ".repeat(262_145))).toMatchObject({
      problems: [expect.stringContaining("262145 characters")],
    });
  });
});

test("whatever the text is, it is read or refused", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(["ok", "bad"]).toContain(parsePolicies(text).kind);
      expect(["ok", "bad"]).toContain(parsePolicies(`{"policies":[${text}]}`).kind);
    }),
  );
});
