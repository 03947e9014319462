import { once } from "node:events";
import { accident } from "./scenes/accident.ts";
import { crash } from "./scenes/crash.ts";
import { fill, firstCopy, lookAtOne, twoIdcs } from "./scenes/first-copy.ts";
import { burst, oneByOne } from "./scenes/live.ts";
import { lagTable, verify } from "./scenes/verify.ts";
import { keys } from "./scenes/yours.ts";
import { pause, type Story } from "./story.ts";
import type { Frame } from "./tell.ts";
import { startWorld } from "./world.ts";

/** Where idcctl looks by default, and two ports that are easy to type. */
const stayPorts = { idc1: 21_811, idc2: 21_812, http: 7_401 };

const beginning = [twoIdcs, fill, firstCopy, lookAtOne];
const rest = [oneByOne, burst, crash, accident, verify, lagTable];

/** @param options.stay after the first copy keep all running until Ctrl-C, instead of the rest of the story */
export async function playReplication(frame: Frame, { stay }: { stay: boolean }): Promise<void> {
  const { stage, signal } = frame;
  stage.say(
    "crossidc keeps the metadata of one IDC alive in another. Everything here is real, only small and local: two ZooKeeper servers, the replicator as it runs in production, applications with a ZooKeeper client that is not ours.",
  );
  stage.progress("starting two ZooKeepers");
  const world = await startWorld(frame.stack, { signal, ports: stay ? stayPorts : undefined });
  frame.logs.push(`The replicator's log: ${world.logFile}`);
  const story: Story = { stage, world, signal, lags: new Map(), lives: [] };
  for (const scene of stay ? beginning : [...beginning, ...rest]) {
    await scene(story);
    await pause(story);
  }
  if (!stay) return;
  keys(story);
  frame.staying = true;
  await once(signal, "abort");
}
