import fc from "fast-check";
import { expect, test } from "vitest";
import { createWindow } from "./window.ts";

const item = (bytes: number) => ({ bytes, settled: false });

test("items leave in the order they came, and never more of them or of their bytes are in flight than allowed", () => {
  const limits = { requestsInFlightMax: 3, bytesInFlightMax: 100 };
  const steps = fc.array(
    fc.oneof(fc.record({ push: fc.integer({ min: 1, max: 150 }) }), fc.constant("answer" as const)),
  );
  fc.assert(
    fc.property(steps, (todo) => {
      const window = createWindow<{ bytes: number; settled: boolean; turn: number }>(limits);
      const inFlight: { bytes: number; turn: number }[] = [];
      let pushed = 0;
      let admitted = 0;
      for (const step of todo) {
        if (step === "answer") expect(window.answered()).toBe(inFlight.shift());
        else window.push({ ...item(step.push), turn: pushed++ });
        for (let next = window.admit(); next !== undefined; next = window.admit()) {
          expect(next.turn).toBe(admitted++);
          inFlight.push(next);
        }
        const bytes = inFlight.reduce((sum, each) => sum + each.bytes, 0);
        expect(inFlight.length).toBeLessThanOrEqual(limits.requestsInFlightMax);
        if (inFlight.length > 1) expect(bytes).toBeLessThanOrEqual(limits.bytesInFlightMax);
        if (admitted < pushed) expect(inFlight.length).toBeGreaterThan(0);
      }
      expect(window.empty).toBe(pushed === 0 || (admitted === pushed && inFlight.length === 0));
    }),
  );
});

test("an item that was given up while it waited is never admitted", () => {
  const window = createWindow<{ bytes: number; settled: boolean }>({ requestsInFlightMax: 1, bytesInFlightMax: 100 });
  const [first, second, third] = [item(1), item(1), item(1)];
  for (const each of [first, second, third]) window.push(each);
  expect(window.admit()).toBe(first);
  second.settled = true;
  expect(window.answered()).toBe(first);
  expect(window.admit()).toBe(third);
  expect(window.answered()).toBe(third);
  expect(window.empty).toBe(true);
});

test("an item given up in flight keeps its place until its answer", () => {
  const window = createWindow<{ bytes: number; settled: boolean }>({ requestsInFlightMax: 9, bytesInFlightMax: 100 });
  const [first, second] = [item(1), item(1)];
  for (const each of [first, second]) window.push(each);
  window.admit();
  window.admit();
  first.settled = true;
  expect(window.answered()).toBe(first);
  expect(window.answered()).toBe(second);
});

test("clearing gives everything back, what is in flight first", () => {
  const window = createWindow<{ bytes: number; settled: boolean }>({ requestsInFlightMax: 1, bytesInFlightMax: 100 });
  const [first, second] = [item(60), item(60)];
  for (const each of [first, second]) window.push(each);
  window.admit();
  expect(window.clear()).toEqual([first, second]);
  expect(window.empty).toBe(true);
});
