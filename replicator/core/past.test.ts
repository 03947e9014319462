import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import type { StoredCheckpoint } from "./link-events.ts";
import { createJudgedPast } from "./past.ts";

const mark = 70n as Zxid;
const earlier = 60n as Zxid;
const sourceZxid = 50n as Zxid;
const checkpoint: StoredCheckpoint = {
  epoch: 3n,
  sourceZxid,
  rules: "r",
  brake: { engaged: undefined, deletes: [] },
  witnesses: [],
  sourceWins: undefined,
  mark,
};

test("after a time in which nobody watched the source, what others wrote since the mark stops the link", () => {
  const past = createJudgedPast();
  expect(past.claimed(checkpoint, false)).toBeUndefined();
  expect(past.take()).toEqual({ mark, sourceZxid, stops: true });
});

test("once it is judged it stops the link no more, until the source was not watched for a time again", () => {
  const past = createJudgedPast();
  past.judged();
  past.claimed(checkpoint, false);
  expect(past.take()?.stops).toBe(false);
  past.reopen();
  past.claimed(checkpoint, false);
  expect(past.take()?.stops).toBe(true);
});

test("an operator lets the source win since the mark, or since the one of the first time that he did", () => {
  const past = createJudgedPast();
  expect(past.claimed(checkpoint, true)).toBe(mark);
  expect(past.take()).toEqual({ mark, sourceZxid, stops: false });
  expect(past.claimed({ ...checkpoint, sourceWins: earlier }, false)).toBe(earlier);
  expect(past.take()).toEqual({ mark: earlier, sourceZxid, stops: false });
});

test("where nothing was ever carried over there is nothing to judge, and nothing to win over", () => {
  const past = createJudgedPast();
  expect(past.claimed(undefined, true)).toBeUndefined();
  expect(past.take()).toBeUndefined();
});

test("a claim's past is taken once", () => {
  const past = createJudgedPast();
  past.claimed(checkpoint, false);
  past.take();
  expect(past.take()).toBeUndefined();
});
