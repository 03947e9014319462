import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

test("two swapped letters are one slip", () => {
  expect(editDistance("htpp", "http")).toBe(1);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("kitten", "sitting")).toBe(3);
});

test("the distance is a symmetric one, zero only for equal words", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});

test("the nearest of several candidates is proposed, whatever its case", () => {
  expect(nearest("compareEvryMs", ["compareEveryMs", "pollEveryMs"])).toBe("compareEveryMs");
  expect(nearest("HTTP", ["log", "http"])).toBe("http");
});

test("nothing is proposed when nothing is near, or the word is absurdly long", () => {
  expect(nearest("password", ["site", "links"])).toBeUndefined();
  expect(nearest("a".repeat(65), ["a".repeat(65)])).toBeUndefined();
});
