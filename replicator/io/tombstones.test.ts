import { expect, test } from "vitest";
import { decodeTombstones, encodeTombstones } from "./tombstones.ts";

const now = 1_800_000_000_000;
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("tombstones come back as old as they are by then", () => {
  const list = [
    { path: '/a/ä "x"', ageMs: 5_000 },
    { path: "/b", ageMs: 0 },
  ];
  expect(decodeTombstones(encodeTombstones(list, now), now + 1_000)).toEqual(
    list.map(({ path, ageMs }) => ({ path, ageMs: ageMs + 1_000 })),
  );
});

test("a stamp in the future counts as now", () => {
  expect(decodeTombstones(encodeTombstones([{ path: "/a", ageMs: 0 }], now + 60_000), now)).toEqual([
    { path: "/a", ageMs: 0 },
  ]);
});

test.each([
  ["nothing", null],
  ["no JSON", new TextEncoder().encode("{")],
  ["another schema", bytes({ schema: 2, goneSince: { "/a": 1 } })],
  ["no mapping", bytes({ schema: 1, goneSince: null })],
  ["no stamps", bytes({ schema: 1, goneSince: { "/a": "1", b: 1 } })],
])("%s is no tombstone: the time begins anew", (_, data) => {
  expect(decodeTombstones(data, now)).toEqual([]);
});
