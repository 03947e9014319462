import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRules, type RulesConfig } from "./compile.ts";
import { zmsConfig } from "./zms.fixture.ts";

type RuleInput = RulesConfig["rules"][number];

const copy = (match: string, to = match, data?: RuleInput["data"]): RuleInput => ({
  match,
  action: "copy",
  to,
  ...(data === undefined ? {} : { data }),
});
const ignore = (match: string): RuleInput => ({ match, action: "ignore" });
const config = (rules: RuleInput[], over: Partial<RulesConfig> = {}): RulesConfig => ({
  clusters: {},
  unmapped: "error",
  onBadData: "copy",
  ...over,
  rules,
});

function problemsOf(link: RulesConfig): string[] {
  const compiled = compileRules(link);
  return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

const edit = (format: "properties" | "json" | "text", at: string) =>
  ({ format, edits: [{ at, map: "clusters" as const }] }) satisfies RuleInput["data"];
const row = (to: string, addresses: Record<string, string> = {}) => ({ to, addresses });

describe("one rule is refused", () => {
  const cases: [why: string, rules: RuleInput[], problem: string][] = [
    ["a bad match", [copy("a", "/a")], 'rules.0.match: "a" is no absolute path below the root'],
    [
      "a table in match",
      [copy("/{a:clusters}", "/{a}")],
      "rules.0.match: maps {a} through a table, but `match` takes names as the source has them",
    ],
    ["no to", [{ match: "/a", action: "copy" }], "rules.0.to: a copied path needs `to`"],
    ["a bad to", [copy("/a", "/b/")], 'rules.0.to: "/b/" is no absolute path below the root'],
    [
      "a reserved to",
      [copy("/a", "/crossidc/x")],
      'rules.0.to: "/crossidc/x" lies in /crossidc, which is never copied',
    ],
    ["an ignored path with to", [{ ...ignore("/a"), to: "/a" }], "rules.0.to: an ignored path has no `to`"],
    [
      "an ignored path with data",
      [{ ...ignore("/a"), data: edit("json", "/x") }],
      "rules.0.data: an ignored path has no `data`",
    ],
    ["an unknown capture", [copy("/{a}", "/{b}")], 'rules.0.to: uses {b}, which "/{a}" doesn\'t capture'],
    [
      "an unused capture",
      [copy("/{a}/{b}", "/{a}")],
      "rules.0.to: doesn't use {b}, so source paths that differ only there would map to one target path",
    ],
    ["a capture used twice", [copy("/{a}", "/{a}/{a}")], "rules.0.to: captures {a} twice"],
    ["** in match only", [copy("/a/**", "/a")], "rules.0.to: `match` ends with **, `to` doesn't"],
    ["** in to only", [copy("/a", "/a/**")], "rules.0.to: `to` ends with **, `match` doesn't"],
    [
      "a bad pointer",
      [copy("/a", "/a", edit("json", "x"))],
      'rules.0.data.edits.0.at: "x" is no JSON Pointer to a value inside the document',
    ],
    ["a bad expression", [copy("/a", "/a", edit("text", "x"))], 'rules.0.data.edits.0.at: "x" has 0 capture groups'],
  ];
  test.each(cases)("%s", (_, rules, problem) => {
    expect(problemsOf(config(rules))).toEqual([problem]);
  });
});

test("all that is wrong is told at once, each with a remedy", () => {
  const compiled = compileRules(config([copy("/{a}", "/b", edit("text", "(")), copy("x", "y")]));
  expect(compiled.ok).toBe(false);
  if (compiled.ok) return;
  expect(compiled.problems.map(({ path }) => path)).toEqual([
    ["rules", 0, "to"],
    ["rules", 0, "data", "edits", 0, "at"],
    ["rules", 1, "match"],
  ]);
  for (const { remedy } of compiled.problems) expect(remedy).not.toBe("");
});

describe("a rule that never applies is refused", () => {
  const cases: [earlier: string, later: string, refused: boolean][] = [
    ["/a/{x}", "/a/b", true],
    ["/a/{x}", "/a/{y}", true],
    ["/a/{x}", "/a/x-{y}", true],
    ["/a/x-{x}", "/a/{y}", false],
    ["/a/x-{x}", "/a/x-{y}-z", true],
    ["/a/{x}-{y}", "/a/{z}-1", true],
    ["/a/{x}-{y}", "/a/{z}1", false],
    ["/a/**", "/a/b", true],
    ["/a/**", "/a/{x}/{y}", true],
    ["/a/**", "/a/b/**", true],
    ["/a/**", "/a", false],
    ["/a/{x}", "/a/**", false],
    ["/{x}/b/**", "/a/**", false],
    ["/a/b", "/a/{x}", false],
  ];
  test.each(cases)("%s before %s: %s", (earlier, later, refused) => {
    const never = `rules.1.match: never applies: every path it fits is taken by rule 0 ("${earlier}")`;
    expect(problemsOf(config([ignore(earlier), ignore(later)]))).toEqual(refused ? [never] : []);
  });
});

describe("two rules that map to one target path are refused", () => {
  const clusters = { c1: row("c2"), d1: row("d2") };
  const cases: [why: string, rules: RuleInput[], problem: string | undefined][] = [
    [
      "the same target",
      [copy("/a", "/x"), copy("/b", "/x")],
      'rules.1.to: maps to the same paths as rule 0: "/a" and "/b" both become "/x"',
    ],
    [
      "text under a capture",
      [copy("/a/{x}", "/t/{x}"), copy("/b", "/t/b")],
      'rules.1.to: maps to the same paths as rule 0: "/a/b" and "/b" both become "/t/b"',
    ],
    [
      "captures side by side",
      [copy("/a/{x}/b", "/t/{x}"), copy("/b/{x}", "/t/{x}")],
      'rules.1.to: maps to the same paths as rule 0: "/a/any1/b" and "/b/any1" both become "/t/any1"',
    ],
    [
      "a rest over captures",
      [copy("/a/**", "/t/**"), copy("/b/{x}/{y}", "/t/{x}/{y}")],
      'rules.1.to: maps to the same paths as rule 0: "/a/any1/any2" and "/b/any1/any2" both become "/t/any1/any2"',
    ],
    [
      "a mapped name beside a plain one",
      [copy("/a/{x}", "/t/{x:clusters}"), copy("/b/{x}", "/t/{x}")],
      'rules.1.to: maps to the same paths as rule 0: "/a/c1" and "/b/c2" both become "/t/c2"',
    ],
    [
      "text that a cluster's name becomes",
      [copy("/a/{x}", "/t/{x:clusters}"), copy("/b", "/t/d2")],
      'rules.1.to: maps to the same paths as rule 0: "/a/d1" and "/b" both become "/t/d2"',
    ],
    ["other targets", [copy("/a/{x}", "/t/{x}"), copy("/b/{x}", "/u/{x}")], undefined],
    ["other depths", [copy("/a/{x}", "/t/{x}"), copy("/b/{x}/{y}", "/t/{x}/{y}")], undefined],
    ["text that no cluster's name becomes", [copy("/a/{x}", "/t/{x:clusters}"), copy("/b", "/t/c1")], undefined],
    [
      "a source that an earlier rule ignores",
      [ignore("/b/**"), copy("/a/{x}", "/{x}"), copy("/b/{x}", "/{x}")],
      undefined,
    ],
    ["the same source", [copy("/a/b", "/a/b"), copy("/a/{x}", "/a/{x}")], undefined],
    ["a source that an earlier rule takes", [copy("/a/{x}", "/a/{x}"), copy("/{k}/{x}", "/{k}/{x}")], undefined],
    ["another part of a segment", [copy("/a/{x}", "/t/a-{x}"), copy("/b/{x}", "/t/b-{x}")], undefined],
  ];
  test.each(cases)("%s", (_, rules, problem) => {
    const never = (one: string) => !one.includes("never applies");
    expect(problemsOf(config(rules, { clusters })).filter(never)).toEqual(problem === undefined ? [] : [problem]);
  });
});

describe("the cluster table", () => {
  const mapped = copy("/{c}", "/{c:clusters}");
  const twoToOne = { a: row("x"), b: row("x") };

  test("must not map two clusters to one where paths use it", () => {
    expect(problemsOf(config([mapped], { clusters: twoToOne }))).toEqual([
      'clusters.b.to: "a" and "b" both become "x", but rule 0 maps paths by this table, so two source paths would map to one target path',
    ]);
  });

  test("may map two clusters to one in data", () => {
    expect(problemsOf(config([copy("/a", "/a", edit("properties", "k"))], { clusters: twoToOne }))).toEqual([]);
  });

  test("must have names that can be part of a path where paths use it", () => {
    expect(problemsOf(config([mapped], { clusters: { a: row("x/y"), b: row("\u0001") } }))).toEqual([
      'clusters.a.to: "x/y" can\'t be part of a path, but rule 0 puts it into one',
      'clusters.b.to: "\\u0001" can\'t be part of a path, but rule 0 puts it into one',
    ]);
  });

  test("must give an address one target where data uses it", () => {
    const clusters = { a: row("x", { "h:1": "t:1", "h:2": "t:2" }), b: row("y", { "h:1": "u:1", "h:2": "t:2" }) };
    const addresses = { format: "properties" as const, edits: [{ at: "k", map: "addresses" as const }] };
    expect(problemsOf(config([copy("/a", "/a", addresses)], { clusters }))).toEqual([
      'clusters.b.addresses.h:1: h:1 becomes u:1 here and t:1 in row "a"; rule 0 maps addresses whatever their row',
    ]);
    expect(problemsOf(config([copy("/a", "/a", edit("properties", "k"))], { clusters }))).toEqual([]);
  });
});

describe("the rule set", () => {
  const compile = (link: RulesConfig) => {
    const compiled = compileRules(link);
    if (!compiled.ok) throw new Error(compiled.problems[0]?.message);
    return compiled.rules;
  };

  test("knows the roots to watch and to compare, none below another", () => {
    expect(compile(zmsConfig)).toMatchObject({ sourceRoots: ["/zms"], targetRoots: ["/zms"] });
    const rules = compile(
      config([copy("/a/b/{x}", "/t/{x}"), ignore("/c/**"), copy("/a-b/**", "/u/v/**"), copy("/a/b", "/w")]),
    );
    expect(rules).toMatchObject({ sourceRoots: ["/a-b", "/a/b"], targetRoots: ["/t", "/u/v", "/w"] });
    expect(compile(config([copy("/{x}", "/{x}"), copy("/a/b", "/t/b")])).sourceRoots).toEqual(["/"]);
  });

  test("has the same hash for the same configuration, whatever the order of the table", () => {
    const turned = { ...zmsConfig, clusters: Object.fromEntries(Object.entries(zmsConfig.clusters).reverse()) };
    expect(compile(turned).hash).toBe(compile(zmsConfig).hash);
    expect(compile(zmsConfig).hash).toMatch(/^[0-9a-f]{16}$/);
  });

  test("has another hash when anything differs", () => {
    const others: RulesConfig[] = [
      zmsConfig,
      { ...zmsConfig, unmapped: "copy" },
      { ...zmsConfig, onBadData: "stop" },
      { ...zmsConfig, clusters: {} },
      { ...zmsConfig, rules: zmsConfig.rules.slice(0, 2) },
    ];
    expect(new Set(others.map((one) => compile(one).hash)).size).toBe(others.length);
  });
});

test("checks never throw, whatever is written", () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom("/", "a", "{a}", "{b}", "{a:clusters}", "**", "%", "{", "}", "*", "zookeeper", ".."))
      .map((some) => some.join("")),
  );
  const edits = fc.record({
    format: fc.constantFrom("properties" as const, "json" as const, "text" as const),
    edits: fc.array(
      fc.record({
        at: fc.oneof(text, fc.constantFrom("(a)", "/a", "((a+)+)")),
        map: fc.constantFrom("clusters" as const, "addresses" as const),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  });
  const rule: fc.Arbitrary<RuleInput> = fc.record(
    { match: text, action: fc.constantFrom("copy" as const, "ignore" as const), to: text, data: edits },
    { requiredKeys: ["match", "action"] },
  );
  const links = fc.record({
    clusters: fc.dictionary(
      fc.string(),
      fc.record({ to: fc.string(), addresses: fc.dictionary(fc.string(), fc.string()) }),
    ),
    rules: fc.array(rule, { minLength: 1, maxLength: 5 }),
    unmapped: fc.constantFrom("error" as const, "copy" as const, "skip" as const),
    onBadData: fc.constantFrom("copy" as const, "skip" as const, "stop" as const),
  });
  fc.assert(
    fc.property(links, (link) => {
      const compiled = compileRules(link);
      if (!compiled.ok) expect(compiled.problems.length).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});
