import { expect, test } from "vitest";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { aversionOf, createAclIndex, markOf } from "./acl-index.ts";

const stat = (czxid: number, aversion: number) => ({ czxid: BigInt(czxid) as Zxid, aversion });
const open = [{ perms: 31, scheme: "world", id: "anyone" }];
const source = markOf(stat(5, 0));

function known() {
  const acls = createAclIndex();
  acls.put("/a", open, stat(9, 3));
  acls.verify("/a", source);
  return acls;
}

test("a mark is one state of one node: another aversion or a node created anew is another mark", () => {
  expect(markOf(stat(9, 3))).toBe(markOf(stat(9, 3)));
  expect(markOf(stat(9, 3))).not.toBe(markOf(stat(9, 4)));
  expect(markOf(stat(9, 3))).not.toBe(markOf(stat(10, 3)));
  for (const aversion of [0, 3, 2 ** 31 - 1, -(2 ** 31)]) expect(aversionOf(markOf(stat(9, aversion)))).toBe(aversion);
});

test("what was verified stays so while both sides have the marks they had", () => {
  const acls = known();
  expect(acls.seen("/a", stat(9, 3))).toBe(false);
  expect(acls.isVerified("/a", source)).toBe(true);
  expect(acls.isVerified("/a", markOf(stat(5, 1)))).toBe(false);
});

test("an ACL that somebody has set is forgotten, and told", () => {
  const acls = known();
  expect(acls.seen("/a", stat(9, 4))).toBe(true);
  expect([acls.get("/a"), acls.isForeign("/a")]).toEqual([undefined, true]);
  acls.put("/a", open, stat(9, 4));
  expect(acls.isForeign("/a")).toBe(true);
  acls.verify("/a", source);
  expect(acls.isForeign("/a")).toBe(false);
});

test("a node created anew, or seen as it was before our own set, is forgotten without a word", () => {
  for (const other of [stat(10, 0), stat(9, 2)]) {
    const acls = known();
    expect(acls.seen("/a", other)).toBe(false);
    expect([acls.get("/a"), acls.isForeign("/a")]).toEqual([undefined, false]);
  }
});

test("a new reading of the target is not verified until it is compared", () => {
  const acls = known();
  acls.put("/a", open, stat(9, 4));
  expect(acls.isVerified("/a", source)).toBe(false);
});

test("a sweep keeps only what is still there", () => {
  const acls = known();
  acls.put("/b", open, stat(9, 0));
  acls.sweep((path) => path === "/b");
  expect([acls.get("/a"), acls.get("/b")?.rights.entries]).toEqual([undefined, open]);
});
