import { expect, test } from "vitest";
import { run } from "./run.ts";
import type { World } from "./world.ts";

/** The level is written within this long of what changes it, a lost answer included; settings are read each 15 s otherwise. */
const toldMsMax = 5_000;
const lives = 10;
/** The machine may have other things to do. */
const testMsMax = 300_000;

/** A killed master is replaced, and started again 5 s later. */
function strike({ net: { timeline }, brokers }: World): void {
  const master = brokers.find(({ role }) => role === "master");
  master?.kill();
  timeline.after(5_000, () => master?.start());
}

test(
  "protection is known anew as soon as a failover is done, and as soon as a replica is in sync again",
  () => {
    for (let seed = 1; seed <= lives; seed++) {
      const { notes } = run(seed, { strike });
      const at = (note: string | undefined): number => Number(note?.split(" ")[0]) * 1_000;
      const later = (text: string, since = 0): number =>
        at(notes.find((note) => at(note) >= since && note.includes(text)));
      const decidedAt = later('"kind":"failover"');
      const doneAt = later('"to":"held"', decidedAt);
      const noneAt = later('protection changed {"set":"C1/bs1","level":"none"', decidedAt);
      expect(noneAt - doneAt, `seed ${seed}: none`).toBeLessThan(toldMsMax);
      const memberAt = later("set record changed", doneAt);
      const levelAt = later("protection changed", noneAt + 1);
      expect(levelAt - memberAt, `seed ${seed}: after a member joined`).toBeLessThan(toldMsMax);
    }
  },
  testMsMax,
);
