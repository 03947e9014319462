import { once } from "node:events";
import { exitCodes, messageOf } from "#lib/errors.ts";
import { formatMs } from "#lib/table.ts";
import { accident } from "./scenes/accident.ts";
import { crash } from "./scenes/crash.ts";
import { fill, firstCopy, lookAtOne, twoIdcs } from "./scenes/first-copy.ts";
import { burst, oneByOne } from "./scenes/live.ts";
import { lagTable, verify } from "./scenes/verify.ts";
import { keys } from "./scenes/yours.ts";
import { createStage, type Stage } from "./stage.ts";
import { pause, type Story } from "./story.ts";
import { startWorld, type World } from "./world.ts";

/** Where idcctl looks by default, and two ports that are easy to type. */
const stayPorts = { idc1: 21_811, idc2: 21_812, http: 7_401 };

const beginning = [twoIdcs, fill, firstCopy, lookAtOne];
const rest = [oneByOne, burst, crash, accident, verify, lagTable];

/**
 * Plays the story and ends everything it started, also on Ctrl-C.
 * @param options.stay after the first copy keep all running until Ctrl-C, instead of the rest of the story
 * @returns the exit code: 1 when something was not as the story tells it, or when it was stopped half way
 */
export async function playReplication({ stay }: { stay: boolean }): Promise<number> {
  const { stdout, env } = process;
  const stage = createStage(stdout, { colour: stdout.isTTY === true && env["NO_COLOR"] === undefined });
  const signal = stopOnSignals();
  const startedAt = performance.now();
  await using stack = new AsyncDisposableStack();
  const told = await tell(stage, stack, { stay, signal });
  stage.progress("ending what was started");
  await stack.disposeAsync();
  stage.say("");
  stage.say(`${told.ending} after ${formatMs(performance.now() - startedAt)}; nothing is left running.`);
  return told.code;
}

async function tell(
  stage: Stage,
  stack: AsyncDisposableStack,
  { stay, signal }: { stay: boolean; signal: AbortSignal },
): Promise<{ readonly code: number; readonly ending: string }> {
  let world: World | undefined;
  let staying = false;
  const play = async (): Promise<void> => {
    stage.say(
      "crossidc keeps the metadata of one IDC alive in another. Everything here is real, only small and local: two ZooKeeper servers, the replicator as it runs in production, applications with a ZooKeeper client that is not ours.",
    );
    stage.progress("starting two ZooKeepers");
    world = await startWorld(stack, { signal, ports: stay ? stayPorts : undefined });
    const story: Story = { stage, world, signal, lags: new Map(), lives: [] };
    for (const scene of stay ? beginning : [...beginning, ...rest]) {
      await scene(story);
      await pause(story);
    }
    if (!stay) return;
    keys(story);
    staying = true;
    await once(signal, "abort");
  };
  // What a scene waits for does not always take a signal; it is left behind.
  const stopped = once(signal, "abort").then(() => signal.throwIfAborted());
  try {
    await Promise.race([play(), stopped]);
    return { code: exitCodes.ok, ending: "Done" };
  } catch (error) {
    if (staying) return { code: exitCodes.ok, ending: "Stopped" };
    if (signal.aborted) return { code: exitCodes.error, ending: "Stopped half way" };
    stage.problem(`Not as it should be. ${messageOf(error)}`);
    if (world !== undefined) stage.problem(`The replicator's log: ${world.logFile}`);
    return { code: exitCodes.error, ending: "Given up" };
  }
}

/** Aborted by the first Ctrl-C or SIGTERM; a second one ends this process at once, and the kernel its children. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.error);
      controller.abort(new Error(`Stopped by ${name}`));
    });
  }
  return controller.signal;
}
