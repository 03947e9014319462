import { describe, expect, test } from "vitest";
import { loadConfig } from "./load.ts";
import { ConfigError, formatProblem } from "./problems.ts";
import { type LinkConfig, replicatorSchema } from "./replicator.ts";

const load = (text: string) =>
  loadConfig(replicatorSchema, "/etc/c/f.yaml", { readFile: () => new TextEncoder().encode(text) });

const linesOf = (text: string): string[] => {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll("/etc/c/f.yaml:", "").split("\n");
    throw error;
  }
  throw new Error("should have been refused");
};

const warningsOf = (text: string): string[] =>
  load(text).warnings.map((problem) => formatProblem(problem).replace("/etc/c/f.yaml:", ""));

const word = (name: string): string => `\${${name}}`;
const inTemplate = `    kind: zookeeper
    source: { servers: ["a:1"], chroot: "/${word("x")}" }
    target: { servers: ["b:1"], sessionTimeoutMs: 5000 }
    rules: [{ match: "/${word("x")}/**", to: "/**" }]
`;
const file = (links: string, template = inTemplate): string => `site: idc2
templates:
  base:
${template}links:
${links}`;

const linkOf = (text: string): LinkConfig | undefined => load(text).config.links[0];

describe("a link of a template", () => {
  test("has the template's keys, with its own words in their texts", () => {
    const link = linkOf(file("  - { name: one, template: base, with: { x: pay } }\n"));
    expect(link).toMatchObject({
      name: "one",
      source: { servers: ["a:1"], chroot: "/pay", sessionTimeoutMs: 10_000 },
      target: { servers: ["b:1"], sessionTimeoutMs: 5_000 },
      rules: [{ match: "/pay/**", to: "/**" }],
    });
    expect(link).not.toHaveProperty("template");
    expect(link).not.toHaveProperty("with");
  });

  test("puts its own keys in front: mappings key by key, lists and all else as a whole", () => {
    const link = linkOf(
      file(`  - name: one
    template: base
    with: { x: pay }
    target: { servers: ["c:1", "d:1"], connectTimeoutMs: 500 }
    rules: [{ match: "/own/**", to: "/own/**" }]
    unmapped: skip
`),
    );
    expect(link).toMatchObject({
      target: { servers: ["c:1", "d:1"], sessionTimeoutMs: 5_000, connectTimeoutMs: 500 },
      source: { chroot: "/pay" },
      rules: [{ match: "/own/**", to: "/own/**" }],
      unmapped: "skip",
    });
  });

  test("fills a word in as it is: what it brings is not looked at again", () => {
    const link = linkOf(file(`  - { name: one, template: base, with: { x: "${word("x")}" } }\n`));
    expect(link?.source.chroot).toBe(`/${word("x")}`);
  });

  test("leaves the template as it is for the next one", () => {
    const { links } = load(
      file(`  - { name: one, template: base, with: { x: pay }, source: { chroot: /own } }
  - { name: two, template: base, with: { x: search } }
`),
    ).config;
    expect(links.map(({ source }) => source.chroot)).toEqual(["/own", "/search"]);
  });

  test("is refused where the template is not there, with the one that was meant", () => {
    expect(linesOf(file("  - { name: one, template: bsae, with: { x: pay } }\n"))).toEqual([
      `9:28: links[0].template: "bsae" names no template (did you mean base?)`,
    ]);
    expect(linesOf("site: idc2\nlinks:\n  - { name: one, template: base }\n")).toEqual([
      `3:28: links[0].template: "base" names no template (write it under templates)`,
    ]);
  });

  test("is refused where it lacks a word, once for each link", () => {
    expect(
      linesOf(file("  - { name: one, template: base }\n  - { name: two, template: base, with: { y: pay } }\n")),
    ).toEqual([
      `9:5: links[0].with: has no word "x" (add it: templates.base.source.chroot asks for it)`,
      `10:40: links[1].with: has no word "x" (add it: templates.base.source.chroot asks for it)`,
    ]);
  });

  test("has words only beside a template", () => {
    const link = `{ name: one, kind: zookeeper, source: { servers: ["a:1"] }, target: { servers: ["b:1"] }, rules: [{ match: "/**", to: "/**" }], with: { x: y } }`;
    expect(linesOf(`site: idc2\nlinks:\n  - ${link}\n`)).toEqual([
      "3:139: links[0].with: has no meaning without template (remove it)",
    ]);
  });
});

