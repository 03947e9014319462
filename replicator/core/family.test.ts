import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createFamily } from "./family.ts";
import type { LinkContext } from "./link-context.ts";
import { createOutbox, type PendingWrite } from "./outbox.ts";
import { createProblems } from "./problems.ts";
import { createTargetIndex } from "./target-index.ts";
import { createWork } from "./work.ts";

function setUp() {
  const index = createTargetIndex();
  const outbox = createOutbox({ opsPerWrite: 10, bytesPerWrite: 10_000 });
  const work = createWork({ note: () => {} } as unknown as LinkContext, createProblems(10));
  const family = createFamily({ index, outbox, work });
  const marked = (): string[] => {
    const paths: string[] = [];
    for (let path = work.next(); path !== undefined; path = work.next()) {
      paths.push(path);
      work.begin(path);
      work.finish(path);
    }
    return paths;
  };
  const put = (path: string): void => index.put(path, { hash: 0, version: 0, mzxid: 7n as Zxid, pass: 1 });
  return { index, outbox, family, marked, put };
}

const create = (path: string): PendingWrite => ({
  path,
  kind: "create",
  data: null,
  hash: 0,
  version: -1,
  since: 0 as Instant,
  passage: false,
  repairs: undefined,
  overwritten: undefined,
});

describe("who waits for a parent", () => {
  test("is looked at again when the parent is there, and waits until then", () => {
    const { family, marked } = setUp();
    for (const path of ["/a/x", "/a/y", "/b/z"]) family.waitForParent(path);
    expect(family.isAwaited("/a")).toBe(true);
    family.arrived("/a");
    expect(marked()).toEqual(["/a/x", "/a/y"]);
    for (const path of ["/a/x", "/a/y"]) family.stopWaiting(path);
    expect(family.isAwaited("/a")).toBe(false);
    expect(family.isAwaited("/b")).toBe(true);
  });

  test("has the parent looked at again when it is the last that needed it", () => {
    const { family, marked } = setUp();
    family.waitForParent("/a/b");
    family.waitForParent("/a/b/x");
    family.stopWaiting("/a/b/x");
    family.settled("/a/b/x");
    expect(marked()).toEqual(["/a/b"]);
  });
});

describe("a parked path", () => {
  test("is looked at again when nothing of the link is below it any more", () => {
    const { family, marked, put, index } = setUp();
    put("/a/x");
    put("/a/y");
    family.park("/a");
    index.remove("/a/x");
    family.settled("/a/x");
    expect(marked()).toEqual([]);
    index.remove("/a/y");
    family.settled("/a/y");
    expect(marked()).toEqual(["/a"]);
  });

  test("is needed while something comes below it, waiting or in flight", () => {
    const { family, outbox } = setUp();
    outbox.add(create("/a/x"));
    expect(family.isNeeded("/a")).toBe(true);
    const { batch } = outbox.take(() => true);
    expect(family.isNeeded("/a")).toBe(true);
    outbox.release(batch);
    expect(family.isNeeded("/a")).toBe(false);
  });

  test("is needed while something waits for it", () => {
    const { family } = setUp();
    family.waitForParent("/a/x");
    expect(family.isNeeded("/a")).toBe(true);
  });

  test("is left alone once it is wanted again", () => {
    const { family, marked } = setUp();
    family.park("/a");
    family.unpark("/a");
    family.settled("/a/x");
    expect(marked()).toEqual([]);
  });
});

test("a cleared family waits for nothing", () => {
  const { family } = setUp();
  family.waitForParent("/a/x");
  family.park("/b");
  family.clear();
  expect([family.isAwaited("/a"), family.isParked("/b")]).toEqual([false, false]);
});
