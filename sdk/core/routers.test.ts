import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { answered, failed, inOrder, restMs, startRouters } from "./routers.ts";

const range = { minMs: 100, maxMs: 5_000 };
const urls = ["a", "b", "c"];
const fail = { retryAfterMs: 0, random: 0 };

test("the first of the list is asked first; one that failed is asked last, and first again when it has rested or answers", () => {
  let routers = startRouters(urls);
  const order = (now: number) => inOrder(routers, now).map(({ url }) => url);
  expect(order(0)).toEqual(["a", "b", "c"]);
  routers = failed(routers, { url: "a", now: 0, ...fail }, range);
  expect(order(1)).toEqual(["b", "c", "a"]);
  expect(order(200)).toEqual(["a", "b", "c"]);
  routers = answered(failed(routers, { url: "a", now: 200, ...fail }, range), "a");
  expect(order(201)).toEqual(["a", "b", "c"]);
});

test("with all of them at rest there is a wait, and a router's own word makes it longer, up to the most there is", () => {
  let routers = startRouters(["a"]);
  routers = failed(routers, { url: "a", now: 0, retryAfterMs: 3_000, random: 0 }, range);
  expect(restMs(routers, 0)).toBe(3_000);
  routers = failed(routers, { url: "a", now: 3_000, retryAfterMs: 3_600_000, random: 0 }, range);
  expect(restMs(routers, 3_000)).toBe(5_000);
});

test("whatever fails and answers: every router is in the order once, and none rests longer than the most", () => {
  const outcome = fc.record({
    url: fc.constantFrom(...urls),
    ok: fc.boolean(),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 100 }), (outcomes) => {
      let routers = startRouters(urls);
      for (const [now, { url, ok, random }] of outcomes.entries()) {
        routers = ok ? answered(routers, url) : failed(routers, { url, now, retryAfterMs: 0, random }, range);
        expect(
          inOrder(routers, now)
            .map((router) => router.url)
            .toSorted(),
        ).toEqual(urls);
        for (const { restsUntil } of routers.all) expect(restsUntil - now).toBeLessThanOrEqual(range.maxMs);
      }
    }),
  );
});

test("waits are within their range, and their ceiling doubles", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const ms = backoffMs(failures, range, random);
      expect(ms).toBeGreaterThanOrEqual(range.minMs);
      expect(ms).toBeLessThanOrEqual(Math.min(range.maxMs, range.minMs * 2 ** failures));
    }),
  );
});
