import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NodeData } from "#lib/zookeeper/zookeeper.ts";
import { createOutbox, type PendingWrite, toWriteOp } from "./outbox.ts";
import { parentOf } from "./paths.ts";

const limits = { opsPerWrite: 3, bytesPerWrite: 10_000 };
const everywhere = () => true;
const write = (kind: PendingWrite["kind"], path: string, data: NodeData = null): PendingWrite => ({
  path,
  kind,
  data,
  hash: 0,
  version: 5,
  since: undefined,
  passage: false,
  repairs: undefined,
  overwritten: undefined,
});

function filled(...writes: PendingWrite[]) {
  const outbox = createOutbox(limits);
  for (const one of writes) outbox.add(one);
  const take = (exists: (path: string) => boolean = everywhere) => outbox.take(exists).batch.map(({ path }) => path);
  return { outbox, take };
}

describe("a batch", () => {
  test("has at most opsPerWrite operations", () => {
    const { take } = filled(...["/a", "/b", "/c", "/d"].map((path) => write("set", path)));
    expect(take()).toEqual(["/a", "/b", "/c"]);
    expect(take()).toEqual(["/d"]);
    expect(take()).toEqual([]);
  });

  test("has at most bytesPerWrite bytes, unless it is a single larger node", () => {
    const { take } = filled(
      write("set", "/a", new Uint8Array(6_000)),
      write("set", "/b", new Uint8Array(6_000)),
      write("set", "/large", new Uint8Array(50_000)),
    );
    expect([take(), take(), take()]).toEqual([["/a"], ["/b"], ["/large"]]);
  });

  test("creates parents before their children, in one go", () => {
    const { take } = filled(write("create", "/a"), write("create", "/a/b"), write("create", "/a/b/c"));
    expect(take((path) => path === "/")).toEqual(["/a", "/a/b", "/a/b/c"]);
  });
});

describe("a write waits while", () => {
  test.each<[string, PendingWrite, PendingWrite]>([
    ["the same path is in flight", write("set", "/a"), write("set", "/a")],
    ["its parent is in flight", write("set", "/a"), write("create", "/a/b")],
    ["it deletes the parent of a path in flight", write("delete", "/a/b"), write("delete", "/a")],
    ["it creates the parent of a path in flight", write("set", "/a/b"), write("create", "/a")],
  ])("%s", (_, first, second) => {
    const { outbox, take } = filled(first);
    expect(take()).toEqual([first.path]);
    outbox.add(second);
    expect(take()).toEqual([]);
    expect(outbox.has(second.path)).toBe(true);
    outbox.release([first]);
    expect(take()).toEqual([second.path]);
  });

  test("its parent has not been created", () => {
    const { outbox, take } = filled(write("create", "/a"));
    take();
    outbox.add(write("create", "/a/b"));
    expect(outbox.take((path) => path === "/")).toEqual({ batch: [], stranded: [] });
  });
});

test("a set on a parent goes while children are in flight: it does not touch them", () => {
  const { outbox, take } = filled(write("create", "/a/b"));
  take();
  outbox.add(write("set", "/a"));
  expect(take()).toEqual(["/a"]);
});

test("a create whose parent neither is there nor comes is thrown out", () => {
  const { outbox } = filled(write("create", "/a/b"), write("create", "/a/b/c"), write("set", "/x"));
  const isTop = (path: string) => path === "/";
  const { batch, stranded } = outbox.take(isTop);
  expect(batch.map(({ path }) => path)).toEqual(["/x"]);
  expect(stranded.map(({ path }) => path)).toEqual(["/a/b"]);
  expect(outbox.take(isTop).stranded.map(({ path }) => path)).toEqual(["/a/b/c"]);
  expect([outbox.ops, outbox.bytes]).toEqual([0, 0]);
});

test("a later write of a path replaces the one that waits", () => {
  const { outbox } = filled(write("set", "/a", new Uint8Array(100)), write("delete", "/a"));
  expect(outbox.take(everywhere).batch).toMatchObject([{ kind: "delete", path: "/a" }]);
});

test("deletes are counted until they are answered", () => {
  const deletes = [write("delete", "/a"), write("delete", "/b")];
  const { outbox } = filled(...deletes, write("set", "/c"));
  expect(outbox.deletes).toBe(2);
  outbox.drop("/b");
  expect(outbox.deletes).toBe(1);
  const { batch } = outbox.take(everywhere);
  expect(outbox.deletes).toBe(1);
  outbox.release(batch);
  expect(outbox.deletes).toBe(0);
});

test("an emptied outbox gives back everything and holds no lock", () => {
  const { outbox, take } = filled(write("delete", "/a"), write("set", "/b"), write("set", "/c"), write("set", "/d"));
  take();
  expect(outbox.clear().map(({ path }) => path)).toEqual(["/a", "/b", "/c", "/d"]);
  expect([outbox.ops, outbox.bytes, outbox.deletes]).toEqual([0, 0, 0]);
  outbox.add(write("set", "/a"));
  expect(take()).toEqual(["/a"]);
});

test("operations carry the version that was seen, and creates their ACL", () => {
  const acl = [{ perms: 31, scheme: "world", id: "anyone" }];
  expect(toWriteOp(write("create", "/a"), acl)).toEqual({ kind: "create", path: "/a", data: null, acl });
  expect(toWriteOp(write("set", "/a"), acl)).toEqual({ kind: "set", path: "/a", data: null, version: 5 });
  expect(toWriteOp(write("delete", "/a"), acl)).toEqual({ kind: "delete", path: "/a", version: 5 });
});

describe("whatever is written and answered in whatever order", () => {
  const paths = ["/a", "/a/b", "/a/b/c", "/a/d", "/e"] as const;
  const actions = fc.array(
    fc.oneof(
      fc.record({ path: fc.constantFrom(...paths), kind: fc.constantFrom("create", "set", "delete") } as const),
      fc.constantFrom("take", "release"),
    ),
    { maxLength: 60 },
  );

  test("no path and no parent with its child are in flight twice, and no child comes before its parent", () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const outbox = createOutbox(limits);
        const there = new Set(["/"]);
        const inFlight: PendingWrite[][] = [];
        for (const step of steps) {
          if (step === "release") {
            const batch = inFlight.shift() ?? [];
            outbox.release(batch);
            for (const { kind, path } of batch) if (kind === "create") there.add(path);
          } else if (step === "take") {
            const { batch } = outbox.take((path) => there.has(path));
            const others = inFlight.flat();
            for (const [at, { path, kind }] of batch.entries()) {
              const parent = parentOf(path);
              expect(others.some((one) => one.path === path || one.path === parent)).toBe(false);
              if (kind !== "set") expect(others.some((one) => parentOf(one.path) === path)).toBe(false);
              const isCreated = batch.slice(0, at).some((one) => one.kind === "create" && one.path === parent);
              if (kind === "create") expect(there.has(parent) || isCreated).toBe(true);
            }
            if (batch.length > 0) inFlight.push([...batch]);
          } else outbox.add(write(step.kind, step.path));
        }
      }),
      { numRuns: 500 },
    );
  });
});
