import { expect, test } from "vitest";
import { losslessSettings } from "./decision.fixture.ts";
import type { Command, Event } from "./events.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";
import { timing } from "./timing.fixture.ts";
import { askedMs } from "./timing.ts";

/** What is asked for is answered after so long; a tick may come as much later. */
const answerMs = 5;
const tickMs = 50;

/** A calm set whose master falls silent. @returns from its last sign of life to the question, in ms */
function askedAfterMs(probeFailsMs: number): number {
  const silentFrom = 20_500;
  const due: { readonly at: number; readonly event: Event }[] = [];
  let now = 0;
  let heardAt = 0;
  let askedAt: number | null = null;
  const back = (event: Event, ms = answerMs) => due.push({ at: now + ms, event });
  const onCommands = (commands: readonly Command[]): void => {
    for (const command of commands) {
      if (command.kind === "probe") {
        const { broker, sentAt } = command;
        const isLost = broker.id === heldSet.master && now >= silentFrom;
        const answered = {
          kind: "answered",
          reading: { epoch: 7, maxOffset: 1_000n },
          acting: broker.id === 1,
        } as const;
        const outcome = isLost ? ({ kind: "timedOut", detail: "no route to host" } as const) : answered;
        back({ kind: "probed", broker, sentAt, outcome }, isLost ? probeFailsMs : answerMs);
        if (!isLost && broker.id === heldSet.master) heardAt = now + answerMs;
      }
      if (command.kind === "readSettings") back({ ...command, kind: "settingsSeen", settings: losslessSettings });
      if (command.kind !== "commit") continue;
      if (command.transaction.puts.some(({ key }) => key.startsWith("questions/"))) askedAt ??= now;
    }
  };
  const site = siteUnderTest(heldSet, { onCommands });
  for (; now < silentFrom + 10_000 && askedAt === null; now += 1) {
    for (const { event } of due.filter(({ at }) => at === now)) site.step(event);
    for (const id of [1, 2, 3]) {
      if (now % 1_000 !== id * 7 || (id === heldSet.master && now >= silentFrom)) continue;
      if (id === heldSet.master) heardAt = now;
      site.step(site.heartbeat(id));
    }
    if (now % tickMs === 0) site.step({ kind: "tick" });
    site.step({ kind: "siteProbed", site: "idc2", reached: true }, 1);
  }
  if (askedAt === null) throw new Error("nobody asked");
  return askedAt - heardAt;
}

test.each([2, 50, 100, 200, 300, 450])(
  "a master whose probes fail after %i ms is asked about as early as ever",
  (ms) => {
    const tookMs = askedAfterMs(ms);
    expect(tookMs).toBeGreaterThanOrEqual(askedMs(timing));
    expect(tookMs).toBeLessThanOrEqual(askedMs(timing) + tickMs + answerMs);
  },
);
