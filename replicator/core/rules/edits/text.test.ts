import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTextEdit, textBytesMax } from "./text.ts";
import type { EditOutcome, Rewrite } from "./value.ts";

const table = new Map([["c1", "c2"]]);
const map = (at: string): Rewrite => ({ kind: "map", at, table: "clusters", find: (name) => table.get(name) });
const set = (at: string, text: string): Rewrite => ({ kind: "set", at, text });
const bytes = (text: string) => new TextEncoder().encode(text);

function edit(data: Uint8Array, ...rewrites: Rewrite[]): EditOutcome {
  const compiled = compileTextEdit(rewrites);
  if (!("edit" in compiled)) throw new Error(compiled.message);
  return compiled.edit(data);
}

function edited(text: string, ...rewrites: Rewrite[]): string {
  const outcome = edit(bytes(text), ...rewrites);
  if (outcome.kind === "bad") return outcome.message;
  return outcome.kind === "edited" ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(outcome.data) : outcome.kind;
}

describe("group 1 of each match is rewritten", () => {
  const cases: [before: string, expression: string, after: string][] = [
    ["cluster c1 and cluster c1", "cluster (\\S+)", "cluster c2 and cluster c2"],
    ["a\nname: c1\nname: c1", "^name: (.*)$", "a\nname: c2\nname: c2"],
    ["<c1; c1>", "<([^>]*)>", "<c2; c2>"],
    ["\ufeffé c1 😀", "(c1)", "\ufeffé c2 😀"],
    ["c1", "(?=(c1))", "c2"],
    ["xc1", "x|(c1)", "xc2"],
    ["x", "x|(c1)", "same"],
    ["name: ", "name: (.*)", "same"],
    ["c3", "(c\\d)", "unmapped"],
    ["none", "(c1)", "same"],
  ];
  test.each(cases)("%j with %s gives %j", (before, expression, after) => {
    expect(edited(before, map(expression))).toBe(after);
  });
});

test("a group is replaced by a text, also an empty one", () => {
  expect(edited("a=1;b=2", set("b=(\\d)", "9"))).toBe("a=1;b=9");
  expect(edited("a=", set("a=(.*)", "9"))).toBe("a=9");
});

test("edits follow each other", () => {
  expect(edited("a=x", set("a=(.*)", "c1"), map("a=(.*)"))).toBe("a=c2");
});

test("what is no UTF-8 is bad data", () => {
  expect(edit(Uint8Array.of(0x63, 0x31, 0xff), map("(c1)"))).toEqual({ kind: "bad", message: "not valid UTF-8" });
});

test("text edits go up to a size", () => {
  expect(edited(`c1${" ".repeat(textBytesMax - 2)}`, map("(c1)"))).toHaveLength(textBytesMax);
  expect(edited(" ".repeat(textBytesMax + 1), map("(c1)"))).toBe(
    `${textBytesMax + 1} bytes, text edits go up to ${textBytesMax}`,
  );
});

describe("an expression is refused", () => {
  const cases: [expression: string, message: string][] = [
    ["(", "no regular expression"],
    ["(a\\-b)", "no regular expression"],
    ["a", "has 0 capture groups"],
    ["(a)(b)", "has 2 capture groups"],
    ["(?:a)", "has 0 capture groups"],
    ["\\(a\\)", "has 0 capture groups"],
    ["((?:a+)+)", "may take for ever"],
    ["(a|b)*", "may take for ever"],
    ["(?:(a)|b)+", "may take for ever"],
    ["(?:x(a+)y)*", "may take for ever"],
    ["(?:a{2,}){3,}(b)", "may take for ever"],
  ];
  test.each(cases)("%s: %s", (expression, message) => {
    expect(compileTextEdit([map(expression)])).toMatchObject({ at: 0, message: expect.stringContaining(message) });
  });
});

describe("an expression is taken", () => {
  test.each(["(a+)", "(a|b)", "(?:a+)?(b*)", "[(*+|]+(x)", "\\(+(x)", "(?<name>a)", "(?:ab)+(c)", "(a{2})"])(
    "%s",
    (one) => {
      expect(compileTextEdit([map(one)])).toHaveProperty("edit");
    },
  );
});

const character = fc.constantFrom("a", "\n", "\r", "\0", "é", "\ufeff", "\u2028", "\uffff", "😀");

test("what no edit touches stays, byte for byte", () => {
  fc.assert(
    fc.property(fc.string({ unit: character }), fc.string({ unit: character }), (before, after) => {
      expect(edit(bytes(`${before}\u0001c1\u0001${after}`), map("\u0001(.*?)\u0001"))).toEqual({
        kind: "edited",
        data: bytes(`${before}\u0001c2\u0001${after}`),
      });
    }),
  );
});

test("random bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      expect(["same", "edited", "unmapped", "bad"]).toContain(edit(data, map("(.)"), set("^(.*)$", "é")).kind);
    }),
  );
});
