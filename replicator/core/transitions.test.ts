import { expect, test } from "vitest";
import { type PhaseName, type PhaseTrigger, transitionOn, transitions } from "./transitions.ts";

const phases = new Set<PhaseName>(transitions.flatMap(({ from, to }) => [from, to]));

function reachableFrom(start: PhaseName): Set<PhaseName> {
  const seen = new Set<PhaseName>([start]);
  for (const phase of seen) for (const row of transitions) if (row.from === phase) seen.add(row.to);
  return seen;
}

test("no phase has two rows for one trigger", () => {
  const keys = transitions.map(({ from, on }) => `${from} ${on}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test("every phase can be reached from the first", () => {
  expect(reachableFrom("connecting")).toEqual(phases);
});

test.each([...phases].filter((phase) => phase !== "stopped"))(
  "a link that is %s can come to follow, and to stop",
  (phase) => {
    expect([...reachableFrom(phase)]).toEqual(expect.arrayContaining(["following", "stopped"]));
  },
);

test("a stopped link only goes on when it is resumed", () => {
  expect(transitions.filter(({ from }) => (from as PhaseName) === "stopped").map(({ on }) => on)).toEqual(["resumed"]);
});

test("a lost session leads back to connecting from wherever both sides were needed", () => {
  for (const phase of phases) {
    if (phase === "connecting" || phase === "stopped") continue;
    expect(transitionOn(phase, "sessionLost")?.to).toBe("connecting");
  }
});

test.each<PhaseTrigger>(["compared", "nothingToJudge"])(
  "a link follows only after its fence and its watches, when it has %s",
  (last) => {
    const way: PhaseTrigger[] = ["bothConnected", "leading", "claimed", "armed", last];
    let phase: PhaseName = "connecting";
    for (const on of way) {
      for (const skipped of way.filter((one) => one !== on)) expect(transitionOn(phase, skipped)).toBeUndefined();
      phase = transitionOn(phase, on)?.to ?? "stopped";
    }
    expect(phase).toBe("following");
  },
);

test("each row says why, as a sentence without a full stop", () => {
  for (const { why } of transitions) expect(why).toMatch(/^[A-Z].{20,}[^.]$/);
});