describe("a mistake", () => {
  const two = "  - { name: one, template: base, with: { x: a } }\n  - { name: two, template: base, with: { x: b } }\n";

  test("in a template is told once, where it stands there", () => {
    const template = inTemplate.replace("zookeeper", "kafka").replace("sessionTimeoutMs", "sessionTimeout");
    expect(linesOf(file(two, template))).toEqual([
      `4:11: templates.base.kind: "kafka" is not one of the choices (one of: zookeeper)`,
      "6:33: templates.base.target.sessionTimeout: is not a known key (did you mean sessionTimeoutMs?)",
    ]);
  });

  test("in what a link overrides stands in the link", () => {
    expect(
      linesOf(file("  - { name: one, template: base, with: { x: a }, source: { chrot: /b }, unmapped: no }\n")),
    ).toEqual([
      "9:60: links[0].source.chrot: is not a known key (did you mean chroot?)",
      `9:83: links[0].unmapped: "no" is not one of the choices (one of: error, copy, skip)`,
    ]);
  });

  test("that a word makes names the link and what came of it", () => {
    expect(linesOf(file("  - { name: one, template: base, with: { x: /a } }\n"))).toEqual([
      `5:41: templates.base.source.chroot: "/${word("x")}" is "//a" in link one, which is not valid (must be an absolute path such as /a/b: no //, no / at its end, no . or .. in it)`,
    ]);
  });

  test("of neither, a key that is missing, stands in the template", () => {
    expect(linesOf(file(two, inTemplate.replace(`servers: ["b:1"], `, "")))).toEqual([
      "6:13: templates.base.target.servers: is missing (add it: Servers of the ensemble, host:port. Tried in random order.)",
    ]);
  });

  test("in a template that no link uses is found too; what it leaves out is not one", () => {
    const unused = `  other:
    source: { chroot: /b }
    unmapped: no
    name: x
    rules: []
`;
    expect(linesOf(file(two, inTemplate + unused))).toEqual([
      `10:15: templates.other.unmapped: "no" is not one of the choices (one of: error, copy, skip)`,
      "11:5: templates.other.name: is not a known key (known here: kind, source, target, clusters, rules, unmapped, onBadData, deletes, ephemerals, acl, aclSchemes, targetAcl, compareEveryMs, pollEveryMs, limits, canary)",
      "12:12: templates.other.rules: has too few elements (at least 1)",
    ]);
  });

  test("of a word where there should be no text is told", () => {
    const text = `"${word("x")}"`;
    expect(linesOf(file(two, `    ${text}\n`))).toEqual([
      `4:5: templates.base: ${text} is not a mapping (give a mapping)`,
    ]);
    expect(linesOf(file(two, `${inTemplate}    deletes: ${text}\n`))).toEqual([
      `8:14: templates.base.deletes: ${text} is not a mapping (give a mapping: What a delete at the source does.)`,
      expect.stringContaining("which is not a mapping"),
      expect.stringContaining("which is not a mapping"),
    ]);
  });

  test("of a word in a key is told, as it would stay as it is", () => {
    expect(linesOf(file(two, `${inTemplate}    clusters: { "rmq-${word("x")}": { to: a } }\n`))).toEqual([
      `8:17: templates.base.clusters["rmq-${word("x")}"]: has a word in a key (write the mapping in the links)`,
    ]);
  });

  test("that a check after loading finds is put to where it was written, once", () => {
    const { error, locate } = load(file(two));
    const inRule = [0, 1].map((link) => ({ path: ["links", link, "rules", 0, "to"], message: "is odd", remedy: "" }));
    expect(error(inRule).problems.map(formatProblem)).toEqual([
      `/etc/c/f.yaml:7:38: templates.base.rules[0].to: "/**" is odd`,
    ]);
    expect(locate(["links", 1, "source", "servers", 0])).toMatchObject({ line: 5, column: 25 });
  });
});

describe("a name that would steer a terminal is told in one line, its control characters written out", () => {
  test.for([
    ["ba\\ts", "did you mean ba\\ts?"],
    ["ba\\ns", "did you mean ba\\ns?"],
    ["ba\\x7fs", "did you mean ba\\u007fs?"],
    ["ba\\x9bs", "did you mean ba\\u009bs?"],
    ["ba\\Ls", "did you mean ba\\u2028s?"],
    ["\\r\\ranother", "one of: \\r\\ranother"],
  ])("of the template %s, where another is asked for", ([name = "", remedy]) => {
    const links = "  - { name: one, template: bas, with: { x: a } }\n";
    const text = file(links).replace("  base:", `  "${name}":`);
    expect(linesOf(text).map((line) => line.replace(/^[\d:]+ /, ""))).toContain(
      `links[0].template: "bas" names no template (${remedy})`,
    );
  });

  test("of a link, where its template comes out wrong", () => {
    const links = '  - { name: "o\\te", template: base, with: { x: "" } }\n';
    expect(linesOf(file(links)).join("\n")).toContain(" in link o\\te, which ");
  });

  test("of a file", () => {
    expect(new ConfigError("f\n.yaml", []).hint).toBe("Correct f\\n.yaml, then try it with --check");
  });
});

describe("a warning is given", () => {
  test("of a template that no link uses", () => {
    const unused = "  other: { unmapped: skip }\n";
    expect(warningsOf(file("  - { name: one, template: base, with: { x: a } }\n", inTemplate + unused))).toEqual([
      "8:10: templates.other: is used by no link (remove it, or name it in a link)",
    ]);
  });

  test("of a word that stands nowhere in the template", () => {
    expect(warningsOf(file("  - { name: one, template: base, with: { x: a, y: b } }\n"))).toEqual([
      `9:51: links[0].with.y: "b" stands nowhere in base (remove it)`,
    ]);
  });
});

test("templates cannot make a small file into a large config", () => {
  const rules = `    rules: [${Array.from({ length: 1_000 }, (_, index) => `{ match: /a${index}, to: /b${index} }`).join(", ")}]\n`;
  const links = Array.from(
    { length: 100 },
    (_, index) => `  - { name: l${index}, template: base, with: { x: a } }\n`,
  ).join("");
  expect(linesOf(file(links, inTemplate.replace(/.*rules.*\n/, rules))).join("\n")).toMatch(
    /^\d+:5: links\[66\]: is one too many: more than 200000 values in all/,
  );
});
