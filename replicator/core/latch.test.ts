import fc from "fast-check";
import { expect, test } from "vitest";
import { decideLatch } from "./latch.ts";

const a = "0000000a";
const b = "0000000b";
const node = (member: string, sequence: number): string => `${member}-${String(sequence).padStart(10, "0")}`;

test.each<[what: string, names: readonly string[], decision: ReturnType<typeof decideLatch>]>([
  ["who is not there joins", [], { kind: "join" }],
  ["who is not among the others joins", [node(b, 3)], { kind: "join" }],
  ["who is alone leads", [node(a, 7)], { kind: "lead", name: node(a, 7) }],
  [
    "the lowest leads, in whatever order the server lists them",
    [node(b, 9), node(a, 8)],
    { kind: "lead", name: node(a, 8) },
  ],
  [
    "who came later waits for the first",
    [node(a, 8), node(b, 3)],
    { kind: "wait", name: node(a, 8), leader: node(b, 3) },
  ],
  ["of two own nodes the older counts", [node(a, 5), node(b, 6), node(a, 7)], { kind: "lead", name: node(a, 5) }],
  [
    "what is no member's node does not count",
    ["readme", "x-0000000001", node(a, 7)],
    { kind: "lead", name: node(a, 7) },
  ],
])("%s", (_, names, decision) => {
  expect(decideLatch(names, a)).toEqual(decision);
});

test("of any members exactly one leads, and all others name that one", () => {
  const member = fc.integer({ min: 0, max: 0xffffffff }).map((id) => id.toString(16).padStart(8, "0"));
  const members = fc.uniqueArray(fc.tuple(member, fc.nat()), {
    minLength: 1,
    comparator: (one, other) => one[0] === other[0] || one[1] === other[1],
  });
  fc.assert(
    fc.property(members, (drawn) => {
      const names = drawn.map(([id, sequence]) => node(id, sequence));
      const decisions = drawn.map(([id]) => decideLatch(names, id));
      const leaders = decisions.flatMap((one) => (one.kind === "lead" ? [one.name] : []));
      expect(leaders).toHaveLength(1);
      for (const one of decisions) if (one.kind === "wait") expect(one.leader).toBe(leaders[0]);
      expect(decisions.filter(({ kind }) => kind === "join")).toEqual([]);
    }),
  );
});
