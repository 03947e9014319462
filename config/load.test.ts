import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OperatorError } from "#lib/errors.ts";
import { contextsSchema } from "./contexts.ts";
import { configBytesMax, loadConfig } from "./load.ts";
import { ConfigError, formatProblem } from "./problems.ts";
import { replicatorCautions, replicatorSchema } from "./replicator.ts";
import { marks } from "./schema.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Loads `text` as /etc/c/f.yaml, beside other files. */
const load = <S extends z.ZodType>(schema: S, text: string, files: Record<string, string> = {}) =>
  loadConfig(schema, "/etc/c/f.yaml", {
    readFile: (file) => {
      const content = file === "/etc/c/f.yaml" ? text : files[file];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${file}`), { code: "ENOENT" });
      return bytesOf(content);
    },
  });

const errorOf = (action: () => unknown): OperatorError => {
  try {
    action();
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error("should have failed");
};

const linesOf = (schema: z.ZodType, text: string, files?: Record<string, string>): string[] =>
  errorOf(() => load(schema, text, files))
    .message.replaceAll("/etc/c/f.yaml:", "")
    .split("\n");

const oneLink = (rest: string, site = "site: idc2"): string => `${site}
links:
  - name: zms
    kind: zookeeper
    source: { servers: ["10.1.0.7:2181"] }
    target: { servers: ["10.2.0.7:2181"] }
    ${rest}
`;
const rules = `rules: [{ match: "/zms/**", to: "/zms/**" }]`;

describe("problems", () => {
  test("come all at once, in the order of the file, each with its place and what to do", () => {
    const text = `site: IDC2
htpp: {}
log:
links:
  - kind: zookeper
    name: zms
    source: { servers: ["10.1.0.7", "b:99999"], sessionTimeoutMs: 1 }
    target: { servers: [] }
    compareEveryMs: soon
    rules:
      - { match: "/a", action: ignore, to: "/b" }
      - { match: "/a" }
      - { match: "/a", to: "/b", data: { format: json, edits: [{ at: "/x" }] } }
`;
    expect(linesOf(replicatorSchema, text)).toEqual([
      `1:7: site: "IDC2" is not valid (must be 1 to 32 of a-z, 0-9 and -)`,
      "2:1: htpp: is not a known key (did you mean http?)",
      "3:5: log: has no value (give a mapping, or remove the key)",
      `5:11: links[0].kind: "zookeper" is not one of the choices (did you mean zookeeper? one of: zookeeper)`,
      `7:25: links[0].source.servers[0]: "10.1.0.7" is not valid (must be host:port, for example 10.1.0.7:2181 or [::1]:2181)`,
      `7:37: links[0].source.servers[1]: "b:99999" has no such port (a port is 1 to 65535)`,
      "7:67: links[0].source.sessionTimeoutMs: 1 is too small (at least 1000)",
      "8:24: links[0].target.servers: has too few elements (at least 1)",
      `9:21: links[0].compareEveryMs: "soon" is not a number (give a number: Time between full compares of source and target, ms.)`,
      `11:44: links[0].rules[0].to: "/b" has no meaning with action: ignore (remove one of the two)`,
      "12:9: links[0].rules[1].to: is missing (say where to, or action: ignore)",
      "13:64: links[0].rules[2].data.edits[0]: does not say what to do, or says it twice (give one of map and set)",
    ]);
  });

  test("of a missing key stand at its mapping", () => {
    expect(linesOf(replicatorSchema, oneLink("acl: target-default"))).toEqual([
      "3:5: links[0].rules: is missing (add it: First match wins; a path under no rule is not copied.)",
    ]);
  });

  test("of a repeated key and of the schema come together", () => {
    expect(linesOf(replicatorSchema, oneLink(`${rules}\n    name: ZMS\n    acl: no`))).toEqual([
      "8:5: links[0].name: stands here a second time (keep one of the two)",
      `9:10: links[0].acl: "no" is not one of the choices (one of: target-default, copy)`,
    ]);
  });

  test("of YAML itself come with their place", () => {
    expect(linesOf(replicatorSchema, "site: idc2\nlinks:\n\t- name: a")[0]).toBe(
      "3:1: not valid YAML: tabs are not allowed as indentation (indent with spaces)",
    );
  });

  test("inside an alias point at the anchor's value", () => {
    const text = oneLink(rules)
      .replace('{ servers: ["10.1.0.7:2181"] }', '&z { servers: ["x"] }')
      .replace('{ servers: ["10.2.0.7:2181"] }', "*z");
    expect(linesOf(replicatorSchema, text).map((line) => line.replace(/ is not .*/, ""))).toEqual([
      '5:28: links[0].source.servers[0]: "x"',
      '5:28: links[0].target.servers[0]: "x"',
    ]);
  });

  test("of a list's repeats name the first", () => {
    expect(linesOf(replicatorSchema, oneLink(rules).replace('["10.1.0.7:2181"]', '["a:1", "b:1", "a:1"]'))).toEqual([
      `5:39: links[0].source.servers[2]: "a:1" stands here a second time (number 0 of the list is the same; counted from 0)`,
    ]);
  });

  test("show values shortened, on one line, and harmless to a terminal", () => {
    const [line] = linesOf(replicatorSchema, oneLink(rules, `site: "\\e[31m\\x9b\\n${"x".repeat(500)}"`));
    expect(line).toMatch(/^1:7: site: "\\u001b\[31m\\u009b\\nx+\.\.\." is not valid/);
    expect(line?.length).toBeLessThan(200);
  });

  test("are counted when there are too many to print", () => {
    const lines = linesOf(replicatorSchema, Array.from({ length: 80 }, (_, i) => `unknown${i}: 1`).join("\n"));
    expect(lines.length).toBe(51);
    expect(lines.at(-1)).toBe("... and 32 more");
  });

  test("of a record's key and value quote a key that is no plain word", () => {
    const schema = z.strictObject({ table: z.record(z.string().min(3, "must be longer"), z.int()) });
    expect(linesOf(schema, `table: { "a.b": x, c: 1 }`)).toEqual([
      `1:17: table["a.b"]: "x" is not a number (give a number)`,
      "1:20: table.c: is not a valid key (must be longer)",
    ]);
  });

  test("of alternatives speak of the one that comes nearest", () => {
    const either = z.union([z.string(), z.strictObject({ a: z.int(), b: z.string() })]);
    const kinds = z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("one") }),
      z.strictObject({ kind: z.literal("two"), x: z.int() }),
    ]);
    const schema = z.strictObject({ e: either, f: either, k: kinds, l: kinds });
    expect(linesOf(schema, `e: { a: x, b: y }\nf: 1\nk: { kind: tow }\nl: { kind: two, y: 1 }`)).toEqual([
      `1:9: e.a: "x" is not a number (give a number)`,
      "2:4: f: 1 fits none of the choices (give a text or a mapping)",
      `3:12: k.kind: "tow" fits none of the choices (did you mean two? one of: one, two)`,
      "4:4: l.x: is missing (add it)",
      "4:17: l.y: is not a known key (did you mean x?)",
    ]);
  });

  test("never show a secret", () => {
    const schema = z.strictObject({ password: z.string().min(20).register(marks, { mark: "secret" }) });
    expect(linesOf(schema, "password: hunter2")).toEqual(["1:11: password: *** is too short (at least 20 characters)"]);
  });
});

describe("files that are no config at all", () => {
  test.each([
    ["an empty one", "", "1:1: the file is empty (start from an example)"],
    [
      "a scalar",
      "hello",
      `1:1: "hello" is not a mapping (give a mapping: Mirrors metadata of one IDC's ZooKeeper into another IDC's ZooKeeper.)`,
    ],
    [
      "a list",
      "- a",
      "1:1: is not a mapping (give a mapping: Mirrors metadata of one IDC's ZooKeeper into another IDC's ZooKeeper.)",
    ],
  ])("%s is a problem of the file", (_, text, line) => {
    expect(linesOf(replicatorSchema, text)).toEqual([line]);
  });

  test("bytes that are not UTF-8 are located", () => {
    const readFile = () => new Uint8Array([...bytesOf("site: idc2\nname: é"), 0xc3, 0x28]);
    expect(errorOf(() => loadConfig(replicatorSchema, "f", { readFile })).message).toBe(
      "f:2:8: not UTF-8 from here on (save the file as UTF-8)",
    );
  });

  test("a missing or an oversize one is named with the reason", () => {
    const missing = () => {
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    };
    expect(errorOf(() => loadConfig(replicatorSchema, "f", { readFile: missing }))).toMatchObject({
      code: "CONFIG_UNREADABLE",
      message: "Cannot read the config file f: there is no such file",
    });
    const big = () => new Uint8Array(configBytesMax + 1);
    expect(errorOf(() => loadConfig(replicatorSchema, "f", { readFile: big })).message).toContain(
      `more than ${configBytesMax} bytes`,
    );
  });
});

describe("the site", () => {
  const labels = {
    "/etc/idc.properties": "# labels\nregion = north\nlogicIdcUK= idc2 \n",
    "/etc/c/own.properties": "logicIdcUK: IDC 2",
  };
  const fromFile = (file: string, key: string) => oneLink(rules, `siteFile: ${file}\nsiteKey: ${key}`);

  test("is read from the machine's label file", () => {
    expect(load(replicatorSchema, fromFile("/etc/idc.properties", "logicIdcUK"), labels).config.site).toBe("idc2");
  });

  test.each([
    [
      "neither is given",
      oneLink(rules, "environment: prod"),
      "1:1: site: is missing (name the site with `site`, or with `siteFile` and `siteKey`)",
    ],
    [
      "both are given",
      oneLink(rules, "site: a\nsiteFile: b\nsiteKey: c"),
      '2:11: siteFile: "b" stands beside `site` (name the site with `site`, or with `siteFile` and `siteKey`)',
    ],
    [
      "the key is missing",
      oneLink(rules, "siteFile: b"),
      "1:1: siteKey: is missing beside `siteFile` (name the site with `site`, or with `siteFile` and `siteKey`)",
    ],
    [
      "there is no such label",
      fromFile("/etc/idc.properties", "idc"),
      '2:10: siteKey: "idc" is not in /etc/idc.properties (add a line idc=<site> there)',
    ],
    [
      "there is no such file",
      fromFile("none", "idc"),
      '1:11: siteFile: "none" cannot be read: there is no such file (name the site with `site`, or with `siteFile` and `siteKey`)',
    ],
    [
      "the label is no site's name",
      fromFile("own.properties", "logicIdcUK"),
      '2:10: siteKey: "logicIdcUK" names the site "IDC 2", which is not valid (must be 1 to 32 of a-z, 0-9 and -)',
    ],
    [
      "siteFile is no text",
      oneLink(rules, "siteFile: 1\nsiteKey: a"),
      "1:11: siteFile: 1 is not a text (give a text: The machine's own label file (key=value lines), which names the site under siteKey.)",
    ],
  ])("is a problem when %s", (_, text, line) => {
    expect(linesOf(replicatorSchema, text, labels)).toEqual([line]);
  });
});

describe("a loaded config", () => {
  test("has its relative paths made absolute from its folder, and others left as they are", () => {
    const text = oneLink(rules).replace(
      '["10.1.0.7:2181"]',
      '["10.1.0.7:2181"], tls: { ca: tls/ca.pem, cert: /a, key: ../k }, auth: [{ scheme: digest, credentialFile: c }]',
    );
    const [link] = load(replicatorSchema, text).config.links;
    expect(link?.source.tls).toEqual({ ca: "/etc/c/tls/ca.pem", cert: "/a", key: "/etc/k" });
    expect(link?.source.auth).toEqual([{ scheme: "digest", credentialFile: "/etc/c/c" }]);
    expect(link?.rules[0]?.to).toBe("/zms/**");
  });

  test("locates any path, and its nearest parent where the file leaves it out", () => {
    const loaded = load(replicatorSchema, oneLink(rules));
    expect(loaded.locate(["links", 0, "rules", 0, "to"])).toEqual({ file: "/etc/c/f.yaml", line: 7, column: 37 });
    expect(loaded.locate(["links", 0, "deletes", "mode"])).toEqual({ file: "/etc/c/f.yaml", line: 3, column: 5 });
    expect(loaded.locate([])).toEqual({ file: "/etc/c/f.yaml", line: 1, column: 1 });
  });

  test("turns what other checks find into the same kind of error", () => {
    const loaded = load(replicatorSchema, oneLink(rules));
    const error = loaded.error([
      { path: ["links", 0, "rules", 0, "to"], message: "lies inside its source", remedy: "choose another target" },
    ]);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe(
      `/etc/c/f.yaml:7:37: links[0].rules[0].to: "/zms/**" lies inside its source (choose another target)`,
    );
  });

  test("warns of ACLs that are to be copied by a link without an identity in the target", () => {
    const { warnings } = loadConfig(replicatorSchema, "f", {
      readFile: () => bytesOf(oneLink(`${rules}\n    acl: copy`)),
      cautions: replicatorCautions,
    });
    expect(warnings.map(formatProblem).filter((line) => line.includes(".acl:"))).toEqual([
      expect.stringMatching(/links\[0\]\.acl: .*no identity in the target \(give target\.auth\)$/),
    ]);
  });

  test("knows no scheme auth in an ACL: servers put the identities in its place", () => {
    expect(linesOf(replicatorSchema, oneLink(`${rules}\n    aclSchemes: [world, auth]`))).toEqual([
      expect.stringContaining('links[0].aclSchemes[1]: "auth" is not valid (must be a scheme such as world or digest)'),
    ]);
  });

  test("warns of credentials on a plain connection and of a link onto itself", () => {
    const text = oneLink(rules).replaceAll(
      /\{ servers.*\}/g,
      '{ servers: ["a:1"], auth: [{ scheme: digest, credentialFile: c }] }',
    );
    const { warnings } = loadConfig(replicatorSchema, "f", {
      readFile: () => bytesOf(text),
      cautions: replicatorCautions,
    });
    expect(warnings.map(formatProblem)).toEqual([
      "f:5:39: links[0].source.auth: sends its credentials over a plain connection (give tls, if anyone can listen on the way)",
      "f:6:39: links[0].target.auth: sends its credentials over a plain connection (give tls, if anyone can listen on the way)",
      "f:6:13: links[0].target: is the source's own tree (a:1) (check servers and chroot)",
    ]);
  });
});

describe("idcctl's contexts", () => {
  test("current names one of them, and endpoints are addresses without a path", () => {
    expect(linesOf(contextsSchema, `current: prd\ncontexts: { prod: { replicators: ["http://a:7401"] } }`)).toEqual([
      `1:10: current: "prd" names no context (name one of those under \`contexts\`)`,
    ]);
    expect(
      linesOf(contextsSchema, `current: prod\ncontexts: { prod: { replicators: ["http://u:p@a:1/x"] } }`)[0],
    ).toContain("is not valid");
  });
});
