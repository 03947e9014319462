import { expect, test } from "vitest";
import type { Transaction } from "./events.ts";
import { takeGroup } from "./grouping.ts";

const of = (puts: readonly string[], deletes: readonly string[] = []): { transaction: Transaction } => ({
  transaction: { compares: [], puts: puts.map((key) => ({ key, text: "", onLease: false })), deletes },
});

test("what deletes a folder goes alone: who else writes there is not to be seen by its key", () => {
  const [one, cleaning, other] = [of(["a/1"]), of([], ["sets/C1/a", "decisions/C1/a/"]), of(["decisions/C1/a/8"])];
  expect(takeGroup([one, cleaning, other])).toEqual([one]);
  expect(takeGroup([cleaning, other])).toEqual([cleaning]);
  expect(takeGroup([one, other])).toEqual([one, other]);
});
