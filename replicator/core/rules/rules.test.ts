import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRules as compile, type RulesConfig } from "./compile.ts";
import { fits } from "./pattern.ts";
import {
  hasSources,
  mayHoldSources,
  mayHoldTargets,
  type PathOutcome,
  type RuleSet,
  sourcesOf,
  type Translation,
  translate,
  translatePath,
  withCanary,
} from "./rules.ts";
import { zmsConfig } from "./zms.fixture.ts";

type RuleInput = RulesConfig["rules"][number];

function compileRules(config: RulesConfig): RuleSet {
  const compiled = compile(config);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.rules;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const zms = compileRules(zmsConfig);
const copy = (match: string, to = match): RuleInput => ({ match, action: "copy", to });
const withRules = (...rules: RuleInput[]) => compileRules({ ...zmsConfig, rules });

describe("a path becomes", () => {
  const missing = { table: "clusters", at: undefined, target: undefined };
  const cases: [source: string, outcome: PathOutcome | { kind: string }][] = [
    ["/zms/cluster/rmq-idc1", { kind: "copy", rule: 0, target: "/zms/cluster/rmq-idc2" }],
    ["/zms/cluster/nobody", { kind: "unmapped", rule: 0, value: "nobody", ...missing }],
    ["/zms/cluster/rmq-idc2", { kind: "unmapped", rule: 0, value: "rmq-idc2", ...missing }],
    ["/zms/host/a/b", { kind: "ignored", rule: 1 }],
    ["/zms/host/a", { kind: "ignored", rule: 1 }],
    ["/zms/topic/orders", { kind: "copy", rule: 2, target: "/zms/topic/orders" }],
    ["/zms/topic", { kind: "unruled" }],
    ["/zms/topic/a/b", { kind: "unruled" }],
    ["/", { kind: "unruled" }],
    ["", { kind: "unruled" }],
    ["zms/topic/a", { kind: "unruled" }],
    ["/zms//a", { kind: "unruled" }],
    ["/zms/topic/", { kind: "unruled" }],
    ["/zookeeper/config/x", { kind: "unruled" }],
    ["/zms/topic/..", { kind: "invalidTarget" }],
    ["/zms/topic/a\u0001", { kind: "invalidTarget" }],
  ];
  test.each(cases)("%j", (source, outcome) => {
    expect(translatePath(zms, source)).toMatchObject(outcome);
  });
});

test("of what is ours the canary's two paths are carried over, and nothing above, below or beside them", () => {
  const source = "/crossidc/canaries/zms";
  const target = "/crossidc/links/zms/canary";
  const rules = withCanary(withRules(copy("/**")), { source, target });
  expect(translatePath(rules, source)).toMatchObject({ kind: "copy", target });
  expect(sourcesOf(rules, target)).toEqual([source]);
  expect(translate(rules, source, bytes("1"))).toMatchObject({ kind: "copy", data: bytes("1"), edited: false });
  const others = [source, target].flatMap((path) => [path.replace(/\/[^/]*$/, ""), `${path}/x`, `${path}2`]);
  for (const path of [...others, target, "/crossidc/links/zms/fence/e-1-0a0b0c0d"])
    expect(translatePath(rules, path)).toEqual({ kind: "unruled" });
  for (const path of [...others, source, "/crossidc/links/zms/checkpoint"]) expect(sourcesOf(rules, path)).toEqual([]);
  for (const path of [source, target, "/crossidc"])
    expect([mayHoldSources(rules, path), mayHoldTargets(rules, path)]).toEqual([false, false]);
  expect([rules.sourceRoots, rules.targetRoots]).toEqual([
    ["/", source],
    ["/", target],
  ]);
  expect(translatePath(withRules(copy("/**")), source)).toEqual({ kind: "unruled" });
});

test("a name without a row is left out, or stays, as the link says", () => {
  const skip = compileRules({ ...zmsConfig, unmapped: "skip" });
  const keep = compileRules({ ...zmsConfig, unmapped: "copy" });
  expect(translatePath(skip, "/zms/cluster/x")).toMatchObject({ kind: "skipped", table: "clusters", value: "x" });
  expect(translatePath(keep, "/zms/cluster/x")).toMatchObject({ kind: "copy", target: "/zms/cluster/x" });
});

test("/zookeeper and /crossidc are never copied and never written, also not through captures", () => {
  const rules = withRules(copy("/a/**", "/**"));
  const open = withRules(copy("/{x}/b"));
  for (const name of ["zookeeper", "crossidc"]) {
    expect(translatePath(open, `/${name}/b`)).toEqual({ kind: "unruled" });
    expect(translatePath(rules, `/a/${name}/x`)).toMatchObject({ kind: "invalidTarget", target: `/${name}/x` });
    expect(translatePath(rules, `/a/${name}`)).toMatchObject({ kind: "invalidTarget", target: `/${name}` });
    expect(translatePath(rules, `/a/${name}s`)).toMatchObject({ kind: "copy", target: `/${name}s` });
    expect(sourcesOf(rules, `/${name}/x`)).toEqual([]);
    expect([mayHoldSources(open, `/${name}`), mayHoldTargets(rules, `/${name}`)]).toEqual([false, false]);
  }
});

describe("data becomes", () => {
  const path = "/zms/topic/orders";
  const copied = { kind: "copy", rule: 2, target: path };
  const held = { rule: 2, table: "clusters", at: "clusterName", target: path };
  test("edited where a key has a row", () => {
    expect(translate(zms, path, bytes("clusterName=rmq-idc1\nx=1"))).toEqual({
      ...copied,
      data: bytes("clusterName=rmq-idc2\nx=1"),
      edited: true,
    });
  });

  test("itself, the very same bytes, where there is nothing to edit", () => {
    const data = bytes("x=rmq-idc1");
    const translation = translate(zms, path, data);
    expect(translation).toEqual({ ...copied, data, edited: false });
    expect(translation.kind === "copy" && translation.data).toBe(data);
  });

  test("itself when null or empty, for every format: writers set the data later", () => {
    for (const format of ["properties", "json", "text"] as const) {
      const at = format === "json" ? "/k" : "(k)";
      const rules = withRules({ ...copy("/a"), data: { format, edits: [{ at, map: "clusters" }] } });
      expect(translate(rules, "/a", null)).toEqual({ kind: "copy", rule: 0, target: "/a", data: null, edited: false });
      const empty = new Uint8Array();
      expect(translate(rules, "/a", empty)).toEqual({
        kind: "copy",
        rule: 0,
        target: "/a",
        data: empty,
        edited: false,
      });
    }
  });

  test("unmapped, skipped or itself when an element has no row, as the link says", () => {
    const data = bytes("clusterName=rmq-idc1;nobody");
    const outcome = (unmapped: RulesConfig["unmapped"]) =>
      translate(compileRules({ ...zmsConfig, unmapped }), path, data);
    expect(outcome("error")).toEqual({ kind: "unmapped", value: "nobody", ...held });
    expect(outcome("skip")).toEqual({ kind: "skipped", value: "nobody", ...held });
    expect(outcome("copy")).toEqual({ ...copied, data: bytes("clusterName=rmq-idc2;nobody"), edited: true });
  });

  test("itself, held back or a stop when it is not of its format, as the link says", () => {
    const data = bytes("no json");
    const outcome = (onBadData: RulesConfig["onBadData"]) => {
      const rules: RuleInput[] = [{ ...copy("/a"), data: { format: "json", edits: [{ at: "/k", map: "clusters" }] } }];
      return translate(compileRules({ ...zmsConfig, rules, onBadData }), "/a", data);
    };
    const message = "not JSON at byte 0";
    const at = { rule: 0, target: "/a" };
    expect(outcome("copy")).toEqual({ kind: "copy", ...at, data, edited: false, badData: message });
    expect(outcome("skip")).toEqual({ kind: "badData", ...at, policy: "skip", message });
    expect(outcome("stop")).toEqual({ kind: "badData", ...at, policy: "stop", message });
  });

  test("addresses of any row", () => {
    const data = bytes("bootAddr=10.1.0.22:9876;10.1.0.21:9876\nserverIps=10.1.0.23:9876");
    expect(translate(zms, "/zms/cluster/kafka-idc1", data)).toMatchObject({
      kind: "unmapped",
      table: "addresses",
      value: "10.1.0.23:9876",
      at: "serverIps",
      target: "/zms/cluster/kafka-idc2",
    });
  });
});

describe("a target path's sources", () => {
  test("are found through the table and through every way to split a segment", () => {
    expect(sourcesOf(zms, "/zms/cluster/rmq-idc2")).toEqual(["/zms/cluster/rmq-idc1"]);
    expect(sourcesOf(zms, "/zms/cluster/rmq-idc1")).toEqual([]);
    expect(sourcesOf(zms, "/zms/host/x")).toEqual([]);
    expect(sourcesOf(zms, "/other")).toEqual([]);
    const joined = withRules(copy("/i/{a}/{b}", "/t/{b}%{a}"));
    expect(sourcesOf(joined, "/t/x%y%z")).toEqual(["/i/y%z/x", "/i/z/x%y"]);
    expect(sourcesOf(joined, "/t/x")).toEqual([]);
  });

  test("are two when both map there: a conflict that only shows at run time", () => {
    const keep = compileRules({ ...zmsConfig, unmapped: "copy" });
    expect(sourcesOf(keep, "/zms/cluster/rmq-idc2")).toEqual(["/zms/cluster/rmq-idc1", "/zms/cluster/rmq-idc2"]);
  });

  test("are few: a target that could be split in too many ways is refused", () => {
    const joined = withRules(copy("/i/{a}/{b}/{c}", "/t/{a}%{b}%{c}"));
    const long = "%".repeat(100);
    expect(translatePath(joined, `/i/${long}/b/c`)).toMatchObject({ kind: "invalidTarget" });
    expect(sourcesOf(joined, `/t/${long}%b%c`)).toEqual([]);
  });
});

test("a scan goes below a path only where something could be copied", () => {
  expect(["/", "/zms", "/zms/topic", "/zms/cluster"].map((path) => mayHoldSources(zms, path))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(
    ["/zms/host", "/zms/host/a", "/zms/topic/a", "/other", "/zms/", "zms"].map((path) => mayHoldSources(zms, path)),
  ).toEqual([false, false, false, false, false, false]);
  expect(["/", "/zms", "/zms/host", "/zms/topic/a", "/other"].map((path) => mayHoldTargets(zms, path))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

const names = ["a", "a", "b", "b", "c1", "c1", "c2", "d1", "a-b", "a-b-c", "-a-", "x-c1"];
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const wholeSegments = ["a", "b", "c2", "{x}", "{y}", "{x:clusters}"];
const anySegments = [...wholeSegments, "{x}-{y}", "{y}-{x}", "x-{x}", "{y}-", "x-{x:clusters}", "{x:clusters}-{y}"];

/** Rules whose `to` often uses what `match` captures; most sets of them are accepted. */
function ruleSets(segments: readonly string[], unmapped: readonly RulesConfig["unmapped"][]): fc.Arbitrary<RuleSet> {
  const side = fc
    .tuple(fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([parts, rest]) => `/${[...parts, ...(rest ? ["**"] : [])].join("/")}`);
  const rule: fc.Arbitrary<RuleInput> = fc.oneof(
    { weight: 1, arbitrary: side.map((match) => ({ match: plain(match), action: "ignore" as const })) },
    { weight: 3, arbitrary: fc.tuple(side, side).map(([match, to]) => copy(plain(match), to)) },
    { weight: 2, arbitrary: side.map((to) => copy(plain(to), to)) },
  );
  const config = fc.record({
    clusters: fc.constant({ c1: { to: "c2", addresses: {} }, d1: { to: "c1", addresses: {} } }),
    rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
    unmapped: fc.constantFrom(...unmapped),
    onBadData: fc.constant("copy" as const),
  });
  return config
    .map((link) => ({ ...link, rules: link.rules.filter((one) => compile({ ...link, rules: [one] }).ok) }))
    .map((link) => compile(link))
    .filter((compiled) => compiled.ok && compiled.rules.rules.some((one) => one.action === "copy"))
    .map((compiled) => {
      if (!compiled.ok) throw new Error("filtered");
      return compiled.rules;
    });
}

const plain = (to: string) => to.replaceAll(":clusters", "");
const strange = fc.constantFrom("a", "/", ".", "\0", "\u007f", "é", "\ud800", "😀", "\uffff");
const policies = ["error", "copy", "skip"] as const;

describe("for rules and paths as they come", () => {
  test("the sources of a copied path's target hold the path", () => {
    fc.assert(
      fc.property(ruleSets(anySegments, policies), fc.array(path, { minLength: 20, maxLength: 40 }), (rules, paths) => {
        for (const source of paths) {
          const outcome = translatePath(rules, source);
          if (outcome.kind === "copy") expect(sourcesOf(rules, outcome.target)).toContain(source);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("what is named a source really maps there", () => {
    fc.assert(
      fc.property(
        ruleSets(anySegments, policies),
        fc.array(path, { minLength: 20, maxLength: 40 }),
        (rules, targets) => {
          for (const target of targets) {
            const sources = sourcesOf(rules, target);
            expect(new Set(sources).size).toBe(sources.length);
            for (const source of sources) expect(translatePath(rules, source)).toMatchObject({ kind: "copy", target });
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("no two sources map to one target, if segments are whole and names without a row are not copied", () => {
    fc.assert(
      fc.property(
        ruleSets(wholeSegments, ["error", "skip"]),
        fc.array(path, { minLength: 40, maxLength: 80 }),
        (rules, paths) => {
          for (const target of paths) expect(sourcesOf(rules, target).length).toBeLessThan(2);
          const taken = new Map<string, string>();
          for (const source of new Set(paths)) {
            const outcome = translatePath(rules, source);
            if (outcome.kind !== "copy") continue;
            expect(taken.get(outcome.target)).toBeUndefined();
            taken.set(outcome.target, source);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a scan never stops above something that is copied, on either side", () => {
    fc.assert(
      fc.property(ruleSets(anySegments, policies), fc.array(path, { minLength: 20, maxLength: 40 }), (rules, paths) => {
        for (const source of paths) {
          const outcome = translatePath(rules, source);
          if (outcome.kind !== "copy") continue;
          for (const above of ancestors(source)) expect(mayHoldSources(rules, above)).toBe(true);
          for (const above of ancestors(outcome.target)) expect(mayHoldTargets(rules, above)).toBe(true);
          expect(rules.sourceRoots.some((root) => isAtOrBelow(source, root))).toBe(true);
          expect(rules.targetRoots.some((root) => isAtOrBelow(outcome.target, root))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("the first rule that fits decides, whichever sibling was asked about before", () => {
    // Of each parent: children that rules name, children that they do not, and what is no path or one that is refused.
    const children = ["a", "b", "c2", "zz", ".", "é", ""];
    fc.assert(
      fc.property(ruleSets(anySegments, policies), fc.array(path, { minLength: 5, maxLength: 10 }), (rules, paths) => {
        const parents = paths.flatMap((parent) => [parent, `${parent}-b`]);
        for (const source of parents.flatMap((parent) => children.map((name) => `${parent}/${name}`))) {
          const first = source.endsWith("/") ? undefined : rules.rules.find(({ match }) => fits(match, source));
          const outcome = translatePath(rules, source);
          expect("rule" in outcome ? outcome.rule : undefined).toBe(first?.index);
          expect(outcome.kind === "ignored").toBe(first?.action === "ignore");
          expect(hasSources(rules, source)).toBe(sourcesOf(rules, source).length > 0);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("random paths and bytes never throw, and give the same twice", () => {
    const anyPath = fc.oneof(
      path,
      fc.string(),
      fc.string({ unit: strange }).map((text) => `/zms/topic/${text}`),
    );
    const anyData = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(
        fc.oneof(ruleSets(anySegments, policies), fc.constant(zms)),
        anyPath,
        anyData,
        (rules, source, data) => {
          const first: Translation = translate(rules, source, data);
          expect(translate(rules, source, data)).toEqual(first);
          sourcesOf(rules, source);
          mayHoldSources(rules, source);
          mayHoldTargets(rules, source);
        },
      ),
      { numRuns: 150 },
    );
  });
});

function ancestors(path: string): string[] {
  const parts = path.slice(1).split("/");
  return parts.map((_, index) => `/${parts.slice(0, index).join("/")}`);
}

function isAtOrBelow(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}
