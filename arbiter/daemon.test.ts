import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Clock, type Instant, systemClock } from "#lib/clock.ts";
import { type Logger, silentLogger } from "#lib/log.ts";
import type { Event } from "./core/events.ts";
import { timing } from "./core/timing.fixture.ts";
import { createDaemon } from "./daemon.ts";
import { openDoor } from "./io/door.ts";
import type { Ledger } from "./ledger.ts";
import { createMetrics } from "./metrics.ts";

/** A ledger that never answers. */
const awayLedger: Ledger = {
  commit: () => new Promise(() => {}),
  follow: (_on, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  list: () => new Promise(() => {}),
  health: () => new Promise(() => {}),
  async [Symbol.asyncDispose]() {},
};
const behind = "the loop is behind: what it hears says nothing of now";

function start() {
  const warned: string[] = [];
  const stepped: Event["kind"][] = [];
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => (systemClock.now() + aheadMs) as Instant };
  const log: Logger = { ...silentLogger, warn: (_fields, sentence) => void warned.push(sentence) };
  const ending = new AbortController();
  const daemon = createDaemon({
    options: {
      ...{ site: "idc1", controller: "idc1:9878", version: "test", clusters: ["C1"], timing, canary: false },
      idcOf: () => "idc1",
    },
    ledger: awayLedger,
    brokers: () => undefined,
    reaches: async () => false,
    onHappened: () => {},
    openDoor: (wiring) =>
      openDoor({ ...wiring, listen: "127.0.0.1:0", adminCidrs: [], timing, clock, log, onAudit: () => {} }),
    clock,
    log,
    metrics: { ...createMetrics("test"), stepped: (kind) => void stepped.push(kind) },
  });
  const running = daemon.run(ending.signal);
  return {
    daemon,
    warned,
    stepped,
    /** What is queued now is that old when it is taken. */
    ages(ms: number) {
      aheadMs += ms;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

test("events that have waited for over two seconds count as after a stall, and it is said", async () => {
  await using loop = start();
  await delay(20);
  loop.daemon.push({ kind: "tick" });
  loop.ages(2_500);
  await delay(20);
  expect(loop.warned.filter((sentence) => sentence === behind)).toHaveLength(1);
  expect(loop.stepped).toContain("stalled");
});

test("not those that have waited for less", async () => {
  await using loop = start();
  await delay(20);
  loop.daemon.push({ kind: "tick" });
  loop.ages(1_500);
  await delay(20);
  expect(loop.warned).not.toContain(behind);
});

test("sockets and timers have their turn before a long queue is through", async () => {
  const length = 100_000;
  await using loop = start();
  await delay(20);
  for (let at = 0; at < length; at += 1) loop.daemon.push({ kind: "tick" });
  await delay(1);
  expect(loop.stepped.length).toBeLessThan(length);
  expect(loop.stepped.length).toBeGreaterThan(0);
});
