import fc from "fast-check";
import { expect, test } from "vitest";
import { arrivalMs, createLine } from "./line.ts";
import { perfect, type Quality } from "./quality.ts";

const never = () => 0.999_999;
const always = () => 0;

function arrivals(quality: Quality, packets: readonly { bytes: number; nowMs: number }[], random = never) {
  const line = createLine();
  return packets.map((packet) => arrivalMs(line, quality, packet, random));
}

test("a perfect line hands a packet over at once", () => {
  expect(arrivals(perfect, [{ bytes: 1_500, nowMs: 7 }])).toEqual([7]);
});

test("a delay counts from the moment a packet enters", () => {
  const packets = [0, 3].map((nowMs) => ({ bytes: 1_500, nowMs }));
  expect(arrivals({ ...perfect, delayMs: 15 }, packets)).toEqual([15, 18]);
});

test("a narrow line sends one packet after the other", () => {
  const packets = [0, 0, 100].map((nowMs) => ({ bytes: 1_000, nowMs }));
  expect(arrivals({ ...perfect, bytesPerSecondMax: 100_000 }, packets)).toEqual([10, 20, 110]);
});

test("what would wait too long at a narrow line is dropped, and the line recovers", () => {
  const quality = { ...perfect, bytesPerSecondMax: 10_000 };
  const burst = Array.from({ length: 5 }, () => ({ bytes: 1_000, nowMs: 0 }));
  expect(arrivals(quality, [...burst, { bytes: 1_000, nowMs: 400 }])).toEqual([
    100,
    200,
    300,
    undefined,
    undefined,
    500,
  ]);
});

test("nothing passes a cut, and what it took leaves no trace on the line", () => {
  const line = createLine();
  const packet = { bytes: 1_000_000, nowMs: 0 };
  expect(arrivalMs(line, { ...perfect, cut: true, bytesPerSecondMax: 1 }, packet, never)).toBeUndefined();
  expect(line).toEqual(createLine());
});

test("the share of lost packets is the one asked for", () => {
  let dice = 0;
  const random = () => {
    dice += 1;
    // Two calls for each packet: the first decides over its loss.
    return ((dice - 1) / 2 / 100) % 1;
  };
  const packets = Array.from({ length: 100 }, () => ({ bytes: 100, nowMs: 0 }));
  const lost = arrivals({ ...perfect, lossRatio: 0.05 }, packets, random).filter((due) => due === undefined);
  expect(lost).toHaveLength(5);
  expect(arrivals({ ...perfect, lossRatio: 0 }, packets, always)).not.toContain(undefined);
});

test("jitter adds up to its size, and no packet overtakes another", () => {
  const packet = fc.record({ bytes: fc.integer({ min: 20, max: 1_500 }), gapMs: fc.integer({ min: 0, max: 20 }) });
  const dice = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 50 }), dice, (packets, throws) => {
      const line = createLine();
      const quality = { ...perfect, delayMs: 10, jitterMs: 5 };
      let nowMs = 0;
      let last = 0;
      for (const { bytes, gapMs } of packets) {
        nowMs += gapMs;
        const due = arrivalMs(line, quality, { bytes, nowMs }, () => throws.next().value);
        expect(due).toBeGreaterThanOrEqual(Math.max(nowMs + 10, last));
        expect(due).toBeLessThanOrEqual(Math.max(nowMs + 15, last));
        last = due ?? Number.NaN;
      }
    }),
  );
});
