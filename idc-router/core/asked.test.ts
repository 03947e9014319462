import fc from "fast-check";
import { expect, test } from "vitest";
import { askedAt, noneAsked, withAsked } from "./asked.ts";
import { topicName } from "./model.ts";

test("each topic has the time of its last question, however many were asked since", () => {
  const questions = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat()), { maxLength: 1_000, size: "max" });
  fc.assert(
    fc.property(fc.array(questions, { maxLength: 5 }), (batches) => {
      const plain = new Map<string, number>();
      let asked = noneAsked;
      for (const batch of batches) {
        const now = new Map(batch.map(([nth, at]) => [topicName("C1", `t${nth}`), at]));
        for (const [topic, at] of now) plain.set(topic, at);
        asked = withAsked(asked, now, { has: () => true });
      }
      for (const [topic, at] of plain) expect(askedAt(asked, topic as ReturnType<typeof topicName>)).toBe(at);
    }),
    { numRuns: 30 },
  );
});

test("topics that are kept no more are forgotten", () => {
  const names = Array.from({ length: 1_000 }, (_, nth) => topicName("C1", `t${nth}`));
  const asked = withAsked(noneAsked, new Map(names.map((name) => [name, 1])), { has: (name) => name === names[0] });
  expect([asked.rest.size, asked.fresh.size]).toEqual([1, 0]);
  expect(withAsked(asked, new Map(), { has: () => false })).toBe(asked);
});
