import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePropertiesEdit } from "./properties.ts";
import { createPlainFinder, logicalLines } from "./properties-lines.ts";
import type { EditOutcome, Rewrite } from "./value.ts";

const table = new Map([
  ["c1", "c2"],
  ["a:1", "b:1"],
  ["x y", "z"],
  ["weird", " =\\ü\n#"],
  ["same", "same"],
  ["ü", "u"],
]);
const map = (at: string): Rewrite => ({ kind: "map", at, table: "clusters", find: (name) => table.get(name) });
const set = (at: string, text: string): Rewrite => ({ kind: "set", at, text });

function edit(data: Uint8Array, ...rewrites: Rewrite[]): EditOutcome {
  const compiled = compilePropertiesEdit(rewrites);
  if (!("edit" in compiled)) throw new Error(compiled.message);
  return compiled.edit(data);
}

const toBytes = (binary: string) => Uint8Array.from(binary, (character) => character.charCodeAt(0));
const toBinary = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** Each character is one byte. */
function edited(binary: string, ...rewrites: Rewrite[]): string {
  const outcome = edit(toBytes(binary), ...rewrites);
  return outcome.kind === "edited" ? toBinary(outcome.data) : outcome.kind;
}

describe("the value of a key is mapped where it stands", () => {
  const cases: [before: string, after: string][] = [
    ["k=c1", "k=c2"],
    ["k=c1\n", "k=c2\n"],
    ["k=c1\r\nother=c1\r\n", "k=c2\r\nother=c1\r\n"],
    ["k=c1\rother=1", "k=c2\rother=1"],
    ["k:c1", "k:c2"],
    ["k c1", "k c2"],
    [" \t k\t=\f c1 ", " \t k\t=\f c2 "],
    ["k = c1 ; c1,\tc1;;c1; ", "k = c2 ; c2,\tc2;;c2; "],
    ["k=c1\nx=1\nk=c1", "k=c2\nx=1\nk=c2"],
    ["#k=c1\n!k=c1\nk=c1", "#k=c1\n!k=c1\nk=c2"],
    ["#c \\\nk=c1", "#c \\\nk=c2"],
    ["kk=c1\nk.=c1\nxk=c1\nk=c1", "kk=c1\nk.=c1\nxk=c1\nk=c2"],
    ["x=\\\n k=c1\nk=c1", "x=\\\n k=c1\nk=c2"],
    ["x=\\\\\nk=c1", "x=\\\\\nk=c2"],
    ["k=\\\n  c1", "k=\\\n  c2"],
    ["k\\\n =c1", "k\\\n =c2"],
    ["k=c1,\\\r\n  c1", "k=c2,\\\r\n  c2"],
    ["k=c\\\n  1;c1", "k=c2;c2"],
    ["k=a:1;a\\:1", "k=b:1;b\\:1"],
    ["\\u006b=c\\u0031", "\\u006b=c2"],
    ["k=x\\ y\\;c1", "k=z\\;c2"],
    ["k==c1", "unmapped"],
    ["k=c1\\", "k=c2"],
    ["k=weird", "k=\\ =\\\\\\u00fc\\n#"],
    ["k=w\\eir\\d;a\\:1", "k=\\ =\\\\\\u00fc\\n#;b\\:1"],
    ["k=\xc3\xbc", "k=u"],
    ["k=\xfc", "k=u"],
    ["\xff\xfe=\xc3\nk=c1\n\x00", "\xff\xfe=\xc3\nk=c2\n\x00"],
  ];
  test.each(cases)("%j becomes %j", (before, after) => {
    expect(edited(before, map("k"))).toBe(after);
  });
});

describe("there is nothing to edit", () => {
  test.each([["x=c1"], ["k="], ["k"], ["k= \t"], ["k=;, ;"], ["k=same"], ["K=c1"], ["\n\n"], ["#k=c1"], ["k=\\\n"]])(
    "in %j",
    (data) => {
      expect(edited(data, map("k"))).toBe("same");
    },
  );
});

