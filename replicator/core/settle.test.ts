import { beforeEach, describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Acl, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { translateAcl } from "./acl.ts";
import type { AclCopy, WantedAcl } from "./acl-copy.ts";
import { markOf } from "./acl-index.ts";
import { bytes, createParts, open, stat, us } from "./carrier-parts.fixture.ts";
import { hashData } from "./hash.ts";
import type { PendingWrite } from "./outbox.ts";
import { type CarrierParts, settle, settleUnruled } from "./settle.ts";

const now = 0 as Instant;
const app: readonly Acl[] = [{ perms: 31, scheme: "digest", id: "app:h" }];

let parts: CarrierParts;
let aclCopy: AclCopy;

beforeEach(() => {
  parts = createParts({ nodeBytes: 4 }, []);
  if (parts.aclCopy === undefined) throw new Error("ACLs are copied here");
  aclCopy = parts.aclCopy;
});

function wanted(acl: readonly Acl[]): WantedAcl {
  const translation = translateAcl(acl, { schemes: ["world", "digest"], own: [us] });
  if (translation.kind === "held") throw new Error(translation.detail);
  return { rights: translation.rights, source: markOf(stat) };
}

function settlePresent(text: string, acl?: readonly Acl[]): readonly PendingWrite[] {
  const desired = { kind: "present", source: "/a/x", data: bytes(text) } as const;
  settle(parts, "/b/x", acl === undefined ? desired : { ...desired, acl: wanted(acl) }, undefined, now);
  return parts.outbox.take(parts.index.exists).batch;
}

test("a node with as many bytes as fit a packet is copied, one with a byte more is held back", () => {
  expect(settlePresent("1234")).toMatchObject([{ path: "/b/x", kind: "set", version: 3 }]);
  parts.outbox.clear();
  expect(settlePresent("12345")).toEqual([]);
  expect(parts.problems.list()).toMatchObject([{ path: "/b/x", kind: "oversize" }]);
});

describe("an ACL that differs", () => {
  const more = [...open, ...app];

  test("is set before the data where it takes rights away", () => {
    expect(settlePresent("new", app)).toEqual([]);
    expect(aclCopy.queued).toBe(1);
  });

  test("is set after the data where it only grants, once they are equal", () => {
    expect(settlePresent("new", more)).toMatchObject([{ path: "/b/x", kind: "set" }]);
    expect(aclCopy.queued).toBe(0);
    parts.work.finish("/b/x");
    expect(parts.work.next()).toBe("/b/x");
    expect(settlePresent("old", more)).toEqual([]);
    expect(aclCopy.queued).toBe(1);
  });

  test("and is not known yet is asked for, and one that fits is no reason to wait", () => {
    expect(settlePresent("old", open)).toEqual([]);
    expect([aclCopy.queued, parts.work.pending]).toEqual([0, 0]);
    aclCopy.found("/b/x", undefined, undefined);
    parts.work.begin("/b/x");
    expect(settlePresent("new", open)).toEqual([]);
    expect(parts.work.next()).toBe("/b/x");
  });
});

describe("what the journal is to keep of the node that is overwritten:", () => {
  const found = { version: 3, mzxid: 5n as Zxid, data: bytes("old") };
  const lookAgain = (foreign: "changed" | undefined): void => {
    parts.index.put("/b/x", { hash: hashData(found.data), ...found, pass: 1, foreign });
    parts.rechecks.answered("/b/x", found);
  };

  test("somebody else's bytes", () => {
    lookAgain("changed");
    expect(settlePresent("new")).toMatchObject([{ overwritten: { ...found, path: "/b/x", kind: "changed" } }]);
  });

  test("nothing where they have become the link's own since they were read: a compare has found them equal", () => {
    lookAgain("changed");
    parts.index.adopt("/b/x");
    expect(settlePresent("new")).toMatchObject([{ path: "/b/x", kind: "set", overwritten: undefined }]);
  });

  test("nothing yet where his bytes are not at hand: they are read first", () => {
    parts.index.put("/b/x", { hash: hashData(found.data), ...found, pass: 1, foreign: "changed" });
    expect(settlePresent("new")).toEqual([]);
    expect(parts.rechecks.take(10)).toEqual(["/b/x"]);
  });
});

describe("a path that no rule leads to", () => {
  const settled = (): boolean => {
    settleUnruled(parts, "/t/1/in");
    return parts.outbox.has("/t/1/in");
  };

  test("is created when something below waits for it, and its parents with it", () => {
    parts.family.waitForParent("/t/1/in/2");
    expect(settled()).toBe(true);
    expect(parts.outbox.take(parts.index.exists).batch.map(({ path }) => path)).toEqual(["/t", "/t/1", "/t/1/in"]);
  });

  test("is left alone when nothing waits for it any more, or it is there", () => {
    expect(settled()).toBe(false);
    parts.family.waitForParent("/t/1/in/2");
    parts.index.addPassage("/t/1/in");
    expect(settled()).toBe(false);
  });
});
