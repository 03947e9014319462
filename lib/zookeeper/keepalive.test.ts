import { expect, test } from "vitest";
import type { Instant } from "../clock.ts";
import { keepAlive, keepaliveStep } from "./keepalive.ts";
import { createManualClock } from "./testing/manual-clock.ts";

const sessionTimeoutMs = 9_000;
const at = (ms: number) => ms as Instant;

test.each([
  { heardAt: 0, pingedAt: 0, now: 0, step: { kind: "wait", ms: 3_000 } },
  { heardAt: 0, pingedAt: 0, now: 2_999, step: { kind: "wait", ms: 1 } },
  { heardAt: 0, pingedAt: 0, now: 3_000, step: { kind: "ping" } },
  { heardAt: 2_999, pingedAt: 0, now: 3_000, step: { kind: "ping" } },
  { heardAt: 0, pingedAt: 3_000, now: 3_000, step: { kind: "wait", ms: 3_000 } },
  { heardAt: 0, pingedAt: 5_000, now: 5_500, step: { kind: "wait", ms: 500 } },
  { heardAt: 0, pingedAt: 5_999, now: 6_000, step: { kind: "silent", silentMs: 6_000 } },
])("heard at $heardAt, pinged at $pingedAt: at $now it does $step.kind", ({ heardAt, pingedAt, now, step }) => {
  expect(keepaliveStep({ sessionTimeoutMs, heardAt: at(heardAt), pingedAt: at(pingedAt) }, at(now))).toEqual(step);
});

function start() {
  const clock = createManualClock();
  const life = new AbortController();
  const pings: number[] = [];
  const silences: number[] = [];
  const line = { heardAt: clock.now(), answering: true };
  keepAlive({
    sessionTimeoutMs,
    clock,
    heardAt: () => line.heardAt,
    ping: () => {
      pings.push(clock.now());
      if (line.answering) line.heardAt = clock.now();
    },
    onSilent: (silentMs) => silences.push(silentMs),
    signal: life.signal,
  });
  return { clock, life, pings, silences, line };
}

test("pings go out every third of the timeout while the server answers them", async () => {
  const { clock, life, pings, silences } = start();
  await clock.advance(30_000);
  expect(pings).toEqual([3_000, 6_000, 9_000, 12_000, 15_000, 18_000, 21_000, 24_000, 27_000, 30_000]);
  expect(silences).toEqual([]);
  life.abort();
});

test("pings go out also while the server streams events", async () => {
  const { clock, life, pings, line } = start();
  line.answering = false;
  for (let i = 0; i < 100; i += 1) {
    line.heardAt = clock.now();
    await clock.advance(100);
  }
  expect(pings).toEqual([3_000, 6_000, 9_000]);
  life.abort();
});

test("two thirds of the timeout without a byte are noticed, once", async () => {
  const { clock, pings, silences, line } = start();
  line.answering = false;
  await clock.advance(5_999);
  expect(silences).toEqual([]);
  await clock.advance(60_000);
  expect(silences).toEqual([6_000]);
  expect(pings).toEqual([3_000]);
});

test("bytes that lay unread while the process was held up count before the verdict", async () => {
  const { clock, life, silences, line } = start();
  await clock.advance(1_000);
  line.answering = false;
  await clock.advance(5_000);
  line.heardAt = clock.now();
  await clock.advance(1);
  expect(silences).toEqual([]);
  life.abort();
});

test("nothing goes out any more once the signal is aborted", async () => {
  const { clock, life, pings, silences } = start();
  life.abort();
  await clock.advance(60_000);
  expect([pings, silences]).toEqual([[], []]);
});
