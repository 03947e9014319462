import type { Clock } from "../lib/clock.ts";
import type { TelemetryReport } from "../lib/telemetry.ts";
import type { Tallies } from "./core/tallies.ts";
import { pause, untilAborted } from "./io/abort.ts";
import type { Limits } from "./limits.ts";
import { version } from "./version.ts";

export interface TelemetryOptions {
  readonly tallies: Tallies;
  readonly client: string;
  /** As the application says it, or as a router knows it; "": nobody has said it yet. */
  readonly idc: () => string;
  /** Whether a router has taken it, or never will. */
  readonly post: (report: TelemetryReport) => Promise<boolean>;
  readonly limits: Pick<Limits, "telemetryEveryMs">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Tells a router what was counted, again and again, and once at the end. What no router takes is told once more, and then given up:
 * nothing waits for it, and nothing grows. Never rejects.
 */
export async function runTelemetry(options: TelemetryOptions): Promise<void> {
  const { tallies, client, idc, post, limits, clock, signal } = options;
  let owed: TelemetryReport | undefined;
  let number = 0;
  for (;;) {
    await pause(clock, limits.telemetryEveryMs, signal);
    const isLast = signal.aborted;
    // Nobody waits long at the end for a router that does not answer.
    const until = isLast ? AbortSignal.timeout(endMsMax) : signal;
    const tell = (report: TelemetryReport): Promise<boolean> => untilAborted(post(report), until).catch(() => false);
    if (owed !== undefined) await tell(owed);
    // What the end came between is told once more, and so is what was counted since.
    if (signal.aborted && !isLast) continue;
    owed = undefined;
    const counts = tallies.take();
    if (counts !== undefined) {
      number += 1;
      const report = { client, number, version, idc: idc(), ...counts };
      if (!(await tell(report))) owed = report;
    }
    if (isLast) return;
  }
}

/** For all that is told at the end. */
const endMsMax = 500;
