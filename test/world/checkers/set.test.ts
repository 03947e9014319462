import { expect, test } from "vitest";
import { ack, unanswered } from "./made.ts";
import { checkSet } from "./set.ts";

const sends = ["a", "b", "c", "d"].map((id, nth) => ack(id, nth * 10));
const few = { ackedMin: 1 };

test("a history whose messages are all there, once and in order, passes", () => {
  expect(checkSet(sends, [{ queue: 0, ids: ["a", "b", "c", "d"] }], few)).toEqual({
    acked: 4,
    enough: true,
    lost: [],
    duplicated: [],
    reordered: [],
  });
});

test("an acknowledged message that is in no queue is lost", () => {
  const { lost } = checkSet(sends, [{ queue: 0, ids: ["a", "b", "d"] }], few);
  expect(lost.map(({ id }) => id)).toEqual(["c"]);
});

test("a queue that was not read at all loses everything in it", () => {
  expect(checkSet(sends, [], few).lost).toHaveLength(4);
});

test("a message that was refused or never answered may be there or not", () => {
  const unsure = [...sends, unanswered("refused", 50, 12), unanswered("silent", 60)];
  for (const ids of [
    ["a", "b", "c", "d"],
    ["a", "b", "c", "d", "silent", "refused"],
  ]) {
    expect(checkSet(unsure, [{ queue: 0, ids }], few)).toMatchObject({
      acked: 4,
      lost: [],
      duplicated: [],
      reordered: [],
    });
  }
});

test("a message that is there twice is a duplicate, in whichever queues, acknowledged or not", () => {
  const stored = [
    { queue: 0, ids: ["a", "b", "c", "d", "b", "silent"] },
    { queue: 1, ids: ["d", "silent"] },
  ];
  const { duplicated } = checkSet([...sends, unanswered("silent", 60)], stored, few);
  expect(duplicated.toSorted()).toEqual(["b", "d", "silent"]);
});

test("a message behind one that was sent after its acknowledgement is out of order", () => {
  const { reordered } = checkSet(sends, [{ queue: 0, ids: ["a", "c", "b", "d"] }], few);
  expect(reordered.map(({ id }) => id)).toEqual(["b"]);
});

test("messages that were on their way together, or of two producers, may stand in any order", () => {
  const together = [ack("x", 0, { answeredAt: 100 }), ack("y", 50)];
  expect(checkSet(together, [{ queue: 0, ids: ["y", "x"] }], few).reordered).toEqual([]);
  const two = [ack("x", 0), ack("y", 50, { producer: "p2" })];
  expect(checkSet(two, [{ queue: 0, ids: ["y", "x"] }], few).reordered).toEqual([]);
});

test("too few acknowledged messages prove nothing: 5,000 are wanted unless another number is named", () => {
  expect(checkSet(sends, []).enough).toBe(false);
  const many = Array.from({ length: 5_000 }, (_, nth) => ack(`m${nth}`, nth));
  expect(checkSet(many, []).enough).toBe(true);
  expect(checkSet(many.slice(1), []).enough).toBe(false);
  expect(checkSet(sends, [], { ackedMin: 5 }).enough).toBe(false);
});

test("messages of other runs in the same topic are nobody's business", () => {
  const ids = ["old", "a", "old", "b", "c", "d"];
  expect(checkSet(sends, [{ queue: 0, ids }], few)).toMatchObject({ lost: [], duplicated: [], reordered: [] });
});
