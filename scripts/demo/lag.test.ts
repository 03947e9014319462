import { expect, test } from "vitest";
import { addBuckets, readBuckets, summarizeBuckets, summarizeLags } from "./lag.ts";

test("quantiles are lags that were measured, by nearest rank", () => {
  const lagsMs = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(summarizeLags(lagsMs)).toEqual({ count: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 });
  expect(summarizeLags([7])).toEqual({ count: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 });
});

const metrics = `# TYPE lag_seconds histogram
lag_seconds_bucket{le="0.001",environment="demo",link="zms"} 0
lag_seconds_bucket{le="0.01",environment="demo",link="zms"} 50
lag_seconds_bucket{le="0.1",environment="demo",link="zms"} 100
lag_seconds_bucket{le="+Inf",environment="demo",link="zms"} 100
lag_seconds_count{environment="demo",link="zms"} 100
other_bucket{le="0.001"} 3
`;

test("a histogram's quantiles are read off its buckets", () => {
  const buckets = readBuckets(metrics, "lag_seconds");
  expect([...buckets]).toEqual([
    [0.001, 0],
    [0.01, 50],
    [0.1, 100],
    [Number.POSITIVE_INFINITY, 100],
  ]);
  const { count, p50Ms, p99Ms, maxMs } = summarizeBuckets(buckets);
  expect(count).toBe(100);
  expect(p50Ms).toBeCloseTo(10);
  expect(p99Ms).toBeCloseTo(98.2);
  expect(maxMs).toBeCloseTo(100);
});

test("what lies beyond the last bound counts as that bound", () => {
  const { p99Ms } = summarizeBuckets(new Map([[0.1, 1], [Number.POSITIVE_INFINITY, 100]])); // biome-ignore format: a table
  expect(p99Ms).toBe(100);
});

test("an empty histogram has no quantiles", () => {
  expect(summarizeBuckets(readBuckets("", "lag_seconds"))).toEqual({
    count: 0,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    maxMs: Number.NaN,
  });
});

test("two lives of a daemon add up", () => {
  const once = readBuckets(metrics, "lag_seconds");
  expect(addBuckets(once, once).get(0.1)).toBe(200);
  expect(addBuckets(new Map(), once)).toEqual(once);
});
