import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Core, huntFails } from "./cores.ts";
import { applyFlip, type Flip } from "./flip.ts";
import type { Ran, Run } from "./worker.ts";

/** What the tests of a core, and then the simulation, say of a copy of the sources in which one comparison is flipped. */
export interface Player extends AsyncDisposable {
  /** Of the sources as they are: a copy whose tests fail says nothing. */
  isSound(core: Core): Promise<boolean>;
  play(flip: Flip, core: Core): Promise<CaughtBy>;
}

export type CaughtBy = "tests" | "simulation" | "nobody";

/** A flip may make a loop endless: that is noticed too. */
const testsMsMax = 300_000;
const triesMax = 3;

export function createPlayer(copy: string): Player {
  let worker: Promise<ChildProcess> | undefined;

  const start = async (): Promise<ChildProcess> => {
    const child = fork(join(copy, "test/simulation/flips/worker.ts"), [], { cwd: copy, stdio: "ignore" });
    await once(child, "message");
    return child;
  };
  const end = async (): Promise<void> => {
    const child = await worker;
    worker = undefined;
    child?.kill("SIGKILL");
  };
  /** null: it could not be found out. */
  const ask = async (order: Run): Promise<boolean | null> => {
    worker ??= start();
    const child = await worker;
    const over = new AbortController();
    child.send(order);
    const ran = await Promise.race([
      once(child, "message", { signal: over.signal }).then(([answer]) => answer as Ran),
      once(child, "exit", { signal: over.signal }).then(() => "gone" as const),
      delay(testsMsMax, "gone" as const, { signal: over.signal }),
    ]);
    over.abort();
    if (ran === "gone") {
      await end();
      return false;
    }
    if (ran.ran === 0) throw new Error(`there are no tests at ${order.tests}`);
    return ran.passed;
  };
  const passes = async (order: Run): Promise<boolean> => {
    for (let tried = 0; tried < triesMax; tried += 1) {
      const passed = await ask(order);
      if (passed !== null) return passed;
      await end();
    }
    throw new Error(
      `the tests at ${order.tests} did not come to their end ${triesMax} times, with ${order.changed} changed`,
    );
  };

  return {
    isSound: ({ tests, files: [file = ""] }) => passes({ tests, changed: join(copy, file) }),
    async play(flip, core) {
      const file = join(copy, flip.file);
      const text = await readFile(file, "utf8");
      await writeFile(file, applyFlip(text, flip));
      try {
        if (!(await passes({ tests: core.tests, changed: file }))) return "tests";
        return (await huntFails(copy, core)) ? "simulation" : "nobody";
      } finally {
        await writeFile(file, text);
      }
    },
    [Symbol.asyncDispose]: end,
  };
}
