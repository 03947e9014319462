import { expect, test } from "vitest";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { WriteOp, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { fencedBatch, outcomeOfBatch } from "./fenced.ts";

const paths = { fence: "/f/e-1", checkpoint: "/c" };
const one: WriteOp = { kind: "set", path: "/a", data: null, version: 3 };
const other: WriteOp = { kind: "delete", path: "/b", version: 1 };

test("a batch of any size begins with its fence and ends with its checkpoint", () => {
  for (const ops of [[], [one], [one, other]]) {
    const batch = fencedBatch(paths, ops, null);
    expect(batch[0]).toEqual({ kind: "check", path: "/f/e-1", version: -1 });
    expect(batch.slice(1, -1)).toEqual(ops);
    expect(batch.at(-1)).toEqual({ kind: "set", path: "/c", data: null, version: -1 });
  }
});

test("results are those of the operations alone", () => {
  const results = [{ kind: "check" }, { kind: "delete" }, { kind: "create", path: "/c" }] as const;
  const outcome = outcomeOfBatch(paths, [other], { kind: "applied", results, zxid: 7n as Zxid });
  expect(outcome).toEqual({ kind: "applied", results: [{ kind: "delete" }], zxid: 7n });
});

test("a fence or a checkpoint that is gone fences, an operation that fails is told by its place", () => {
  const failed = (failedAt: number) =>
    outcomeOfBatch(paths, [one, other], { kind: "refused", failedAt, code: errorCodes.noNode });
  expect(failed(0)).toMatchObject({ kind: "fenced", detail: expect.stringContaining("/f/e-1") });
  expect(failed(1)).toEqual({ kind: "refused", failedAt: 0, code: errorCodes.noNode });
  expect(failed(2)).toEqual({ kind: "refused", failedAt: 1, code: errorCodes.noNode });
  expect(failed(3)).toMatchObject({ kind: "fenced", detail: expect.stringContaining("/c") });
});
