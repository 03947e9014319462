import { beforeEach, describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { translateAcl } from "./acl.ts";
import { markOf } from "./acl-index.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { bytes, createParts, open, stat, us } from "./carrier-parts.fixture.ts";
import type { LinkNote } from "./link-events.ts";
import type { PendingWrite } from "./outbox.ts";
import type { CarrierParts } from "./settle.ts";

const now = 100 as Instant;
const pass = 1;
const zxid = 30n as Zxid;
const attempts = 2;

let notes: LinkNote[];
let parts: CarrierParts;
let answers: Answers;

beforeEach(() => {
  notes = [];
  parts = createParts({ attempts }, notes);
  answers = createAnswers(parts);
});

const create = (path: string, more: Partial<PendingWrite> = {}): PendingWrite => ({
  path,
  kind: "create",
  data: null,
  hash: 0,
  version: -1,
  since: undefined,
  passage: false,
  repairs: undefined,
  overwritten: undefined,
  ...more,
});
const created = (...batch: readonly PendingWrite[]): void => {
  const results = batch.map(({ path }) => ({ kind: "create", path }) as const);
  answers.applied(batch, { results, zxid }, pass, now);
};

describe("a passage on a path that rules lead to", () => {
  test("is looked at again at once when nothing comes below it any more", () => {
    created(create("/b/y", { passage: true }));
    expect(parts.family.isParked("/b/y")).toBe(true);
    expect(parts.work.isPending("/b/y")).toBe(true);
  });

  test("stays while something below waits for it, which is looked at", () => {
    parts.family.waitForParent("/b/y/1");
    created(create("/b/y", { passage: true }));
    expect(parts.family.isParked("/b/y")).toBe(true);
    expect([parts.work.isPending("/b/y"), parts.work.isPending("/b/y/1")]).toEqual([false, true]);
  });
});

test("what was applied is told by kind, with its times and what it has set right", () => {
  const since = 40 as Instant;
  created(create("/b/y", { since, repairs: "deleted" }), create("/b/z"));
  const repaired = { changed: 0, created: 0, deleted: 1 };
  expect(notes).toEqual([{ kind: "applied", creates: 2, sets: 0, deletes: 0, repaired, lagsMs: [60] }]);
});

describe("a write that is refused", () => {
  const refuse = (write: PendingWrite, code: number): void => answers.refused(write, code, pass, now);
  const held = () => parts.problems.list().map(({ kind, path }) => [kind, path]);
  const translation = translateAcl(open, { schemes: ["world"], own: [us] });
  if (translation.kind === "held") throw new Error(translation.detail);
  const acl = { rights: translation.rights, source: markOf(stat) };

  test("for good holds its path back, and says whether it was for its ACL", () => {
    refuse(create("/b/1", { acl }), errorCodes.invalidAcl);
    refuse(create("/b/2", { acl }), errorCodes.noAuth);
    refuse(create("/b/3"), errorCodes.invalidAcl);
    expect(held()).toEqual([
      ["acl", "/b/1"],
      ["refused", "/b/2"],
      ["refused", "/b/3"],
    ]);
  });

  test("for what was found otherwise is looked at again, so many times", () => {
    const set = create("/b/x", { kind: "set", version: 3 });
    for (let nth = 0; nth < attempts; nth += 1) {
      refuse(set, errorCodes.badVersion);
      expect(parts.rechecks.take(10)).toEqual(["/b/x"]);
    }
    expect(held()).toEqual([]);
    refuse(set, errorCodes.badVersion);
    expect(parts.rechecks.take(10)).toEqual([]);
    expect(held()).toEqual([["refused", "/b/x"]]);
  });

  test("is forgiven with the first that is applied", () => {
    refuse(create("/b/y"), errorCodes.nodeExists);
    refuse(create("/b/y"), errorCodes.nodeExists);
    created(create("/b/y"));
    refuse(create("/b/y"), errorCodes.nodeExists);
    expect(held()).toEqual([]);
  });
});

describe("a node that is read again", () => {
  const read = (data: string, more: Partial<Stat>) =>
    answers.rechecked(
      "/b/x",
      { kind: "data", data: bytes(data), stat: { ephemeralOwner: 0n, numChildren: 0, ...more } as Stat },
      pass,
      now,
    );

  test("and is as the link left it has nothing to keep; somebody else's bytes are at hand", () => {
    read("old", { version: 3, mzxid: 5n as Zxid });
    expect(parts.rechecks.takeFound("/b/x")).toBeUndefined();
    read("theirs", { version: 4, mzxid: 8n as Zxid });
    expect(parts.rechecks.takeFound("/b/x")).toEqual({ version: 4, mzxid: 8n, data: bytes("theirs") });
  });

  test("and lives with a session now is not the link's any more", () => {
    read("app", { version: 0, mzxid: 9n as Zxid, ephemeralOwner: 7n });
    expect([parts.index.isEphemeral("/b/x"), parts.index.get("/b/x")]).toEqual([true, undefined]);
    expect(parts.work.next()).toBe("/b/x");
  });

  test("and is gone was deleted by somebody else", () => {
    answers.rechecked("/b/x", { kind: "error", code: errorCodes.noNode }, pass, now);
    expect(parts.index.isLost("/b/x")).toBe(true);
    expect(parts.work.next()).toBe("/b/x");
    expect(parts.problems.list()).toEqual([]);
  });

  test.each([
    [{ kind: "error", code: errorCodes.noAuth } as const, "noAuth"],
    [undefined, "no answer"],
  ])("and does not show itself holds the path back: %o", (result, why) => {
    answers.rechecked("/b/x", result, pass, now);
    const detail = `The target does not show /b/x: ${why}`;
    expect(parts.problems.list()).toMatchObject([{ kind: "refused", path: "/b/x", detail }]);
    expect(parts.index.get("/b/x")).toBeDefined();
  });
});
