import fc from "fast-check";
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
  expect(work.next()).toBeUndefined();
  work.finish("/a");
  expect(work.next()).toBe("/a");
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

test("dirty paths take turns in the order in which they were marked, and those marked again come last", () => {
  const { work } = setUp();
  const takeNext = (): string | undefined => {
    const path = work.next();
    if (path !== undefined) work.begin(path);
    return path;
  };
  for (const path of ["/a", "/b", "/c"]) work.mark(path, undefined);
  expect([takeNext(), takeNext()]).toEqual(["/a", "/b"]);
  work.repeat("/a");
  work.mark("/d", undefined);
  expect(work.next()).toBe(work.next());
  expect([takeNext(), takeNext(), takeNext(), takeNext()]).toEqual(["/c", "/a", "/d", undefined]);
});

test("each dirty path gets its turn, whatever is marked, begun and finished in between", () => {
  const action = fc.tuple(
    fc.constantFrom("mark", "begin", "finish", "repeat"),
    fc.constantFrom("/a", "/b", "/c", "/d"),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { work } = setUp();
      const dirty = new Set<string>();
      for (const [kind, path] of actions) {
        if (kind === "mark") {
          work.mark(path, undefined);
        } else if (kind === "begin") {
          const next = work.next();
          if (next !== undefined) work.begin(next);
        } else if (work.isBusy(path)) work[kind](path);
      }
      for (const path of ["/a", "/b", "/c", "/d"]) if (work.isPending(path) && !work.isBusy(path)) dirty.add(path);
      const turns: string[] = [];
      for (let path = work.next(); path !== undefined; path = work.next()) {
        turns.push(path);
        work.begin(path);
      }
      expect(turns.toSorted()).toEqual([...dirty].toSorted());
    }),
  );
});
