import { beforeEach, describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Acl, Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { translateAcl } from "./acl.ts";
import { type AclCopy, createAclCopy, type WantedAcl } from "./acl-copy.ts";
import { createAclIndex, markOf } from "./acl-index.ts";
import { createBrake } from "./brake.ts";
import { createRechecks } from "./drift.ts";
import { createFamily } from "./family.ts";
import { hashData } from "./hash.ts";
import { defaultLimits } from "./limits.ts";
import type { LinkContext } from "./link-context.ts";
import type { LinkCounts } from "./link-events.ts";
import { createOutbox, type PendingWrite } from "./outbox.ts";
import { createProblems } from "./problems.ts";
import { compileRules } from "./rules/compile.ts";
import { type CarrierParts, settle, settleUnruled } from "./settle.ts";
import { createTargetIndex } from "./target-index.ts";
import { createWork } from "./work.ts";

/** /a/** goes to /b/**, and /c/{x}/{y} to /t/{x}/in/{y}: no rule leads to /t/{x}, nor to /t/{x}/in. The target has /b/x. */
const now = 0 as Instant;
const nodeBytes = 4;
const open: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const app: readonly Acl[] = [{ perms: 31, scheme: "digest", id: "app:h" }];
const us = { scheme: "digest", id: "us:h" };
const stat = { czxid: 9n, aversion: 2 } as Partial<Stat> as Stat;
const bytes = (text: string) => new TextEncoder().encode(text);

let parts: CarrierParts;
let aclCopy: AclCopy;

beforeEach(() => {
  const compiled = compileRules({
    clusters: {},
    unmapped: "error",
    onBadData: "skip",
    rules: [
      { match: "/a/**", to: "/b/**", action: "copy" },
      { match: "/c/{x}/{y}", to: "/t/{x}/in/{y}", action: "copy" },
    ],
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const context = {
    options: { rules: compiled.rules, deletes: { mode: "mirror" } },
    limits: { ...defaultLimits, nodeBytes },
    counts: { drift: 0 } as Partial<LinkCounts> as LinkCounts,
    note: () => {},
  } as unknown as LinkContext;
  const index = createTargetIndex();
  const problems = createProblems(10);
  const work = createWork(context, problems);
  const outbox = createOutbox(context.limits);
  const rechecks = createRechecks(10);
  const acls = createAclIndex();
  aclCopy = createAclCopy({ context, schemes: ["world", "digest"], acls, index, work, recheck: rechecks.ask });
  aclCopy.begin([us], false);
  acls.put("/b/x", open, stat);
  index.addPassage("/b");
  index.put("/b/x", { hash: hashData(bytes("old")), version: 3, mzxid: 5n as Zxid, pass: 1, children: 0 });
  parts = {
    context,
    index,
    problems,
    brake: createBrake({ maxDeletes: 10, maxDeleteRatio: 1, windowMs: 1_000 }),
    work,
    outbox,
    family: createFamily({ index, outbox, work }),
    aclCopy,
    rechecks,
    tombstones: undefined,
  };
  work.mark("/b/x", undefined);
  work.begin("/b/x");
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
