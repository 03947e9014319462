import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createTargetIndex } from "./target-index.ts";

const seen = (pass: number, children = 0) => ({ hash: 1, version: 0, mzxid: 7n as Zxid, pass, children });

test("a compare forgets what it did not see", () => {
  const index = createTargetIndex();
  index.put("/a", seen(1));
  index.put("/b", seen(1));
  index.setEphemeral("/e", 1);
  index.setEphemeral("/f", 1);
  index.put("/b", seen(2));
  index.setEphemeral("/f", 2);
  index.sweep(2);
  expect(index.get("/a")).toBeUndefined();
  expect(index.get("/b")).toBeDefined();
  expect(index.isEphemeral("/e")).toBe(false);
  expect(index.isEphemeral("/f")).toBe(true);
  expect(index.size).toBe(1);
});

test("what has no source is what the compare saw no source node for", () => {
  const index = createTargetIndex();
  for (const path of ["/a", "/b"]) index.put(path, seen(2));
  const entry = index.get("/a");
  if (entry !== undefined) entry.seenInSource = 2;
  expect(index.withoutSource(2)).toEqual(["/b"]);
  expect(index.withoutSource(3)).toEqual(["/a", "/b"]);
});

test("children of the link are counted over puts and removes", () => {
  const index = createTargetIndex();
  for (const path of ["/a", "/a/x", "/a/y", "/a/y"]) index.put(path, seen(1));
  expect(index.ownChildren("/a")).toBe(2);
  index.remove("/a/x");
  index.remove("/a/x");
  expect(index.ownChildren("/a")).toBe(1);
  index.sweep(2);
  expect(index.ownChildren("/a")).toBe(0);
});

test("all children are as last read, and counted on with the link's own writes", () => {
  const index = createTargetIndex();
  index.put("/a", seen(1, 2));
  index.countChild("/a", 1);
  index.put("/a", { hash: 2, version: 1, mzxid: 8n as Zxid, pass: 1 });
  expect(index.get("/a")).toMatchObject({ hash: 2, version: 1, children: 3 });
  index.put("/a", seen(2, 1));
  index.countChild("/a", -1);
  index.countChild("/a", -1);
  expect(index.get("/a")?.children).toBe(0);
  index.countChild("/nowhere", 1);
  expect(index.get("/nowhere")).toBeUndefined();
});

test("a node can be created below entries, passages and the top, and nowhere else", () => {
  const index = createTargetIndex();
  index.put("/a", seen(1));
  index.addPassage("/p");
  index.removePassage("/");
  expect(["/", "/a", "/p", "/x"].map(index.exists)).toEqual([true, true, true, false]);
  index.removePassage("/p");
  index.remove("/a");
  expect(["/", "/a", "/p"].map(index.exists)).toEqual([true, false, false]);
});
