import { expect, test } from "vitest";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { Acl } from "#lib/zookeeper/zookeeper.ts";
import { type Change, createVirtualZooKeeper, type VirtualOp } from "./virtual-zookeeper.ts";

const acl: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const create = (path: string, owner = 0n): VirtualOp => ({ kind: "create", path, data: null, acl, owner });
const set = (path: string, version = -1): VirtualOp => ({ kind: "set", path, data: new Uint8Array([1]), version });
const remove = (path: string, version = -1): VirtualOp => ({ kind: "delete", path, version });

test.each<[string, VirtualOp[], number]>([
  ["a node without its parent", [create("/x/y")], errorCodes.noNode],
  ["a node that is there", [create("/a")], errorCodes.nodeExists],
  ["a node below an ephemeral", [create("/e", 7n), create("/e/x")], errorCodes.noChildrenForEphemerals],
  ["a set of nothing", [set("/x")], errorCodes.noNode],
  ["a set of another version", [set("/a", 3)], errorCodes.badVersion],
  ["a delete of another version", [remove("/a/b", 3)], errorCodes.badVersion],
  ["a delete of what has children", [remove("/a")], errorCodes.notEmpty],
  ["a check of nothing", [{ kind: "check", path: "/x", version: -1 }], errorCodes.noNode],
])("%s is refused, and all before it in the multi is undone", (_, ops, code) => {
  const store = createVirtualZooKeeper();
  store.apply([create("/a"), create("/a/b")]);
  const before = store.read([{ kind: "data", path: "/a" }]);
  const paths = [...store.nodes.keys()];
  const all = [set("/a"), create("/a/c"), remove("/a/c"), ...ops];
  expect(store.apply(all)).toEqual({ kind: "refused", failedAt: all.length - 1, code });
  expect(store.read([{ kind: "data", path: "/a" }])).toEqual(before);
  expect([...store.nodes.keys()]).toEqual(paths);
});

test("versions count sets, zxids count transactions, and a node made anew starts at 0", () => {
  const store = createVirtualZooKeeper();
  store.apply([create("/a")]);
  store.apply([set("/a"), set("/a")]);
  expect(store.nodes.get("/a")).toMatchObject({ version: 2, czxid: 1n, mzxid: 2n });
  store.apply([remove("/a"), create("/a")]);
  expect(store.nodes.get("/a")).toMatchObject({ version: 0, czxid: 3n });
});

test("a watch sees changes in their order, none of a refused multi, and those of unreadable nodes as hidden", () => {
  const store = createVirtualZooKeeper();
  const seen: Change[] = [];
  const stop = store.watch((change) => seen.push(change));
  store.apply([create("/a"), create("/a/b"), set("/a")]);
  store.apply([remove("/a/b"), set("/x")]);
  store.setReadable("/a/b", false);
  store.apply([remove("/a/b")]);
  stop();
  store.apply([set("/a")]);
  expect(seen.map(({ path, kind, visible }) => `${kind} ${path}${visible ? "" : " hidden"}`)).toEqual([
    "created /a",
    "created /a/b",
    "dataChanged /a",
    "deleted /a/b hidden",
  ]);
});

test("a node that may not be read shows neither data nor children", () => {
  const store = createVirtualZooKeeper();
  store.apply([create("/a")]);
  store.setReadable("/a", false);
  const { results } = store.read([
    { kind: "data", path: "/a" },
    { kind: "children", path: "/a" },
    { kind: "children", path: "/" },
  ]);
  expect(results).toEqual([
    { kind: "error", code: errorCodes.noAuth },
    { kind: "error", code: errorCodes.noAuth },
    { kind: "children", children: ["a"] },
  ]);
});
