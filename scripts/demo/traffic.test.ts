import { expect, test } from "vitest";
import { createPaint } from "#lib/terminal.ts";
import { type Client, createTraffic } from "./traffic.ts";

const paint = createPaint(false);
const marks = [
  { set: "bs1", sign: "#", tone: "green" },
  { set: "bs2", sign: "=", tone: "yellow" },
] as const;

function clientOf(title: string, sent: readonly string[]): Client {
  return { title, sentTo: (after) => sent.slice(after) };
}

test("a line has a second's messages of each client, each where it went", () => {
  const [one, two] = [["bs1", "bs1"], ["bs2"]];
  const traffic = createTraffic([clientOf("one", one), clientOf("two", two)], marks, paint, 1_000);
  traffic.look(1_500);
  expect(traffic.header()).toBe("        # bs1   = bs2   x failed\n        one                         two");
  expect(traffic.line(2_000)).toBe("   1 s  ##                          =");
  one.push("", "bs2");
  traffic.look(2_500);
  expect(traffic.line(3_000)).toBe("   2 s  x=");
  expect(traffic.line(4_000)).toBe("   3 s");
});

test("the tally has the longest time without an acknowledged message; failed ones do not end it", () => {
  const sent = ["bs1"];
  const traffic = createTraffic([clientOf("one", sent)], marks, paint, 0);
  traffic.look(100);
  sent.push("");
  traffic.look(200);
  sent.push("", "bs2");
  traffic.look(1_300);
  sent.push("bs2");
  traffic.look(1_400);
  expect(traffic.tallies()).toEqual([
    { title: "one", sent: new Map(Object.entries({ bs1: 1, bs2: 2 })), failed: 2, gapMs: 1_200 },
  ]);
});

test("more messages than there is room for are counted, and not drawn", () => {
  const traffic = createTraffic(
    [
      clientOf(
        "one",
        Array.from({ length: 100 }, () => "bs1"),
      ),
    ],
    marks,
    paint,
    0,
  );
  traffic.look(1_000);
  expect(traffic.line(1_000).trim()).toBe(`1 s  ${"#".repeat(24)}`);
  expect(traffic.tallies()[0]?.sent.get("bs1")).toBe(100);
});
