import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorCodes } from "#lib/zookeeper/errors.ts";
import type { ReadResult, Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { parentOf } from "./paths.ts";
import { createWitnesses, denies, type Witness, witnessesMax } from "./witnesses.ts";

const zxid = (value: number) => BigInt(value) as Zxid;
const gone: ReadResult = { kind: "error", code: errorCodes.noNode };

function statOf(changes: { czxid?: number; mzxid?: number; pzxid?: number }): Stat {
  const { czxid = 0, mzxid = 0, pzxid = 0 } = changes;
  return {
    czxid: zxid(czxid),
    mzxid: zxid(mzxid),
    pzxid: zxid(pzxid),
    ctime: 0n,
    mtime: 0n,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: 0,
    numChildren: 0,
  };
}

const changedAt = (mzxid: number): ReadResult => ({ kind: "data", data: null, stat: statOf({ mzxid }) });

describe("what is kept", () => {
  test("is the newest of each path, also when it is that the node has gone", () => {
    const witnesses = createWitnesses();
    witnesses.heard("/a", changedAt(3), zxid(0));
    witnesses.heard("/b", changedAt(5), zxid(0));
    witnesses.heard("/a", gone, zxid(7));
    witnesses.heard("/c", { kind: "error", code: errorCodes.noAuth }, zxid(9));
    expect(witnesses.newest(9)).toEqual([
      { path: "/a", zxid: 7n, there: false },
      { path: "/b", zxid: 5n, there: true },
    ]);
    witnesses.clear();
    expect(witnesses.newest(9)).toEqual([]);
  });

  test("are the newest of many, in whatever order they were heard", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 300 }), (zxids) => {
        const witnesses = createWitnesses();
        for (const value of zxids) witnesses.heard(`/${value}`, changedAt(value), zxid(0));
        const best = [...zxids].sort((one, other) => other - one).slice(0, witnessesMax);
        expect(witnesses.newest(witnessesMax).map((witness) => Number(witness.zxid))).toEqual(best);
      }),
    );
  });

  test("what an earlier process heard counts as if heard now", () => {
    const witnesses = createWitnesses();
    const earlier: Witness = { path: "/a", zxid: zxid(4), there: true };
    witnesses.recall([earlier]);
    expect(witnesses.newest(1)).toEqual([earlier]);
  });
});

describe("a witness", () => {
  /** A tree of three levels that is changed at random, and what was heard of it on the way. */
  const paths = ["/a", "/a/b", "/a/b/c", "/d"];
  const step = fc.record({ path: fc.constantFrom(...paths), kind: fc.constantFrom("set", "create", "delete") });

  type Tree = ReadonlyMap<string, Stat>;
  const start: Tree = new Map([["/", statOf({})]]);

  function apply(tree: Tree, { path, kind }: { path: string; kind: string }, at: number): Tree {
    const next = new Map(tree);
    const node = tree.get(path);
    const parent = tree.get(parentOf(path));
    const isLeaf = ![...tree.keys()].some((other) => other.startsWith(`${path}/`));
    if (kind === "set" && node !== undefined) next.set(path, { ...node, mzxid: zxid(at) });
    if (kind === "create" && node === undefined && parent !== undefined) {
      next.set(path, statOf({ czxid: at, mzxid: at, pzxid: at }));
      next.set(parentOf(path), { ...parent, pzxid: zxid(at) });
    }
    if (kind === "delete" && node !== undefined && parent !== undefined && isLeaf) {
      next.delete(path);
      next.set(parentOf(path), { ...parent, pzxid: zxid(at) });
    }
    return next;
  }

  function nearest(tree: Tree, path: string): { path: string; stat: Stat } {
    const stat = tree.get(path);
    return stat === undefined ? nearest(tree, parentOf(path)) : { path, stat };
  }

  function witnessOf(tree: Tree, path: string, at: number): Witness {
    const stat = tree.get(path);
    return stat === undefined ? { path, zxid: zxid(at), there: false } : { path, zxid: stat.mzxid, there: true };
  }

  test("is never denied by the same source later on", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), fc.constantFrom(...paths), (steps, when, path) => {
        let tree = start;
        let witness: Witness | undefined;
        for (const [index, one] of steps.entries()) {
          tree = apply(tree, one, index + 1);
          if (index === when) witness = witnessOf(tree, path, index + 1);
          if (witness !== undefined) expect(denies(nearest(tree, path), witness)).toBe(false);
        }
      }),
    );
  });

  test("of a change of a path is denied by every state of the source before that change", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(...paths), (steps, path) => {
        const states = [start];
        for (const [index, one] of steps.entries()) states.push(apply(states.at(-1) ?? start, one, index + 1));
        for (const [at, tree] of states.entries()) {
          const before = states[at - 1];
          if (before === undefined || before.get(path)?.mzxid === tree.get(path)?.mzxid) continue;
          const witness = witnessOf(tree, path, at);
          expect(denies(nearest(before, path), witness)).toBe(true);
        }
      }),
    );
  });
});
