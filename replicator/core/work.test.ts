import { expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { LinkContext } from "./link-context.ts";
import type { LinkNote } from "./link-events.ts";
import { createProblems } from "./problems.ts";
import { createWork } from "./work.ts";

const at = (ms: number) => ms as Instant;

function setUp() {
  const notes: LinkNote[] = [];
  const problems = createProblems(10);
  const work = createWork({ note: (note: LinkNote) => void notes.push(note) } as unknown as LinkContext, problems);
  return { work, problems, notes };
}

test("a path marked while it is worked on is looked at again afterwards", () => {
  const { work } = setUp();
  work.mark("/a", at(1));
  work.begin("/a");
  work.mark("/a", at(5));
  expect([...work.dirty()]).toEqual([]);
  work.finish("/a");
  expect([...work.dirty()]).toEqual(["/a"]);
  expect(work.oldestSince).toBe(5);
});

test("a path that is finished and not marked again is done", () => {
  const { work } = setUp();
  work.mark("/a", at(1));
  work.begin("/a");
  work.finish("/a");
  expect(work.pending).toBe(0);
  expect(work.isPending("/a")).toBe(false);
  expect(work.oldestSince).toBeUndefined();
});

test("lag counts from the first event that is not answered yet", () => {
  const { work } = setUp();
  work.mark("/a", at(7));
  work.mark("/a", at(9));
  work.mark("/b", undefined);
  work.mark("/b", at(8));
  expect(work.oldestSince).toBe(7);
  work.begin("/a");
  expect(work.since("/a")).toBe(7);
  expect(work.oldestSince).toBe(7);
});

test("a repeated path keeps the time of its first event", () => {
  const { work } = setUp();
  work.mark("/a", at(3));
  work.begin("/a");
  work.mark("/a", at(6));
  work.repeat("/a");
  work.begin("/a");
  expect(work.since("/a")).toBe(3);
});

test("abandoned work is dirty again, with the time of its first event", () => {
  const { work } = setUp();
  work.mark("/a", at(3));
  work.begin("/a");
  work.mark("/a", at(6));
  work.mark("/b", at(4));
  work.begin("/b");
  work.abandon();
  expect(work.dirtyCount).toBe(2);
  expect(work.pending).toBe(2);
  work.begin("/a");
  expect(work.since("/a")).toBe(3);
});

test("a path that is held back is done, and told of once", () => {
  const { work, problems, notes } = setUp();
  for (const detail of ["first", "second"]) {
    work.mark("/a", at(1));
    work.begin("/a");
    work.hold("/a", "conflict", detail, at(2));
  }
  expect(work.pending).toBe(0);
  expect(notes).toMatchObject([{ kind: "problem", problem: { kind: "conflict", path: "/a", detail: "first" } }]);
  expect(problems.list()).toMatchObject([{ detail: "second", since: 2 }]);
});

test("pending counts what is dirty and what is worked on", () => {
  const { work } = setUp();
  for (const path of ["/a", "/b", "/c"]) work.mark(path, undefined);
  work.begin("/b");
  expect(work.dirtyCount).toBe(2);
  expect(work.pending).toBe(3);
  expect(work.isBusy("/b")).toBe(true);
  expect(work.isBusy("/a")).toBe(false);
});
