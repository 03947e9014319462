import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createRechecks } from "./drift.ts";

const node = (text: string) => ({ version: 1, mzxid: 9n as Zxid, data: new TextEncoder().encode(text) });

test("a path is read once, then its sources are, and what was found is given once", () => {
  const rechecks = createRechecks(10);
  for (const path of ["/a", "/b", "/a"]) rechecks.ask(path);
  expect(rechecks.asked).toBe(2);
  expect(rechecks.take(1)).toEqual(["/a"]);
  expect(rechecks.take(5)).toEqual(["/b"]);
  expect(rechecks.next).toBeUndefined();
  rechecks.answered("/b", node("b"));
  expect(rechecks.next).toBe("/b");
  expect([rechecks.begin("/b"), rechecks.begin("/b"), rechecks.begin("/other")]).toEqual([true, false, false]);
  expect(rechecks.next).toBeUndefined();
  expect(rechecks.takeFound("/b")).toEqual(node("b"));
  expect(rechecks.takeFound("/b")).toBeUndefined();
});

test("while enough bytes wait for their sources nothing more is read", () => {
  const rechecks = createRechecks(2);
  for (const path of ["/a", "/b", "/c"]) rechecks.ask(path);
  for (const path of rechecks.take(2)) rechecks.answered(path, node(path));
  expect(rechecks.take(2)).toEqual([]);
  rechecks.begin("/a");
  expect(rechecks.take(2)).toEqual(["/c"]);
});

test("a lost session ends it all", () => {
  const rechecks = createRechecks(2);
  rechecks.ask("/a");
  rechecks.answered("/b", node("b"));
  rechecks.clear();
  expect([rechecks.asked, rechecks.take(9), rechecks.next, rechecks.takeFound("/b")]).toEqual([
    0,
    [],
    undefined,
    undefined,
  ]);
});
