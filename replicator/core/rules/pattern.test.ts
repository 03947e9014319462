import { describe, expect, test } from "vitest";
import { captureNames, literalRoot, matchPattern, mayFitBelow, parsePattern, segmentsOf } from "./pattern.ts";

const pattern = (source: string) => {
  const parsed = parsePattern(source);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.pattern;
};
const match = (source: string, path: string) => matchPattern(pattern(source), path);

describe("a path fits", () => {
  const cases: [pattern: string, path: string, captures: string[] | undefined][] = [
    ["/a/b", "/a/b", []],
    ["/a/b", "/a/c", undefined],
    ["/a/b", "/a", undefined],
    ["/a/b", "/a/b/c", undefined],
    ["/a/{x}", "/a/b", ["b"]],
    ["/a/{x}", "/a/b/c", undefined],
    ["/{x}/{y}", "/a/b", ["a", "b"]],
    ["/a/**", "/a/b", ["b"]],
    ["/a/**", "/a/b/c", ["b/c"]],
    ["/a/**", "/a", undefined],
    ["/**", "/a", ["a"]],
    ["/x-{a}", "/x-1", ["1"]],
    ["/x-{a}", "/x-", undefined],
    ["/{a}-y", "/1-y", ["1"]],
    ["/{a}-y", "/-y", undefined],
    ["/{a}-y", "/1-y-y", ["1-y"]],
    ["/{a}-y", "/1-yz", undefined],
    ["/{a}%{b}", "/i%t", ["i", "t"]],
    ["/{a}%{b}", "/i%%RETRY%g", ["i", "%RETRY%g"]],
    ["/{a}%{b}", "/%RETRY%g", ["%RETRY", "g"]],
    ["/{a}%{b}", "/i%", undefined],
    ["/{a}%{b}-z", "/1%2-z-z", ["1", "2-z"]],
    ["/{a}.{b}.{c}", "/1.2.3.4", ["1", "2", "3.4"]],
    ["/x{a}x", "/xx", undefined],
    ["/x{a}x", "/xxx", ["x"]],
    ["/a*b", "/a*b", []],
    ["/%2Fa%3A", "/%2Fa%3A", []],
  ];
  test.each(cases)("%s to %s gives %j", (source, path, captures) => {
    expect(match(source, path)).toEqual(captures);
  });
});

describe("a pattern is refused", () => {
  const cases: [pattern: string, message: string][] = [
    ["", '"" is no absolute path below the root'],
    ["/", '"/" is no absolute path below the root'],
    ["a/b", '"a/b" is no absolute path below the root'],
    ["/a/", '"/a/" is no absolute path below the root'],
    ["/a//b", '"/a//b" is no absolute path below the root'],
    ["/a/./b", 'has a segment ".", which ZooKeeper refuses'],
    ["/a/..", 'has a segment "..", which ZooKeeper refuses'],
    ["/a\u0001", 'segment "a\\u0001" has a character that ZooKeeper refuses'],
    ["/a/**/b", 'segment "**": ** stands alone as the last segment, and * is no wildcard'],
    ["/a/x**", 'segment "x**": ** stands alone as the last segment, and * is no wildcard'],
    ["/a/*", 'segment "*": ** stands alone as the last segment, and * is no wildcard'],
    ["/{a}{b}", 'segment "{a}{b}" has two captures side by side, so nothing tells where one ends'],
    ["/{a}.{b}.{c}.{d}", 'segment "{a}.{b}.{c}.{d}" has 4 captures, at most 3 are allowed'],
    ["/{a}/{a}", "captures {a} twice"],
    ["/{}", 'segment "{}" has a capture {}, whose name is not valid'],
    ["/{1a}", 'segment "{1a}" has a capture {1a}, whose name is not valid'],
    ["/{a b}", 'segment "{a b}" has a capture {a b}, whose name is not valid'],
    ["/{a", 'segment "{a" has a { or } that belongs to no capture'],
    ["/a}", 'segment "a}" has a { or } that belongs to no capture'],
    ["/\\{a\\}", 'segment "\\\\{a\\\\}" has a capture {a\\}, whose name is not valid'],
    ["/{{a}}", 'segment "{{a}}" has a { or } that belongs to no capture'],
    ["/{a:addresses}", 'segment "{a:addresses}" maps {a} through "addresses", which is no table of names'],
    ["/zookeeper/quota", '"/zookeeper/quota" lies in /zookeeper, which is never copied'],
    ["/crossidc", '"/crossidc" lies in /crossidc, which is never copied'],
    ["/crossidc/**", '"/crossidc/**" lies in /crossidc, which is never copied'],
    [`/${"a".repeat(1_024)}`, "has 1025 characters, at most 1024 are allowed"],
    [
      `/${Array.from({ length: 13 }, (_, index) => `{c${index}}`).join("/")}`,
      "has 13 captures, at most 12 are allowed",
    ],
  ];
  test.each(cases)("%j", (source, message) => {
    const parsed = parsePattern(source);
    expect(parsed).toMatchObject({ ok: false, message });
    expect(parsed.ok || parsed.remedy).toBeTruthy();
  });
});

test("captures are named in their order, the rest last", () => {
  expect(captureNames(pattern("/{b}/x-{a}/**"))).toEqual(["b", "a", "**"]);
});

test("a watch starts where plain text ends", () => {
  expect(["/a/b", "/a/{x}/b", "/a/x-{y}", "/{x}", "/a/**"].map((source) => literalRoot(pattern(source)))).toEqual([
    "/a/b",
    "/a",
    "/a",
    "/",
    "/a",
  ]);
});

describe("something below a path may fit", () => {
  const cases: [pattern: string, path: string, may: boolean][] = [
    ["/a/{x}", "/", true],
    ["/a/{x}", "/a", true],
    ["/a/{x}", "/b", false],
    ["/a/{x}", "/a/b", false],
    ["/a/**", "/a/b/c", true],
    ["/a/b", "/a/b", false],
    ["/x-{a}/b", "/y-1", false],
    ["/x-{a}/b", "/x-1", true],
  ];
  test.each(cases)("%s below %s: %s", (source, path, may) => {
    expect(mayFitBelow(pattern(source), path)).toBe(may);
  });
});

test("the root, relative paths and paths with empty segments have no segments", () => {
  expect(["/", "", "a", "/a/", "//a", "/a//b"].map(segmentsOf)).toEqual(new Array(6).fill(undefined));
  expect(segmentsOf("/a/b")).toEqual(["a", "b"]);
});
