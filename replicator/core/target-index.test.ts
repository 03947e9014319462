import { describe, expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createTargetIndex, type TargetIndex } from "./target-index.ts";

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

describe("what somebody else did", () => {
  const zxid = (value: number) => BigInt(value) as Zxid;
  const node = (version: number, mzxid: number, hash = 5) => ({ version, mzxid: zxid(mzxid), hash });
  const put = (index: TargetIndex, path: string, { version, mzxid, hash }: ReturnType<typeof node>): void =>
    index.put(path, { version, mzxid, hash, pass: 1 });

  test("is not known before all nodes were seen once, nor after somebody else has led", () => {
    const index = createTargetIndex();
    expect(index.changeOf("/a", node(0, 3))).toBeUndefined();
    index.sweep(1);
    expect(index.changeOf("/a", node(0, 3))).toBe("created");
    index.clear();
    expect(index.changeOf("/a", node(0, 3))).toBeUndefined();
    expect([index.size, index.exists("/")]).toEqual([0, true]);
  });

  test("shows in the version, and in the mzxid where a node was made anew", () => {
    const index = createTargetIndex();
    put(index, "/a", node(2, 2 ** 40 + 7));
    index.sweep(1);
    expect(index.changeOf("/a", node(2, 2 ** 40 + 7))).toBeUndefined();
    expect(index.changeOf("/a", node(3, 2 ** 40 + 7))).toBe("changed");
    expect(index.changeOf("/a", node(2, 2 ** 40 + 8))).toBe("changed");
  });

  test("stays with the node until the link writes it or finds it right", () => {
    const index = createTargetIndex();
    index.sweep(0);
    index.put("/a", { ...node(1, 9), pass: 1, foreign: "changed" });
    expect(index.changeOf("/a", node(1, 9))).toBe("changed");
    index.adopt("/a");
    expect(index.changeOf("/a", node(1, 9))).toBeUndefined();
  });

  test("is not taken for what a write of the link may have done whose answer was lost, until the next compare", () => {
    const index = createTargetIndex();
    put(index, "/a", node(1, 9));
    index.sweep(1);
    for (const path of ["/a", "/made", "/gone"]) index.doubt(path, 77);
    expect(index.changeOf("/a", node(2, 12, 77))).toBeUndefined();
    expect(index.changeOf("/made", node(0, 12, 77))).toBeUndefined();
    expect(index.changeOf("/a", node(2, 12, 78))).toBe("changed");
    index.sweep(2);
    expect(index.isLost("/a")).toBe(false);
    expect(index.changeOf("/made", node(0, 12, 77))).toBe("created");
  });

  test("a node that a compare no longer sees is lost, until it is there again or the next compare", () => {
    const index = createTargetIndex();
    for (const path of ["/a", "/b"]) put(index, path, node(0, 3));
    index.sweep(2);
    expect([index.isLost("/a"), index.isLost("/b"), index.isLost("/c")]).toEqual([true, true, false]);
    put(index, "/a", node(0, 4));
    expect(index.isLost("/a")).toBe(false);
    index.sweep(1);
    expect(index.isLost("/b")).toBe(false);
  });
});
