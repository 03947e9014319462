import fc from "fast-check";
import { expect, test } from "vitest";
import { createFifo } from "./fifo.ts";

test("it does what an array's push and shift do", () => {
  const steps = fc.array(fc.oneof(fc.record({ push: fc.nat(3_000) }), fc.record({ shift: fc.nat(3_000) })));
  fc.assert(
    fc.property(steps, (todo) => {
      const fifo = createFifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const step of todo) {
        const times = "push" in step ? step.push : step.shift;
        for (let i = 0; i < times; i += 1) {
          if ("push" in step) {
            fifo.push(next);
            model.push(next);
            next += 1;
          } else {
            if (fifo.peek() !== model[0]) expect.fail(`peek gives ${fifo.peek()} instead of ${model[0]}`);
            const expected = model.shift();
            const shifted = fifo.shift();
            if (shifted !== expected) expect.fail(`shift gives ${shifted} instead of ${expected}`);
          }
        }
        expect(fifo.length).toBe(model.length);
      }
    }),
    { numRuns: 30 },
  );
});
