import { expect, test } from "vitest";
import { run } from "./run.ts";
import type { World } from "./world.ts";

/** In each the master freezes at another moment between two of its heartbeats. */
const lives = 10;
/** The machine may have other things to do. */
const testMsMax = 300_000;
const heartbeatMs = 1_000;
/**
 * suspectAfterMs from the last heartbeat, a round of the sites for the answers, one for the readings, two commits, and what a client
 * waits between two messages. A real broker takes up to 1.1 s more to change its role.
 */
const worstMsMax = 2_800;

/** From the moment in which the master froze to the first message that another one has acknowledged, ms. */
function silenceMs(seed: number): number {
  let frozenAt = 0;
  let frozen = "";
  const strike = ({ net: { timeline }, brokers }: World): void => {
    timeline.after((seed * heartbeatMs) / lives, () => {
      const master = brokers.find(({ role }) => role === "master");
      if (master === undefined) throw new Error("there is no master to freeze");
      frozen = master.name;
      frozenAt = timeline.now;
      master.freeze();
    });
  };
  const { acks } = run(seed, { strike });
  const first = acks.find(({ broker, at }) => at > frozenAt && broker !== frozen);
  if (first === undefined) throw new Error(`seed ${seed}: nobody took the place of ${frozen}`);
  return first.at - frozenAt;
}

test(
  `a frozen master is replaced within ${worstMsMax} ms, whenever its last heartbeat was`,
  () => {
    const all = Array.from({ length: lives }, (_, nth) => silenceMs(nth + 1)).sort((one, other) => one - other);
    expect(all.at(-1), `first acknowledgements elsewhere after ${all.join(", ")} ms`).toBeLessThan(worstMsMax);
  },
  testMsMax,
);
