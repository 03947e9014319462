import { expect, test, vi } from "vitest";
import { systemClock } from "../lib/clock.ts";
import type { TelemetryReport } from "../lib/telemetry.ts";
import { createTallies } from "./core/tallies.ts";
import { runTelemetry } from "./telemetry.ts";

/** @param answers what becomes of each report that is posted; "hang": nothing */
async function run(answers: readonly (boolean | "hang" | Error)[], reports: number) {
  const tallies = createTallies();
  const posted: TelemetryReport[] = [];
  const stop = new AbortController();
  const running = runTelemetry({
    tallies,
    client: "c1",
    idc: () => "idc1",
    async post(report) {
      const answer = answers[posted.length] ?? true;
      posted.push(report);
      if (answer === "hang") await new Promise(() => {});
      if (answer instanceof Error) throw answer;
      return answer === true;
    },
    limits: { telemetryEveryMs: 5 },
    clock: systemClock,
    signal: stop.signal,
  });
  for (let nth = 0; nth < reports; nth += 1) {
    tallies.consumed({ idc: "idc1", seconds: 1, bytes: 1 });
    await vi.waitUntil(() => posted.length > nth, { timeout: 5_000, interval: 1 });
  }
  return { posted, tallies, end: () => stop.abort(), running };
}

test("what no router takes is told once more under its number, and then given up", async () => {
  const { posted, end, running } = await run([false, new Error("away")], 1);
  await vi.waitUntil(() => posted.length === 2, { timeout: 5_000, interval: 1 });
  end();
  await running;
  expect(posted.map(({ number }) => number)).toEqual([1, 1]);
});

test("a router that hangs keeps nobody from ending", async () => {
  const { posted, tallies, end, running } = await run([true, "hang"], 1);
  tallies.consumed({ idc: "idc1", seconds: 1, bytes: 1 });
  end();
  const startedAt = performance.now();
  await running;
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(posted.length).toBeLessThanOrEqual(2);
});

test("a report that the end came between is told once more, and then what was counted since", async () => {
  const { posted, tallies, end, running } = await run(["hang"], 1);
  tallies.consumed({ idc: "idc1", seconds: 1, bytes: 1 });
  end();
  await running;
  expect(posted.map(({ number }) => number)).toEqual([1, 1, 2]);
  expect(posted[2]?.consumed).toMatchObject([{ messages: 1 }]);
});

test("a router that hangs when it is told once more keeps nobody from ending, and what was counted since is told", async () => {
  const { posted, tallies, end, running } = await run([false, "hang"], 1);
  await vi.waitUntil(() => posted.length === 2, { timeout: 5_000, interval: 1 });
  tallies.consumed({ idc: "idc1", seconds: 1, bytes: 1 });
  end();
  const startedAt = performance.now();
  await running;
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(posted.map(({ number }) => number)).toEqual([1, 1, 1, 2]);
});
