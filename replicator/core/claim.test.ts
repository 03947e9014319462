import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClaimDecision, decideClaim, epochOf, fenceOf, type LinkNodes } from "./claim.ts";

type Fences = readonly string[] | "no link";

const side = (fences: Fences): LinkNodes["source"] => (fences === "no link" ? undefined : { fences });

const refused = (code: string): Partial<ClaimDecision> => ({ kind: "refuse", code }) as Partial<ClaimDecision>;

test.each<[what: string, source: Fences, target: Fences, decision: Partial<ClaimDecision>]>([
  ["a link nobody has ever seen is created", "no link", "no link", { kind: "create", epoch: 1n }],
  ["a link with one fence is taken over", "no link", ["e-1"], { kind: "takeOver", from: ["e-1"], epoch: 2n }],
  [
    "an epoch rises by one, however high",
    "no link",
    ["e-41-0123abcd"],
    { kind: "takeOver", from: ["e-41-0123abcd"], epoch: 42n },
  ],
  ["a link that was reversed and back is taken over", [], ["e-7"], { kind: "takeOver", from: ["e-7"], epoch: 8n }],
  ["a link without a fence waits for an operator", "no link", [], refused("fence-missing")],
  ["a target that has forgotten the link is not the target", [], "no link", refused("fence-missing")],
  ["two fences belong to two owners", "no link", ["e-1", "e-2"], refused("fence-ambiguous")],
  ["a fence of another form is nobody's", "no link", ["f-1"], refused("fence-ambiguous")],
  ["a fence in the source means the other direction", ["e-3"], ["e-2"], refused("wrong-direction")],
  ["the other direction is not overruled by an empty target", ["e-3"], "no link", refused("wrong-direction")],
])("%s", (_, source, target, decision) => {
  expect(decideClaim({ source: side(source), target: side(target) })).toMatchObject(decision);
});

test.each<[what: string, source: Fences, target: Fences, decision: Partial<ClaimDecision>]>([
  ["a link node without a fence gets one", "no link", [], { kind: "takeOver", from: [], epoch: 10n }],
  ["two fences both go", "no link", ["e-1", "e-12"], { kind: "takeOver", from: ["e-1", "e-12"], epoch: 13n }],
  ["a name that is no fence goes too", "no link", ["f-1"], { kind: "takeOver", from: ["f-1"], epoch: 10n }],
  ["a target that has forgotten the link is told of it", [], "no link", { kind: "create", epoch: 10n }],
  ["a single fence is taken over as ever", "no link", ["e-20"], { kind: "takeOver", from: ["e-20"], epoch: 21n }],
  ["the direction is not overruled", ["e-3"], ["e-2"], refused("wrong-direction")],
])("when an operator asks for a new fence: %s", (_, source, target, decision) => {
  const nodes = { source: side(source), target: side(target) };
  expect(decideClaim(nodes, { init: true, lastEpoch: 9n })).toMatchObject(decision);
});

test("an epoch survives being written as a fence's name", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }), (epoch) => {
      expect(epochOf(fenceOf(epoch, "00ff00ff").name)).toBe(epoch);
    }),
  );
});

test.each([
  "e-0",
  "e-01",
  "e--1",
  "e-",
  "e-1 ",
  "E-1",
  "e-1e3",
  "e-1-",
  "e-1-0",
  "e-1-0123ABCD",
  "e-1-0123abcd5",
  "fence",
  `e-${"9".repeat(19)}`,
])("%s is no fence", (name) => {
  expect(epochOf(name)).toBeUndefined();
});
