import { expect, test } from "vitest";
import { createPaint } from "#lib/terminal.ts";
import type { Reach } from "../../test/world/network/control.ts";
import { perfect } from "../../test/world/network/quality.ts";
import { ways } from "../../test/world/network/sites.ts";
import { reachPicture } from "./picture.ts";

test("the picture shows what was measured: delay, losses, and silence", () => {
  const reach = ways.map((way): Reach => {
    const heard = way.from === "idc1" && way.to === "idc2" ? 0 : way.to === "clients" ? 3 : 5;
    const delayMs = heard === 0 ? undefined : way.from === "witness" ? 15.4 : 0.2;
    return { ...way, quality: perfect, traffic: { packets: 0, bytes: 0, lost: 0 }, sent: 5, heard, delayMs };
  });
  expect(reachPicture(reach, createPaint(false))).toBe(
    [
      "from \\ to           idc1        idc2        witness     clients",
      "idc1  10.1.0.1      ·           cut         < 1 ms      < 1 ms 3/5",
      "idc2  10.2.0.1      < 1 ms      ·           < 1 ms      < 1 ms 3/5",
      "witness  10.3.0.1   15 ms       15 ms       ·           15 ms 3/5",
      "clients  10.4.0.1   < 1 ms      < 1 ms      < 1 ms      ·",
      "",
    ].join("\n"),
  );
});
