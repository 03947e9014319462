import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ArbiterCore } from "../../../arbiter/core/arbiter.ts";
import { run } from "./run.ts";

/** Of every promise there are some, with arbiters that stand still, die and lose their clocks. */
const seedsMax = 20;
const testMsMax = 300_000;

/** What every site's core gave, step by step. */
function life(seed: number, before: (core: ArbiterCore) => void): { given: string; commands: number; rested: number } {
  const given = createHash("sha256");
  let commands = 0;
  let rested = 0;
  run(seed, {
    onStep: {
      before(core) {
        for (const view of core.state.mirror.sets.values()) if (view.rest !== null) rested += 1;
        before(core);
      },
      gives(site, all) {
        commands += all.length;
        for (const command of all) given.update(`${site} ${text(command)}`);
      },
    },
  });
  return { given: given.digest("hex"), commands, rested };
}

const text = (command: unknown): string =>
  JSON.stringify(command, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));

test(
  "sets that ticks pass over miss nothing: whole lives are the same, command by command, without any rest",
  () => {
    let rested = 0;
    for (let seed = 1; seed <= seedsMax; seed += 1) {
      const resting = life(seed, () => {});
      const restless = life(seed, (core) => {
        for (const view of core.state.mirror.sets.values()) view.rest = null;
      });
      expect(resting.commands).toBeGreaterThan(1_000);
      expect(resting.given).toBe(restless.given);
      rested += resting.rested;
    }
    // Lives without rest would prove nothing.
    expect(rested).toBeGreaterThan(seedsMax * 1_000);
  },
  testMsMax,
);
