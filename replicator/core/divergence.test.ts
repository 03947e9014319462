import { beforeEach, expect, test } from "vitest";
import type { Stat, Zxid } from "#lib/zookeeper/zookeeper.ts";
import { createDivergence, type Divergence } from "./divergence.ts";

/** Rules lead to /t/a and all below it, and to /t/deep/x/1; the mark is 50, the source was carried over up to 20. */
const past = { mark: 50n as Zxid, sourceZxid: 20n as Zxid, stops: true };
const isRuled = (path: string) => path.startsWith("/t/a") || path === "/t/deep/x/1";

let present: Set<string>;
let divergence: Divergence;

const stat = (zxids: { czxid?: number; mzxid?: number; pzxid?: number }) => {
  const { czxid = 1, mzxid = czxid, pzxid = czxid } = zxids;
  return { czxid: BigInt(czxid), mzxid: BigInt(mzxid), pzxid: BigInt(pzxid) } as Stat;
};
const saw = (path: string, zxids: Parameters<typeof stat>[0] = {}): void => {
  divergence.saw(path, stat(zxids), isRuled(path));
  if (isRuled(path)) present.add(path);
};
const found = () => Object.fromEntries(divergence.found);

beforeEach(() => {
  present = new Set();
  divergence = createDivergence({ isRuled, exists: (path) => present.has(path) });
  divergence.start(past);
});

test("what was written or made after the mark and differs is found, what is older is not", () => {
  saw("/t/a/changed", { mzxid: 51 });
  saw("/t/a/made", { czxid: 60 });
  saw("/t/a/ours", { mzxid: 50 });
  saw("/t/a/equal", { mzxid: 70 });
  saw("/t/a/made-by-us", { czxid: 50, mzxid: 51 });
  for (const name of ["changed", "made", "ours", "made-by-us"]) divergence.differs(`/t/a/${name}`);
  expect(found()).toEqual({ "/t/a/changed": "changed", "/t/a/made": "created", "/t/a/made-by-us": "changed" });
});

test("a node that lives with a session is nothing that the link would overwrite", () => {
  divergence.saw("/t/a/session", stat({ czxid: 60 }), false);
  divergence.differs("/t/a/session");
  expect(found()).toEqual({});
});

test("a node that is missing was deleted by somebody else if the node above has changed since, and it is old enough", () => {
  saw("/", { pzxid: 3 });
  saw("/t", { pzxid: 3 });
  saw("/t/a", { pzxid: 60 });
  saw("/t/a/still", { pzxid: 50 });
  expect(divergence.missing("/t/a/gone", stat({ czxid: 20 }))).toBe(true);
  expect(divergence.missing("/t/a/late", stat({ czxid: 21 }))).toBe(false);
  expect(divergence.missing("/t/a/still/x", stat({ czxid: 20 }))).toBe(false);
  expect(found()).toEqual({ "/t/a/gone": "deleted" });
});

test("with passages gone as well, it shows in the nearest node that is there; a ruled node above decides for itself", () => {
  saw("/", { pzxid: 3 });
  saw("/t", { pzxid: 60 });
  expect(divergence.missing("/t/deep/x/1", stat({ czxid: 20 }))).toBe(true);
  expect(divergence.missing("/t/a/gone", stat({ czxid: 20 }))).toBe(false);
  expect(divergence.missing("/t/a", stat({ czxid: 20 }))).toBe(true);
  expect(found()).toEqual({ "/t/deep/x/1": "deleted", "/t/a": "deleted" });
});

test("where two sources stand behind a missing path, or the target does not show it, nothing will be created", () => {
  saw("/t/a", { pzxid: 60 });
  divergence.missing("/t/a/twice", stat({ czxid: 20 }));
  divergence.missing("/t/a/twice", stat({ czxid: 20 }));
  divergence.undecided("/t/a/hidden");
  expect(divergence.missing("/t/a/hidden", stat({ czxid: 20 }))).toBe(false);
  expect(found()).toEqual({});
});

test("where the source wins nothing stops the link, but what was done is known", () => {
  divergence.start({ ...past, stops: false });
  saw("/t/a", { pzxid: 60 });
  saw("/t/a/changed", { mzxid: 51 });
  divergence.differs("/t/a/changed");
  expect(divergence.since(stat({ mzxid: 51 }))).toBe("changed");
  expect(divergence.missing("/t/a/gone", stat({ czxid: 20 }))).toBe(true);
  expect(found()).toEqual({});
});

test("without a past, and in each compare anew, nothing is known", () => {
  saw("/t/a", { mzxid: 70, pzxid: 60 });
  divergence.differs("/t/a");
  expect(found()).toEqual({ "/t/a": "changed" });
  divergence.start(undefined);
  saw("/t/a", { mzxid: 70, pzxid: 60 });
  divergence.differs("/t/a");
  expect(divergence.since(stat({ mzxid: 70 }))).toBeUndefined();
  expect(divergence.missing("/t/a/gone", stat({ czxid: 1 }))).toBe(false);
  expect(found()).toEqual({});
});
