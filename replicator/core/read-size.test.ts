import { expect, test } from "vitest";
import { defaultLimits as clientLimits } from "#lib/zookeeper/options.ts";
import type { ReadResult, Stat } from "#lib/zookeeper/zookeeper.ts";
import { defaultLimits } from "./limits.ts";
import { createReadSize } from "./read-size.ts";

const limits = { requestsPerRead: 100, replyBytesAim: 50_000 };
const nodes = (count: number, bytes: number): ReadResult[] =>
  new Array<ReadResult>(count).fill({ kind: "data", data: new Uint8Array(bytes), stat: {} as Stat });

test("small nodes are asked for in full batches, from the first on", () => {
  const size = createReadSize(limits);
  expect(size.next).toBe(100);
  size.answered(nodes(100, 200));
  expect(size.next).toBe(100);
});

test("large nodes are asked for so that an answer weighs what it should, and one alone at the least", () => {
  const size = createReadSize(limits);
  for (let answers = 0; answers < 10; answers++) size.answered(nodes(size.next, 10_000));
  expect(size.next).toBe(4);
  for (let answers = 0; answers < 10; answers++) size.answered(nodes(size.next, 1_000_000));
  expect(size.next).toBe(1);
  for (let answers = 0; answers < 20; answers++) size.answered(nodes(size.next, 10));
  expect(size.next).toBe(100);
});

test("a full batch of the largest nodes fits a frame, should they come unforeseen", () => {
  const largestStat = 100;
  expect(defaultLimits.requestsPerRead * (defaultLimits.nodeBytes + largestStat)).toBeLessThan(
    clientLimits.replyBytesMax,
  );
});
