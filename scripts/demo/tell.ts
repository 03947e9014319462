import { once } from "node:events";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { formatMs } from "#lib/table.ts";
import type { Stage } from "./stage.ts";

/** Around a story: what ends with it, and how it ends. */
export interface Frame {
  readonly stage: Stage;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** What the story started. */
  readonly stack: AsyncDisposableStack;
  /** From now on Ctrl-C is how it is meant to end. */
  staying: boolean;
  /** Where to look when it is given up. */
  readonly logs: string[];
}

/**
 * Plays a story and ends everything it started, also on Ctrl-C.
 * @returns the exit code: 1 when something was not as the story tells it, or when it was stopped half way
 */
export async function tell(stage: Stage, signal: AbortSignal, play: (frame: Frame) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await using stack = new AsyncDisposableStack();
  const told = await untilTold({ stage, signal, stack, staying: false, logs: [] }, play);
  stage.progress("ending what was started");
  await stack.disposeAsync();
  stage.say("");
  stage.say(`${told.ending} after ${formatMs(performance.now() - startedAt)}; nothing is left running.`);
  return told.code;
}

async function untilTold(
  frame: Frame,
  play: (frame: Frame) => Promise<void>,
): Promise<{ readonly code: number; readonly ending: string }> {
  const { stage, signal } = frame;
  // What a scene waits for does not always take a signal; it is left behind.
  const stopped = once(signal, "abort").then(() => signal.throwIfAborted());
  try {
    await Promise.race([play(frame), stopped]);
    return { code: exitCodes.ok, ending: "Done" };
  } catch (error) {
    if (frame.staying) return { code: exitCodes.ok, ending: "Stopped" };
    if (signal.aborted) return { code: exitCodes.error, ending: "Stopped half way" };
    stage.problem(`Not as it should be. ${messageOf(error)}`);
    for (const log of frame.logs) stage.problem(log);
    return { code: exitCodes.error, ending: "Given up" };
  }
}

/** Aborted by the first Ctrl-C or SIGTERM; a second one ends this process at once, and the kernel its children. */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.error);
      controller.abort(new Error(`Stopped by ${name}`));
    });
  }
  return controller.signal;
}
