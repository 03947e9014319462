import { describe, expect, test } from "vitest";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { NodeData, ReadResult, Stat } from "#lib/zookeeper/zookeeper.ts";
import { type Desired, evaluate } from "./evaluate.ts";
import { compileRules, type RulesConfig } from "./rules/compile.ts";
import type { RuleSet } from "./rules/rules.ts";

function rulesWith(policies: Partial<RulesConfig> = {}): RuleSet {
  const compiled = compileRules({
    clusters: { c1: { to: "d1", addresses: {} } },
    unmapped: "error",
    onBadData: "skip",
    rules: [
      { match: "/s/{a}/{b}", action: "copy", to: "/t/{a}%{b}" },
      {
        match: "/c/{name}",
        action: "copy",
        to: "/c/{name}",
        data: { format: "json", edits: [{ at: "/cluster", map: "clusters" }] },
      },
    ],
    ...policies,
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.rules;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const node = (data: NodeData, ephemeralOwner = 0n): ReadResult => ({
  kind: "data",
  data,
  stat: { ephemeralOwner, numChildren: 0 } as Stat,
});
const noNode: ReadResult = { kind: "error", code: errorCodes.noNode };
const noAuth: ReadResult = { kind: "error", code: errorCodes.noAuth };
const [left, right] = ["/s/x/y%z", "/s/x%y/z"];

describe("of two sources of one target path", () => {
  test.each<[what: string, first: ReadResult | undefined, second: ReadResult | undefined, desired: Partial<Desired>]>([
    ["none is there: the path is to be absent", noNode, noNode, { kind: "absent" }],
    ["one is there: its data is wanted", node(bytes("1")), noNode, { kind: "present", source: left }],
    ["the other is there", noNode, node(null), { kind: "present", source: right, data: null }],
    [
      "both are there: a conflict, even if they are equal",
      node(null),
      node(null),
      { kind: "held", problem: "conflict" },
    ],
    ["one lives with a session: it does not count", node(null), node(null, 7n), { kind: "present", source: left }],
    ["all live with sessions: absent", node(null, 8n), node(null, 7n), { kind: "absent" }],
    ["one cannot be read: nothing is known", noAuth, noNode, { kind: "held", problem: "unreadable" }],
    ["one is there, one cannot be read: nothing is known", node(null), noAuth, { kind: "held", problem: "unreadable" }],
    ["one has no answer: nothing is known", noNode, undefined, { kind: "held", problem: "unreadable" }],
    [
      "one has an answer of another kind",
      { kind: "children", children: [] },
      noNode,
      { kind: "held", problem: "unreadable" },
    ],
  ])("%s", (_, first, second, desired) => {
    expect(evaluate(rulesWith(), [left, right], [first, second])).toMatchObject(desired);
  });

  test("a conflict names them all", () => {
    const desired = evaluate(rulesWith(), [left, right], [node(null), node(null)]);
    expect(desired).toMatchObject({ detail: `${left} and ${right} map to this path` });
  });
});

test("an unreadable node says which and why", () => {
  expect(evaluate(rulesWith(), [left], [noAuth])).toMatchObject({ detail: `${left} cannot be read: noAuth` });
});

describe("data that the rules edit", () => {
  const of = (text: string, policies?: Partial<RulesConfig>) =>
    evaluate(rulesWith(policies), ["/c/one"], [node(bytes(text))]);

  test("is wanted as edited", () => {
    expect(of('{"cluster": "c1"}')).toMatchObject({ kind: "present", data: bytes('{"cluster": "d1"}') });
  });

  test("with a name without a row is held, left out or copied, as configured", () => {
    const text = '{"cluster": "c9"}';
    expect(of(text)).toMatchObject({ kind: "held", problem: "unmapped", detail: expect.stringContaining('"c9"') });
    expect(of(text, { unmapped: "skip" })).toEqual({ kind: "skipped" });
    expect(of(text, { unmapped: "copy" })).toMatchObject({ kind: "present", data: bytes(text) });
  });

  test("that is not of its format is held, stops the link or is copied, as configured", () => {
    expect(of("{")).toMatchObject({ kind: "held", problem: "badData" });
    expect(of("{", { onBadData: "stop" })).toMatchObject({ kind: "stop", detail: expect.stringContaining("/c/one") });
    expect(of("{", { onBadData: "copy" })).toMatchObject({ kind: "present", data: bytes("{") });
  });

  test("stays null or empty", () => {
    expect(evaluate(rulesWith(), ["/c/one"], [node(null)])).toMatchObject({ kind: "present", data: null });
    expect(of("")).toMatchObject({ kind: "present", data: bytes("") });
  });
});