describe("a value is replaced by a text", () => {
  const cases: [before: string, text: string, after: string][] = [
    ["k=old;x\nn=1", "new", "k=new\nn=1"],
    ["k=\n", "new", "k=new\n"],
    ["k\n", "new", "k=new\n"],
    ["k", "new", "k=new"],
    ["k =\\\n old\n", "new", "k =\\\n new\n"],
    ["k=new", "new", "same"],
    ["k=n\\u0065w", "new", "same"],
    ["k=a\\:1", "b:2", "k=b\\:2"],
    ["k=x", "", "k="],
    ["k=x", " x\\\t", "k=\\ x\\\\\\t"],
  ];
  test.each(cases)("%j set to %j becomes %j", (before, text, after) => {
    expect(edited(before, set("k", text))).toBe(after);
  });
});

test("a key with blanks, separators or letters beyond ASCII is found as it is meant", () => {
  expect(edited("a\\ b\\==c1", map("a b="))).toBe("a\\ b\\==c2");
  expect(edited("\\#k=c1", map("#k"))).toBe("\\#k=c2");
  expect(edited("\xc3\xbc=c1", map("ü"))).toBe("\xc3\xbc=c2");
  expect(edited("\xfc=c1", map("ü"))).toBe("\xfc=c2");
  expect(edited("a=b=c1", map("a=b"))).toBe("same");
});

test("an element without a row is named with its key", () => {
  expect(edit(toBytes("k=c1;nobody"), map("k"))).toEqual({
    kind: "unmapped",
    table: "clusters",
    value: "nobody",
    at: "k",
  });
});

test("what is already a target's name has no row: nothing is guessed", () => {
  expect(edit(toBytes("k=c2"), map("k"))).toMatchObject({ kind: "unmapped", value: "c2" });
});

test("edits of one key follow each other", () => {
  expect(edited("k=old\nj=c1", set("k", "c1"), map("k"), map("j"))).toBe("k=c2\nj=c2");
});

test("a malformed \\u makes bad data in a value that is edited, and only there", () => {
  expect(edit(toBytes("k=\\u00g0"), map("k"))).toEqual({
    kind: "bad",
    message: "malformed \\u escape in the value of k (byte 2)",
  });
  expect(edited("x=\\u00g0\n\\u=1\nk=c1", map("k"))).toBe("x=\\u00g0\n\\u=1\nk=c2");
});

/** Text that is full of what matters to the format. */
const meaningful = fc
  .array(fc.constantFrom("k", "j", "c1", "=", ":", " ", "\t", "\n", "\r", "\r\n", "#", "!", ";", ",", "\f", "é", "x"))
  .map((parts) => parts.join(""));

test("the quick way over plain text finds the same lines as the way over bytes", () => {
  fc.assert(
    fc.property(meaningful, (text) => {
      const data = new TextEncoder().encode(text);
      fc.pre(data.length === text.length);
      const keys = ["k", "j", "kj", "#k"];
      expect(createPlainFinder(keys)(text)).toEqual(logicalLines(data, keys));
    }),
    { numRuns: 2_000 },
  );
});

test("bytes of other keys never change, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      expect(edit(data, map("absent-key"), set("no-such-key", "x"))).toEqual({ kind: "same" });
    }),
  );
});

test("an edit changes its value and nothing else", () => {
  const line = fc.constantFrom("x=1", "# c", "", " y : 2 \\", "z\\=\\u0041", "\xff\xfe");
  const end = fc.constantFrom("\n", "\r\n", "\r");
  fc.assert(
    fc.property(fc.array(line), fc.array(line), end, (before, after, newline) => {
      const head = before.map((one) => (one.endsWith("\\") ? `${one}${newline}#` : one) + newline).join("");
      const tail = after.map((one) => newline + one).join("");
      expect(edited(`${head}k = c1${tail}`, map("k"))).toBe(`${head}k = c2${tail}`);
    }),
  );
});

test("random bytes never throw", () => {
  const noisy = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.array(fc.constantFrom(..."k=:;, \\\n\r\tu00c1#"), { maxLength: 60 }).map((parts) => toBytes(parts.join(""))),
  );
  fc.assert(
    fc.property(noisy, (data) => {
      const before = data.slice();
      const outcome = edit(data, map("k"), set("c", "é"), map("0"));
      expect(["same", "edited", "unmapped", "bad"]).toContain(outcome.kind);
      expect(data).toEqual(before);
    }),
    { numRuns: 2_000 },
  );
});
