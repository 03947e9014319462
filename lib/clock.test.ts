import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";

const reason = new Error("enough");

test("a sleep takes its time, and leaves nothing at the signal", async () => {
  const { signal } = new AbortController();
  const startedAt = systemClock.now();
  await systemClock.sleep(20, { signal });
  expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(19);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a sleep that is aborted rejects with the signal's reason, at once", async () => {
  const stop = new AbortController();
  const sleep = systemClock.sleep(60_000, { signal: stop.signal });
  stop.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  await expect(systemClock.sleep(60_000, { signal: stop.signal })).rejects.toBe(reason);
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
});

test("what is to be done later is done then, and not at all when it is taken back", async () => {
  const { signal } = new AbortController();
  const done: string[] = [];
  const startedAt = systemClock.now();
  const waits = Promise.withResolvers<void>();
  systemClock.after(20, waits.resolve);
  const cancel = systemClock.after(5, () => done.push("taken back"));
  cancel();
  cancel();
  await waits.promise;
  expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(19);
  await systemClock.sleep(10, { signal });
  expect(done).toEqual([]);
});
