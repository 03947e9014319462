import { expect, test } from "vitest";
import { decodeCanary, encodeCanary } from "./canary.ts";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("a canary is read as it was written", () => {
  expect(decodeCanary(encodeCanary({ instance: "a/1/b", number: 7 }, 0))).toEqual({ instance: "a/1/b", number: 7 });
});

test.each([
  ["nothing", null],
  ["no JSON", new TextEncoder().encode("{")],
  ["JSON's null", bytes(null)],
  ["another schema", bytes({ schema: 2, instance: "a", number: 1 })],
  ["no number", bytes({ schema: 1, instance: "a", number: "1" })],
])("%s is no canary", (_, data) => {
  expect(decodeCanary(data)).toBeUndefined();
});
