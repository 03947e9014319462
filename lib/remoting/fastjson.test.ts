import fc from "fast-check";
import { expect, test } from "vitest";
import { DecodeError } from "../bytes/reader.ts";
import { parseFastjson, printJson } from "./fastjson.ts";

const parse = (text: string) => parseFastjson(Buffer.from(text));

test("numbers that are keys need no quotes", () => {
  expect(parse('{"brokerAddrs":{0:"a:1",2:"b:2", -3 : "c"},"x":[1,2,{ 7:[8] }]}')).toEqual({
    brokerAddrs: { 0: "a:1", 2: "b:2", "-3": "c" },
    x: [1, 2, { 7: [8] }],
  });
});

test("what looks like such a key within a string stays as it is", () => {
  const text = String.raw`{"a":"{1:2,3:4}","b\",5:":"\\",6:"\"{7:\"","{8:":",9:"}`;
  expect(parse(text)).toEqual({ a: "{1:2,3:4}", 'b",5:': "\\", 6: '"{7:"', "{8:": ",9:" });
});

test("whole numbers beyond 2^53 keep their digits, others are numbers", () => {
  expect(parse('{"a":9223372036854775807,"b":-9007199254740993,"c":9007199254740991,"d":1.5,"e":1e300}')).toEqual({
    a: 2n ** 63n - 1n,
    b: -9_007_199_254_740_993n,
    c: 9_007_199_254_740_991,
    d: 1.5,
    e: 1e300,
  });
});

test("a bigint is written as a number, and read back", () => {
  const offset = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(offset, (value) => {
      const [read] = parseFastjson(printJson([value])) as [bigint | number];
      expect(BigInt(read)).toBe(value);
    }),
  );
});

test("all that is JSON without such numbers is read as JSON reads it", () => {
  const texts = fc.json().filter((text) => !/\d{16}/.test(text));
  fc.assert(fc.property(texts, (text) => void expect(parse(text)).toEqual(JSON.parse(text))));
});

test("JSON whose keys are numbers is read the same with and without their quotes", () => {
  const tables = fc.dictionary(fc.nat().map(String), fc.oneof(fc.string(), fc.array(fc.nat())));
  fc.assert(
    fc.property(tables, (table) => {
      const members = Object.entries(table).map(([key, value]) => `${key}:${JSON.stringify(value)}`);
      expect(parse(`{${members.join(",")}}`)).toEqual(table);
    }),
  );
});

test.each([
  "",
  "{",
  '{"a"}',
  "{a:1}",
  '"',
  "{1}",
  '{"a":1}}',
  "[".repeat(300_000),
  `${"[".repeat(50_000)}9007199254740993`,
])("what is no JSON is refused: %#", (text) => {
  expect(() => parse(text)).toThrow(DecodeError);
});

test("random text is read or refused, never anything else", () => {
  const marks = fc.string({
    unit: fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "\\", "1", "-", " ", "a"),
    maxLength: 60,
  });
  fc.assert(
    fc.property(marks, (text) => {
      try {
        parse(text);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 5_000 },
  );
});
