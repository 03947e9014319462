import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileJsonEdit } from "./json.ts";
import { findJson, jsonDepthMax } from "./json-scan.ts";
import type { EditOutcome, Rewrite } from "./value.ts";

const table = new Map([
  ["c1", "c2"],
  ["é", 'q"\\'],
]);
const map = (at: string): Rewrite => ({ kind: "map", at, table: "clusters", find: (name) => table.get(name) });
const set = (at: string, text: string): Rewrite => ({ kind: "set", at, text });
const bytes = (text: string) => new TextEncoder().encode(text);

function edit(data: Uint8Array, ...rewrites: Rewrite[]): EditOutcome {
  const compiled = compileJsonEdit(rewrites);
  if (!("edit" in compiled)) throw new Error(compiled.message);
  return compiled.edit(data);
}

function edited(text: string, ...rewrites: Rewrite[]): string {
  const outcome = edit(bytes(text), ...rewrites);
  if (outcome.kind === "bad") return outcome.message;
  return outcome.kind === "edited" ? new TextDecoder().decode(outcome.data) : outcome.kind;
}

describe("the value at a pointer is rewritten where it stands", () => {
  const cases: [before: string, pointer: string, after: string][] = [
    ['{"a":"c1"}', "/a", '{"a":"c2"}'],
    [' { "x" : 1.50e+3 , "a" : "c1" }\n', "/a", ' { "x" : 1.50e+3 , "a" : "c2" }\n'],
    ['{"a":{"b":["x",{"c":"c1"}]}}', "/a/b/1/c", '{"a":{"b":["x",{"c":"c2"}]}}'],
    ['{"a":["c1", "c1;c1"]}', "/a", '{"a":["c2", "c2;c2"]}'],
    ['{"a":"c1 , c1"}', "/a", '{"a":"c2 , c2"}'],
    ['["c1"]', "/0", '["c2"]'],
    ['{"a":"c1","a":"c1"}', "/a", '{"a":"c2","a":"c2"}'],
    ['{"\\u0061":"c\\u0031"}', "/a", '{"\\u0061":"c2"}'],
    ['{"a/b":{"~":"c1"}}', "/a~1b/~0", '{"a/b":{"~":"c2"}}'],
    ['{"":"c1"}', "/", '{"":"c2"}'],
    ['{"a":"é"}', "/a", '{"a":"q\\"\\\\"}'],
    ['{"a":"c1","b":"\\ud800\\/"}', "/a", '{"a":"c2","b":"\\ud800\\/"}'],
    ['{"a":""}', "/a", "same"],
    ['{"a":[]}', "/a", "same"],
    ['{"b":"c1"}', "/a", "same"],
    ['{"a":"c1"}', "/a/b", "same"],
    ['["c1"]', "/00", "same"],
    ['["c1"]', "/-", "same"],
    ['{"a":"c2"}', "/a", "unmapped"],
    ['{"a":1}', "/a", "the value at /a (byte 5) is not a string or an array of strings"],
    ['{"a":null}', "/a", "the value at /a (byte 5) is not a string or an array of strings"],
    ['{"a":{}}', "/a", "the value at /a (byte 5) is not a string or an array of strings"],
    ['{"a":["c1",2]}', "/a", "the value at /a (byte 11) is not a string or an array of strings"],
    ['{"a":[["c1"]]}', "/a", "the value at /a (byte 6) is not a string or an array of strings"],
  ];
  test.each(cases)("%s at %s gives %s", (before, pointer, after) => {
    expect(edited(before, map(pointer))).toBe(after);
  });
});

test("a string is replaced by a text, anything else is no string", () => {
  expect(edited('{"a":"x"}', set("/a", "é\n"))).toBe('{"a":"é\\n"}');
  expect(edited('{"a":""}', set("/a", "y"))).toBe('{"a":"y"}');
  expect(edited('{"a":["x"]}', set("/a", "y"))).toBe("the value at /a (byte 6) is not a string");
});

test("edits follow each other", () => {
  expect(edited('{"a":"x","b":"c1"}', set("/a", "c1"), map("/a"), map("/b"))).toBe('{"a":"c2","b":"c2"}');
});

describe("what is no JSON is bad data", () => {
  test.each([
    ["{", 1],
    ["", 0],
    ["{'a':1}", 1],
    ['{"a":1,}', 7],
    ["[1,]", 3],
    ["01", 0],
    ["1 2", 2],
    ["tru", 0],
    ["NaN", 0],
    ['"\\x"', 2],
    ['"\\u12g4"', 5],
    ['"\n"', 1],
    ["k=v", 0],
    ["\ufeff{}", 0],
    ["[".repeat(jsonDepthMax + 1), jsonDepthMax],
  ])("%j, at byte %i", (text, at) => {
    expect(edited(text, map("/a"))).toBe(`not JSON at byte ${at}`);
  });
});

test("bytes that are no UTF-8 stay where no edit touches them, and are bad data where one would", () => {
  const before = Uint8Array.of(...bytes('{"x":"'), 0xff, 0xc3, ...bytes('","a":"c1"}'));
  const after = Uint8Array.of(...bytes('{"x":"'), 0xff, 0xc3, ...bytes('","a":"c2"}'));
  expect(edit(before, map("/a"))).toEqual({ kind: "edited", data: after });
  expect(edit(before, map("/x"))).toEqual({ kind: "bad", message: "the string at /x (byte 5) is not valid UTF-8" });
});

test("an element without a row is named with its pointer", () => {
  expect(edit(bytes('{"a":["c1","nobody"]}'), map("/a"))).toEqual({
    kind: "unmapped",
    table: "clusters",
    value: "nobody",
    at: "/a",
  });
});

test.each(["a", "a/b", "/a~", "/a~2"])("%j is no pointer", (at) => {
  expect(compileJsonEdit([map("/ok"), map(at)])).toMatchObject({
    at: 1,
    message: expect.stringContaining("JSON Pointer"),
  });
});

test("documents are read exactly as JSON.parse reads them", () => {
  const parts = fc.constantFrom(...'{}[]:,"\\ue+-.019 \n', '"a"', "true", "null", "1.5", "{}", '{"a":1}');
  const texts = fc.oneof(
    fc.json(),
    fc.array(parts, { maxLength: 12 }).map((some) => some.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(findJson(bytes(text), ["a"]).ok).toBe(isJson(text));
    }),
    { numRuns: 3_000 },
  );
});

test("an edit changes what it should and nothing else", () => {
  const document = fc.dictionary(fc.constantFrom("x", "y", "z"), fc.jsonValue());
  fc.assert(
    fc.property(document, fc.constantFrom(0, 1, 4), (rest, space) => {
      const before = JSON.stringify({ ...rest, a: "c1" }, undefined, space);
      expect(edited(before, map("/a"))).toBe(JSON.stringify({ ...rest, a: "c2" }, undefined, space));
    }),
  );
});

test("random bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      expect(["same", "edited", "unmapped", "bad"]).toContain(edit(data, map("/a"), set("/0", "é")).kind);
    }),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
