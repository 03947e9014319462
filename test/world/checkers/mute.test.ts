import { expect, test } from "vitest";
import { ack, unanswered } from "./made.ts";
import { checkMute } from "./mute.ts";

const mute = { broker: "a:1", fromMs: 1_000, untilMs: 2_000 };

test("what is sent to the muted broker and acknowledged by it is told", () => {
  const said = ack("x", 1_500, { broker: "a:1" });
  expect(checkMute([ack("w", 990, { broker: "a:1" }), said, unanswered("y", 1_600)], mute)).toEqual([said]);
});

test("others may acknowledge, and the muted one before and after", () => {
  const sends = [
    ack("before", 995, { broker: "a:1" }),
    ack("elsewhere", 1_500, { broker: "b:1" }),
    ack("after", 2_000, { broker: "a:1" }),
  ];
  expect(checkMute(sends, mute)).toEqual([]);
});
