import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createStage } from "./stage.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is written while somebody waits so long for a copy. */
async function writtenWhile(waitMs: number, isTTY: boolean): Promise<string> {
  const written: string[] = [];
  const out = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  const stage = createStage(out, { colour: false, signal: new AbortController().signal });
  const work = Promise.withResolvers<string>();
  const waited = stage.wait(() => "copying", work.promise);
  await vi.advanceTimersByTimeAsync(waitMs);
  work.resolve("copied");
  expect(await waited).toBe("copied");
  const told = written.join("");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written.join("")).toBe(told);
  return told;
}

test("a wait is told of every few seconds, in plain lines, where there is no terminal", async () => {
  expect(await writtenWhile(9_000, false)).toBe("   … copying, 4.0 s\n   … copying, 8.0 s\n");
  expect(await writtenWhile(3_000, false)).toBe("");
});

test("at a terminal it stays in one line", async () => {
  expect(await writtenWhile(500, true)).toBe("\r\x1b[K   … copying, 200 ms\r\x1b[K   … copying, 400 ms");
});

test("no wait is told of once the story is stopped", async () => {
  const written: string[] = [];
  const stopped = new AbortController();
  const out = { write: (text: string) => written.push(text) };
  const stage = createStage(out, { colour: false, signal: stopped.signal });
  void stage.wait(() => "copying", new Promise(() => {}));
  stopped.abort();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toEqual([]);
});
