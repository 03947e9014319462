import fc from "fast-check";
import { expect, test } from "vitest";
import { createWatches } from "./watches.ts";

const path = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).map((name) => `/${name}`);

test("each watch is in exactly one part, and no part takes more than its limit", () => {
  const bytesMax = 1_000;
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ path, recursive: fc.boolean() }), { selector: (w) => w.path }), (armed) => {
      const watches = createWatches();
      for (const watch of armed) watches.add(watch);
      const parts = watches.parts(bytesMax);
      for (const { persistent, persistentRecursive } of parts) {
        const bytes = [...persistent, ...persistentRecursive].map((each) => 4 + Buffer.byteLength(each));
        expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(bytesMax);
      }
      const of = (recursive: boolean) => armed.filter((each) => each.recursive === recursive).map((each) => each.path);
      expect(parts.flatMap((part) => part.persistent)).toEqual(of(false));
      expect(parts.flatMap((part) => part.persistentRecursive)).toEqual(of(true));
    }),
  );
});

test("without watches there is nothing to send", () => {
  expect(createWatches().parts(1_000)).toEqual([]);
});

test("the later mode of a path takes the place of the earlier one", () => {
  const watches = createWatches();
  watches.add({ path: "/a", recursive: false });
  watches.add({ path: "/a", recursive: true });
  expect(watches.parts(1_000)).toEqual([{ persistent: [], persistentRecursive: ["/a"] }]);
});
