import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesText, figure, listText, millisText, timeText } from "./figures.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1_000, "1,000"],
  [2_610.9, "2,610"],
  [-1_234, "-1,234"],
  [2n ** 63n - 1n, "9,223,372,036,854,775,807"],
])("%s is written %s", (value, text) => {
  expect(figure(value)).toBe(text);
});

test("units are in words, and one byte is one byte", () => {
  expect([millisText(12.9), bytesText(1n), bytesText(0n)]).toEqual(["12 ms", "1 byte", "0 bytes"]);
});

test("a list ends with and", () => {
  expect([listText([]), listText([1]), listText([1, 2]), listText(["a", "b", "c"])]).toEqual([
    "nobody",
    "1",
    "1 and 2",
    "a, b and c",
  ]);
});

test("a wall time is told as any calendar tells it", () => {
  expect(timeText(0)).toBe("1970-01-01 00:00:00.000 UTC");
  const wall = fc.oneof(
    fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    fc.constantFrom(951_782_400_000, 4_107_542_400_000, 1_709_164_799_999, 1_709_164_800_000).map(Number),
  );
  fc.assert(
    fc.property(wall, (ms) => {
      const [date, time] = new Date(ms).toISOString().split("T");
      const year = String(Number(date?.split("-")[0]));
      expect(timeText(ms)).toBe(`${year}${date?.slice(4)} ${time?.slice(0, -1)} UTC`);
    }),
  );
});
