import { expect, test } from "vitest";
import { errorCodes, ZooKeeperError } from "#lib/zookeeper/errors.ts";
import type { MultiOutcome, Stat, WriteOp, ZooKeeper, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { fenceOf } from "../core/claim.ts";
import type { Overwritten } from "../core/drift.ts";
import { createJournalStore } from "./journal.ts";
import { layoutOf } from "./layout.ts";

const { signal } = new AbortController();
const layout = layoutOf("zms");
const fence = fenceOf(3n, "0123abcd");
const checkpoint = {
  fence,
  sourceZxid: 9n as Zxid,
  rules: "r",
  brake: { engaged: undefined, deletes: [] },
  witnesses: [],
  sourceWins: undefined,
};
const applied = (ops: readonly WriteOp[]): MultiOutcome => ({
  kind: "applied",
  results: ops.map(({ path }) => ({ kind: "create", path })),
  zxid: 1n as Zxid,
});
const set = (path: string, data: Uint8Array | null = null): WriteOp => ({ kind: "set", path, data, version: 2 });
const theirs = (path: string, data: Uint8Array | null = null): Overwritten => ({
  path,
  kind: "changed",
  version: 2,
  mzxid: 7n as Zxid,
  data,
});

/** A target that answers multis one after the other as told, and has these entries of so many bytes. */
function open(answers: ((ops: readonly WriteOp[]) => MultiOutcome)[], stored: Record<string, number> = {}) {
  const multis: string[][] = [];
  const target = {
    multi: async (ops) => {
      multis.push(ops.map((op) => `${op.kind} ${op.path.replace("/crossidc/links/zms/", "")}`));
      return (answers.shift() ?? applied)(ops);
    },
    getChildren: async () => ({ children: [...Object.keys(stored), "unknown"], stat: {} as Stat }),
    exists: async (path) => ({ dataLength: stored[path.split("/").at(-1) ?? ""] ?? 0 }) as Stat,
  } as Partial<ZooKeeper> as ZooKeeper;
  const newClaim = () => "0123abcd";
  const own = { layout, source: target, target, instance: "test", newClaim, wallTime: () => 0 };
  const store = createJournalStore({ ...own, ownAcl: [], journalAcl: [] });
  return { store, multis };
}
const refusedAt = (failedAt: number, code: number) => (): MultiOutcome => ({ kind: "refused", failedAt, code });

test("what is overwritten is kept in the same multi; results are those of the operations alone", async () => {
  const { store, multis } = open([]);
  const outcome = await store.write({ ops: [set("/a"), set("/b")], journal: [theirs("/b")], checkpoint }, signal);
  expect(multis).toEqual([
    [`check fence/${fence.name}`, "set /a", "set /b", "create drift/0000000001", "set checkpoint"],
  ]);
  expect(outcome).toMatchObject({ kind: "applied", results: [{ path: "/a" }, { path: "/b" }] });
  expect(store.entries).toBe(1);
});

test("what was found at the claim counts, and makes room oldest first", async () => {
  const stored = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [String(at + 5).padStart(10, "0"), 10]));
  const { store, multis } = open([], stored);
  await store.open(fence, signal);
  expect([store.entries, store.bytes]).toEqual([1_000, 10_000]);
  await store.write({ ops: [set("/a")], journal: [theirs("/a")], checkpoint }, signal);
  expect(multis[0]?.slice(2, -1)).toEqual(["create drift/0000001005", "delete drift/0000000005"]);
  expect(store.entries).toBe(1_000);
});

test("a refused batch keeps nothing", async () => {
  const { store } = open([refusedAt(1, errorCodes.badVersion)]);
  const batch = { ops: [set("/a")], journal: [theirs("/a")], checkpoint };
  expect(await store.write(batch, signal)).toMatchObject({ kind: "refused", failedAt: 0, code: errorCodes.badVersion });
  expect([store.entries, store.bytes]).toEqual([0, 0]);
});

test("two that do not fit one packet go one after the other, and nothing is overwritten before it is kept", async () => {
  const large = new Uint8Array(600_000);
  const batch = { ops: [set("/a", large)], journal: [theirs("/a", large)], checkpoint };
  const check = `check fence/${fence.name}`;
  const { store, multis } = open([]);
  await store.write(batch, signal);
  expect(multis).toEqual([
    [check, "create drift/0000000001", "set checkpoint"],
    [check, "set /a", "set checkpoint"],
  ]);
  const refusing = open([refusedAt(1, errorCodes.quotaExceeded)]);
  expect(await refusing.store.write(batch, signal)).toMatchObject({ kind: "refused", failedAt: 0 });
  expect(refusing.multis).toHaveLength(1);
});

test("a journal that was changed by hand is read again, and the multi is composed anew", async () => {
  const { store, multis } = open([refusedAt(2, errorCodes.nodeExists)], { "0000000001": 10 });
  const batch = { ops: [set("/a")], journal: [theirs("/a")], checkpoint };
  expect(await store.write(batch, signal)).toMatchObject({ kind: "applied" });
  expect(multis.map((ops) => ops[2])).toEqual(["create drift/0000000001", "create drift/0000000002"]);
});

test("what cannot be kept is not overwritten: its own operation is the refused one", async () => {
  const { store } = open([refusedAt(4, errorCodes.noAuth)]);
  const batch = { ops: [set("/a"), set("/b")], journal: [theirs("/a"), theirs("/b")], checkpoint };
  expect(await store.write(batch, signal)).toEqual({ kind: "refused", failedAt: 1, code: errorCodes.noAuth });
});

test("a journal that somebody changes again and again refuses the operation in the end", async () => {
  const { store, multis } = open(Array.from({ length: 5 }, () => refusedAt(2, errorCodes.nodeExists)));
  const batch = { ops: [set("/a")], journal: [theirs("/a")], checkpoint };
  expect(await store.write(batch, signal)).toMatchObject({ kind: "refused", failedAt: 0 });
  expect(multis).toHaveLength(3);
});

test("a server that refuses the multi as a whole has applied nothing of it", async () => {
  const { store } = open([
    () => {
      throw new ZooKeeperError(errorCodes.unimplemented, "multi", { hint: "" });
    },
  ]);
  const batch = { ops: [set("/a")], journal: [], checkpoint };
  expect(await store.write(batch, signal)).toEqual({ kind: "refused", failedAt: 0, code: errorCodes.unimplemented });
});
