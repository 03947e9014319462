import { describe, expect, test } from "vitest";
import { type Outcome, run } from "./run.ts";
import type { Broker } from "./virtual-broker.ts";
import type { World } from "./world.ts";

/** What `rpo: zero` and `survive: idc` promise and cost, in lives in which one thing happens. In all of them nothing may be lost. */
const lives = 6;
/** The machine may have other things to do. */
const testMsMax = 300_000;
/** Settings are read each 15 s, and protection is written soon after. */
const toldMs = 21_000;
const silentMs = 12_000;
const keptMs = 4_000;
/** A master repeats its wish each 5 s, and its replica is missed for 15 s before. */
const keptMsMax = keptMs + 32_000;

function masterIn({ brokers }: World): Broker {
  const master = brokers.find(({ role, state }) => role === "master" && state !== "down");
  if (master === undefined) throw new Error("there is no master");
  return master;
}

function everyLife(live: (seed: number) => void): void {
  for (let seed = 1; seed <= lives; seed++) live(seed);
}

const blocked = (reason: string): RegExp => new RegExp(`failover blocked .*"reason":"${reason}"`);
const isTold = ({ notes }: Outcome, text: RegExp): boolean => notes.some((note) => text.test(note));

describe("a set that is not protected, as one of its brokers acknowledges alone,", () => {
  function unprotected(seed: number, then: (world: World) => void): Outcome {
    const strike = (world: World): void => {
      world.brokers[seed % world.brokers.length]?.setAllAck(false);
      world.timeline.after(toldMs, () => then(world));
    };
    return run(seed, { promise: "zero", strike, faultsMs: toldMs + 30_000 });
  }

  test(
    "keeps a silent master, which goes on under its epoch",
    () =>
      everyLife((seed) => {
        let epoch = 0;
        const outcome = unprotected(seed, (world) => {
          const master = masterIn(world);
          epoch = master.epoch;
          master.freeze();
          world.timeline.after(silentMs, () => master.resume());
        });
        expect([outcome.failovers, outcome.epoch], `seed ${seed}`).toEqual([0, epoch]);
        expect(isTold(outcome, blocked("not-protected")), `seed ${seed}: blocked`).toBe(true);
      }),
    testMsMax,
  );

  test(
    "waits for a dead master, and decides by its own word when it is back",
    () =>
      everyLife((seed) => {
        const outcome = unprotected(seed, (world) => {
          const master = masterIn(world);
          master.kill();
          world.timeline.after(silentMs, () => master.start());
        });
        expect(outcome.failovers, `seed ${seed}`).toBe(0);
        expect(isTold(outcome, blocked("not-protected")), `seed ${seed}: blocked`).toBe(true);
        // By the record: who has decided so may learn it from its watch, and then it tells nobody.
        expect(outcome.restarts, `seed ${seed}: decided`).toBeGreaterThan(0);
        expect(
          outcome.acks.some(({ epoch }) => epoch === outcome.epoch),
          `seed ${seed}: it serves`,
        ).toBe(true);
      }),
    testMsMax,
  );
});

test(
  "a set that is protected has its silent master replaced, and its dead one",
  () =>
    everyLife((seed) => {
      const promise = seed % 2 === 0 ? "zero" : "zero-idc";
      for (const fault of ["freeze", "kill"] as const) {
        const outcome = run(seed, { promise, strike: (world) => masterIn(world)[fault](), faultsMs: 20_000 });
        expect(outcome.failovers, `seed ${seed}: ${fault}`).toBe(1);
        expect(isTold(outcome, /failover blocked/), `seed ${seed}: ${fault}`).toBe(false);
      }
    }),
  testMsMax,
);

test(
  "a set that is kept across its IDCs takes no messages for degradeAfterMs, then goes on in one; of that one a broker may die, and none be silent",
  () =>
    everyLife((seed) => {
      let goneAt = 0;
      const strike = (world: World): void => {
        const far = world.brokers.find(({ site }) => site === "idc2");
        if (far === undefined || masterIn(world) === far) throw new Error("the master should be in idc1");
        goneAt = world.timeline.now;
        far.kill();
        world.timeline.after(keptMsMax, () => {
          const master = masterIn(world);
          master.freeze();
          world.timeline.after(silentMs, () => master.kill());
        });
      };
      const outcome = run(seed, { promise: "zero-idc", strike, faultsMs: keptMsMax + silentMs + 15_000 });
      const next = outcome.acks.find(({ sentAt }) => sentAt > goneAt + 500);
      const goneForMs = (next?.at ?? Number.POSITIVE_INFINITY) - goneAt;
      expect(goneForMs, `seed ${seed}: without messages`).toBeGreaterThan(keptMs);
      expect(goneForMs, `seed ${seed}: without messages`).toBeLessThan(keptMsMax);
      expect(isTold(outcome, blocked("not-protected")), `seed ${seed}: silent`).toBe(true);
      expect(outcome.failovers, `seed ${seed}: dead`).toBe(1);
    }),
  testMsMax,
);
