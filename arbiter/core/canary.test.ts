import { describe, expect, test } from "vitest";
import type { DecisionRecord } from "./decision.ts";
import { decodeDecision } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { setName } from "./model.ts";
import { decodeSet } from "./records.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";

/** What shows that a new master serves: a message that it takes and gives back, unless the config says that none is written. */

const name = setName("C1", "bs1");
const newMaster = heldSet.replicas[2]?.address ?? "";
const stepMs = 100;

interface Around {
  readonly canary: boolean;
  /** Left out: all of them do. */
  readonly promotes?: boolean;
  readonly shows?: boolean;
  readonly givesBack?: boolean;
}

/** 2 is elected in epoch 8, and so long passes. */
function carriedOut({ canary, promotes = true, shows = true, givesBack = true }: Around, ms: number) {
  const site = siteUnderTest(heldSet, { canary });
  const beat = (): readonly Command[] => [1, 2, 3].flatMap((id) => site.step(site.heartbeat(id)));
  for (let second = 0; second < 8; second += 1) {
    beat();
    for (const id of [2, 3]) site.step(site.notified(id, 7));
    site.pass(1_000);
  }
  const given: Command[] = [];
  let open = [...site.decided(decision, decidedSet)];
  for (let passed = 0; passed < ms; passed += stepMs) {
    given.push(...open);
    const answers = open.flatMap((command) => {
      switch (command.kind) {
        case "notify":
          return promotes || command.broker.id !== 2 ? site.step(site.notified(command.broker.id, 8)) : [];
        case "readRoute":
          return site.step({ ...command, kind: "routeSeen", master: shows ? newMaster : null });
        case "canary":
          return site.step({ ...command, kind: "canaried", ok: givesBack, detail: "read back" });
        default:
          return [];
      }
    });
    open = [...answers, ...(passed % 1_000 === 0 ? beat() : []), ...site.pass(stepMs)];
  }
  const puts = given.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
  const written = puts.filter(({ key }) => key === `decisions/${decision.id}`).at(-1);
  const effects: DecisionRecord["effects"] = written === undefined ? {} : decodeDecision(written.text).effects;
  return {
    canaries: given.filter(({ kind }) => kind === "canary").length,
    effects,
    isOver: puts.some(({ key, text }) => key === `sets/${name}` && decodeSet(text).decision === null),
  };
}

describe("a decision of an arbiter whose canary is switched off", () => {
  test("is carried out without a message, and says so in place of a proof", () => {
    const { canaries, effects, isOver } = carriedOut({ canary: false }, 2_000);
    expect(canaries).toBe(0);
    expect(effects.proven?.detail).toBe("the canary is switched off");
    expect(isOver).toBe(true);
  });

  test("rests on the new master's own answer: without that nothing is proven, and it is not over", () => {
    const { canaries, effects, isOver } = carriedOut({ canary: false, promotes: false }, 30_000);
    expect({ canaries, isOver, proven: effects.proven }).toEqual({ canaries: 0, isOver: false, proven: undefined });
  });

  test("rests on the name servers, too: as long as they do not show the new master it is not over, and then says that they do not", () => {
    expect(carriedOut({ canary: false, shows: false }, 4_000).isOver).toBe(false);
    const late = carriedOut({ canary: false, shows: false }, 9_000);
    expect(late.isOver).toBe(true);
    expect(late.effects.routed?.detail).toBe("no name server shows it after 6000 ms");
  });
});

describe("a decision of an arbiter whose canary is on", () => {
  test("is over when a message was read back, besides", () => {
    const { canaries, effects, isOver } = carriedOut({ canary: true }, 2_000);
    expect(canaries).toBe(1);
    expect(effects.proven?.detail).toBe("read back");
    expect(isOver).toBe(true);
  });

  test("is not over while messages are refused, and says at last that none came back", () => {
    expect(carriedOut({ canary: true, givesBack: false }, 15_000).isOver).toBe(false);
    const late = carriedOut({ canary: true, givesBack: false }, 25_000);
    expect(late.canaries).toBeGreaterThan(20);
    expect(late.effects.proven?.detail).toBe("no message was accepted and read back in 20000 ms");
    expect(late.isOver).toBe(true);
  });
});
