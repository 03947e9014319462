import { expect, test } from "vitest";
import type { Clock, Instant } from "#lib/clock.ts";
import type { LinkProgress } from "./core/link-events.ts";
import { createProgress } from "./progress.ts";

const scanning = {
  phase: "comparing",
  comparing: { stage: "source", nodes: 12_345 },
  pending: 0,
  counts: { created: 0, updated: 0, deleted: 0 },
} as LinkProgress;
const writing = {
  ...scanning,
  comparing: undefined,
  pending: 1_000,
  counts: { ...scanning.counts, created: 200 },
} as LinkProgress;

function watch(isTTY: boolean) {
  const written: string[] = [];
  const time = { now: 0 };
  const clock = { now: () => time.now as Instant } as Clock;
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream;
  const progress = createProgress({ stream, link: "zms", clock });
  return { written, progress, time };
}

test("on a terminal one line tells where a scan and a sync are, redrawn now and then, and is taken away at the end", () => {
  const { written, progress, time } = watch(true);
  progress.show(scanning);
  progress.show(writing);
  time.now += 200;
  progress.show(writing);
  progress.end();
  expect(written.map((text) => text.replace("\r\u001b[K", "|"))).toEqual([
    "|zms: reading the source, 12,345 nodes",
    "|zms: 200 written, 1,000 to go",
    "|",
  ]);
});

test("where no terminal is, nothing is drawn", () => {
  const { written, progress } = watch(false);
  progress.show(scanning);
  progress.end();
  expect(written).toEqual([]);
});
