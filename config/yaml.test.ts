import { describe, expect, test } from "vitest";
import { depthMax, parseYaml, valuesMax } from "./yaml.ts";

const faultsOf = (text: string) =>
  parseYaml(text).faults.map(({ offset, message }) => ({ at: text.slice(offset, offset + 6), message }));

describe("values", () => {
  test("are those of YAML 1.2: yes is a text, 0o17 is a number", () => {
    expect(parseYaml("{ a: yes, b: 0o17, c: ~, d: 1e3, e: 'x' }").root?.value).toEqual({
      a: "yes",
      b: 15,
      c: null,
      d: 1000,
      e: "x",
    });
  });

  test("keys are texts as they are written", () => {
    expect(parseYaml("2181: a\ntrue: b\n0x1: c").root?.value).toEqual({ "2181": "a", true: "b", "0x1": "c" });
  });

  test("an alias stands for its anchor's value, with the anchor's place", () => {
    const text = "a: &x { b: 1 }\nc: *x";
    const { root, faults } = parseYaml(text);
    expect(faults).toEqual([]);
    expect(root?.value).toEqual({ a: { b: 1 }, c: { b: 1 } });
    expect(root?.children.get("c")?.node.offset).toBe(text.indexOf("{"));
  });

  test("an empty text is null", () => {
    expect(parseYaml("# nothing\n")).toMatchObject({ root: { value: null }, faults: [] });
  });
});

describe("what is refused, with its place", () => {
  test.each([
    ["a key that stands there twice", "ab: 1\nab : 2", "ab : 2", "stands here a second time"],
    ["a merge key", "a: &x {}\nb:\n  <<: *x", "<<: *x", "merge keys (<<) are not supported"],
    ["an alias without an anchor", "a: *nowhere", "*nowhe", "the alias *nowhere has no anchor"],
    ["an alias inside its own anchor", "a: &x [*x]", "*x]", "the alias *x has no anchor"],
    ["a mapping as a key", "{a: 1}: 2", "{a: 1}", "a key must be a text"],
    ["the key __proto__", "__proto__: 1", "__prot", "__proto__ cannot be a key"],
    ["an unknown tag", "a: !env X", "!env X", "not valid YAML: unresolved tag: !env"],
    ["a tab as indentation", "a:\n\tb: 1", "\tb: 1", "not valid YAML: tabs are not allowed as indentation"],
    ["a directive", "%YAML 1.1\n---\na: yes", "%YAML ", "a YAML directive is not allowed"],
    ["a second document", "a: 1\n---\nb: 2", "---\nb:", "a second document begins here"],
    ["a NUL", "a: b\0", "\0", "a control character, U+0000, is not allowed"],
    ["a C1 control character", "a: \u009b31m", "\u009b31m", "a control character, U+009b, is not allowed"],
  ])("%s", (_, text, at, message) => {
    expect(faultsOf(text)[0]).toEqual({ at, message });
  });
});

describe("limits", () => {
  test.each([
    ["[", "["],
    ["- ", "- "],
    ["{a: ", "{a: "],
    ["? ", "? "],
    ["a:\n", ""],
  ])("nesting with %j ends at its limit, where it is passed", (opener) => {
    const lines = opener.endsWith("\n")
      ? Array.from({ length: 5_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")
      : opener.repeat(100_000);
    const [fault] = parseYaml(lines).faults;
    expect(fault?.message).toBe("is nested too deeply");
    expect(fault?.offset).toBeLessThan(depthMax * depthMax);
  });

  test("nesting that configs have is well below the limit", () => {
    expect(parseYaml(`${"[".repeat(30)}${"]".repeat(30)}`).faults).toEqual([]);
  });

  test("an alias bomb is refused without being blown up", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    const { root, faults } = parseYaml(lines.join("\n"));
    expect(root).toBeUndefined();
    expect(faults.map(({ message }) => message)).toEqual([`has more than ${valuesMax} values, aliases written out`]);
  });

  test("a mapping with many keys is read in linear time", () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join("\n");
    expect(parseYaml(text).root?.children.size).toBe(10_000);
  });
});
