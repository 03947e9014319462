import { beforeEach, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { Acl, Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { type AclCopy, createAclCopy, type WantedAcl } from "./acl-copy.ts";
import { type AclIndex, createAclIndex } from "./acl-index.ts";
import type { Desired } from "./evaluate.ts";
import { defaultLimits } from "./limits.ts";
import type { LinkContext } from "./link-context.ts";
import type { AclResult, LinkCounts, LinkNote } from "./link-events.ts";
import { createProblems } from "./problems.ts";
import { createTargetIndex } from "./target-index.ts";
import { createWork } from "./work.ts";

const now = 0 as Instant;
const open: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
const us = { scheme: "digest", id: "us:h" };
const guarded: readonly Acl[] = [{ perms: 31, scheme: "digest", id: "app:h" }];
const present = { kind: "present", source: "/s", data: null } as const;
const statOf = (czxid: bigint, aversion: number) => ({ czxid, aversion }) as unknown as Stat;
const here = statOf(9n, 2);

let acls: AclIndex;
let copy: AclCopy;
let work: ReturnType<typeof createWork>;
let problems: ReturnType<typeof createProblems>;
let rechecked: string[];
let notes: LinkNote[];
let counts: { aclsSet: number; refused: number; drift: number };

/** A link with one target node /t, whose ACL is open and whose path is busy. */
beforeEach(() => {
  rechecked = [];
  notes = [];
  counts = { aclsSet: 0, refused: 0, drift: 0 };
  const context = {
    limits: { ...defaultLimits, attempts: 2, aclsPerWrite: 2 },
    counts: counts as Partial<LinkCounts> as LinkCounts,
    note: (note: LinkNote) => void notes.push(note),
  } as Partial<LinkContext> as LinkContext;
  const index = createTargetIndex();
  index.put("/t", { hash: 0, version: 0, mzxid: 1n as Zxid, pass: 1 });
  problems = createProblems(10);
  work = createWork(context, problems);
  acls = createAclIndex();
  acls.put("/t", open, here);
  copy = createAclCopy({
    context,
    schemes: ["world", "digest"],
    acls,
    index,
    work,
    recheck: (path) => void rechecked.push(path),
  });
  copy.begin([us], false);
  acls.put("/t", open, here);
  work.mark("/t", undefined);
  work.begin("/t");
});

function protect(stat: Stat, asked: AclResult | undefined): Desired | "again" {
  const nodes = [{ kind: "data", data: null, stat }] as const;
  return copy.protect("/t", present, { sources: ["/s"], nodes, acls: asked && [asked] });
}

function wanted(acl: readonly Acl[] = guarded): WantedAcl {
  const outcome = protect(here, { kind: "acl", acl, stat: here });
  if (outcome === "again" || outcome.kind !== "present" || outcome.acl === undefined)
    throw new Error("no ACL is wanted");
  return outcome.acl;
}

test("an ACL is taken only with data of the same node and the same aversion", () => {
  for (const stat of [statOf(9n, 3), statOf(10n, 2)])
    expect(protect(here, { kind: "acl", acl: guarded, stat })).toBe("again");
  expect(wanted().rights.entries).toEqual([...guarded, { ...us, perms: 31 }]);
});

test("a node that is gone when its ACL is asked for is read again; an ACL that is refused holds the path back", () => {
  expect(protect(here, { kind: "error", code: errorCodes.noNode })).toBe("again");
  expect(protect(here, { kind: "error", code: errorCodes.noAuth })).toMatchObject({ kind: "held", problem: "acl" });
});

test("an ACL found equal is not asked for again until the source's or the target's has changed", () => {
  expect(copy.order("/t", wanted(open))).toBe("fits");
  expect([copy.needsTarget("/t"), copy.needsSource("/t")]).toEqual([false, false]);
  expect(protect(here, undefined)).toBe(present);
  expect(protect(statOf(9n, 3), undefined)).toBe("again");
  expect(copy.needsSource("/t")).toBe(true);
  acls.forget("/t");
  expect(copy.needsTarget("/t")).toBe(true);
});

test("other identities of ours, or a source that went back, make every ACL unknown again", () => {
  const isKnown = (): boolean => !copy.needsTarget("/t");
  copy.begin([us], false);
  expect(isKnown()).toBe(true);
  copy.begin([us, { scheme: "digest", id: "new:h" }], false);
  expect(isKnown()).toBe(false);
  acls.put("/t", open, here);
  copy.begin([us, { scheme: "digest", id: "new:h" }], true);
  expect(isKnown()).toBe(false);
});

test("what takes rights away goes before the data, what only grants goes after them", () => {
  expect(copy.order("/t", wanted())).toBe("first");
  expect(copy.order("/t", wanted([...open, ...guarded]))).toBe("after");
  acls.forget("/t");
  expect(copy.order("/t", wanted())).toBe("unknown");
});

test("an ACL is set with the aversion that was seen, and its path is looked at once more", () => {
  copy.set("/t", wanted());
  expect(copy.take(7, 10)).toEqual([{ path: "/t", acl: wanted().rights.entries, aversion: 2 }]);
  expect([copy.queued, copy.inFlight, copy.awaits(7)]).toEqual([0, 1, true]);
  copy.wrote(7, { kind: "done", results: [{ kind: "set", stat: statOf(9n, 3) }] }, now);
  expect(copy.order("/t", wanted())).toBe("fits");
  expect([counts.aclsSet, work.isBusy("/t"), work.isPending("/t")]).toEqual([1, false, true]);
  expect(notes).toEqual([{ kind: "aclsSet", acls: 1 }]);
});

test("somebody else's ACL goes to the journal when it is set back, and only his", () => {
  const foreign = [{ perms: 31, scheme: "world", id: "anyone" }];
  expect(acls.seen("/t", statOf(9n, 5))).toBe(true);
  acls.put("/t", foreign, statOf(9n, 5));
  copy.set("/t", wanted());
  const [write] = copy.take(7, 10);
  expect(write?.overwritten).toEqual({
    path: "/t",
    kind: "aclChanged",
    version: 5,
    mzxid: 9n,
    data: new TextEncoder().encode("world:anyone:cdrwa\n"),
  });
  copy.wrote(7, { kind: "done", results: [{ kind: "set", stat: statOf(9n, 6) }] }, now);
  copy.set("/t", wanted(open));
  expect(copy.take(8, 10)[0]?.overwritten).toBeUndefined();
});

test("so does one that is noticed because the write was refused", () => {
  refuse(errorCodes.badVersion);
  acls.put("/t", guarded, statOf(9n, 3));
  copy.set("/t", wanted(open));
  expect(new TextDecoder().decode(copy.take(8, 10)[0]?.overwritten?.data ?? undefined)).toBe("digest:app:h:cdrwa\n");
});

function refuse(code: number): void {
  acls.put("/t", open, here);
  copy.set("/t", wanted());
  copy.take(7, 10);
  copy.wrote(7, { kind: "done", results: [{ kind: "error", code }] }, now);
}

test("one that somebody else has set meanwhile is read again, a bounded number of times", () => {
  for (let attempt = 1; attempt <= 3; attempt++) refuse(errorCodes.badVersion);
  expect(rechecked).toEqual(["/t", "/t"]);
  expect(counts.drift).toBe(2);
  expect(problems.list()).toMatchObject([{ kind: "acl", detail: expect.stringContaining("badVersion") }]);
});

test("one that is refused for good holds the path back at once", () => {
  refuse(errorCodes.noAuth);
  expect(rechecked).toEqual([]);
  expect(problems.list()).toMatchObject([{ kind: "acl", detail: expect.stringContaining("noAuth") }]);
});

test("no more are set at once than the limit and the rate allow", () => {
  for (const path of ["/t", "/u", "/v"]) {
    acls.put(path, open, here);
    copy.set(path, wanted());
  }
  expect([copy.take(1, 10).length, copy.take(2, 1).length, copy.queued]).toEqual([2, 1, 0]);
});

test("after a lost session nothing is known of those that were in flight", () => {
  copy.set("/t", wanted());
  copy.take(7, 10);
  copy.abandon();
  expect([acls.get("/t"), copy.inFlight, copy.awaits(7)]).toEqual([undefined, 0, false]);
});

test("a target that does not show its ACL holds the path back; a node that is gone does not", () => {
  const node = { kind: "data", data: null, stat: here } as const;
  expect(copy.found("/t", node, { kind: "error", code: errorCodes.noAuth })).toContain("noAuth");
  expect(copy.found("/t", node, { kind: "error", code: errorCodes.noNode })).toBe(undefined);
  expect(copy.found("/t", node, { kind: "acl", acl: guarded, stat: here })).toBe(undefined);
  expect(acls.get("/t")?.rights.entries).toEqual(guarded);
  expect(copy.found("/t", { kind: "error", code: errorCodes.noNode }, undefined)).toBe(undefined);
  expect(acls.get("/t")).toBe(undefined);
});
