import { expect, test } from "vitest";
import type { Command } from "./events.ts";
import { setKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeSet } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";
import { timing } from "./timing.fixture.ts";
import { doubtMs, probesPerWindowMax, sendWindowMs, settingsPerWindowMax } from "./timing.ts";

const setCount = 300;
const probesIn = (commands: readonly Command[]): number => commands.filter(({ kind }) => kind === "probe").length;

/** Ids of their own: the answer to a probe is told by the id. */
const others = {
  ...heldSet,
  master: 4,
  inSync: [4, 5, 6],
  replicas: Object.fromEntries(Object.entries(heldSet.replicas).map(([id, replica]) => [Number(id) + 3, replica])),
};

function manySets(): ReturnType<typeof siteUnderTest> {
  const site = siteUnderTest();
  for (let at = 2; at <= setCount; at += 1) {
    const set = `bs${at}`;
    site.write(setKey(setName("C1", set)), encodeSet({ ...others, set }));
  }
  return site;
}

test("after a stall the brokers of many sets are not probed all at once: that would be the next one", () => {
  const site = manySets();
  site.pass(1_000);
  const first = probesIn(site.step({ kind: "stalled", ms: 6_000 }, 6_000));
  const rest = Array.from({ length: 20 }, () => probesIn(site.pass(sendWindowMs)));
  // As many of masters, and of others.
  expect(Math.max(first, ...rest)).toBe(2 * probesPerWindowMax);
  expect([first, ...rest].reduce((sum, count) => sum + count)).toBe(3 * setCount);
});

test("a master that has closed its connection is probed at once, however many others are", () => {
  const site = manySets();
  const { address } = heldSet.replicas[1] ?? { address: "" };
  site.step(site.heartbeat(1));
  site.step({ kind: "stalled", ms: 6_000 }, 6_000);
  site.pass(500);
  site.step(site.probed(1, true));
  site.step(site.heartbeat(1), sendWindowMs);
  expect(probesIn(site.step({ kind: "tick" }))).toBeGreaterThanOrEqual(probesPerWindowMax);
  const commands = site.step(site.closed(1));
  expect(commands).toContainEqual(
    expect.objectContaining({ kind: "probe", broker: { set: "C1/bs1", id: 1, address } }),
  );
});

test("a master in doubt is probed before others that nobody waits for", () => {
  const soonMs = sendWindowMs / 2;
  const isOfMaster = (command: Command): boolean =>
    command.kind === "probe" && command.broker.id === heldSet.master && command.broker.set === "C1/bs1";
  const site = siteUnderTest();
  site.pass(100);
  site.step(site.probed(1, true));
  site.step(site.heartbeat(1));
  const quiet = [...site.pass(doubtMs(timing) - sendWindowMs), ...site.step({ kind: "tick" }, sendWindowMs - soonMs)];
  expect(quiet.filter(isOfMaster)).toEqual([]);
  // They come into sight now, and use up what there is for a while.
  const others = Array.from({ length: 2 * probesPerWindowMax }, (_, at) =>
    site.write(setKey(setName("C1", `bs${at + 2}`)), encodeSet({ ...heldSet, set: `bs${at + 2}` })),
  ).flat();
  expect(probesIn(others)).toBe(2 * probesPerWindowMax);
  expect(site.step({ kind: "tick" }, soonMs).filter(isOfMaster)).toHaveLength(1);
});

test("the settings of many sets are not read all at once: a site whose turn begins would stand still over it", () => {
  const site = manySets();
  const readIn = (commands: readonly Command[]): string[] =>
    commands.flatMap((command) => (command.kind === "readSettings" ? [command.broker.set] : []));
  const first: Command[] = [];
  for (let at = 2; at <= setCount; at += 1) {
    const beat = site.heartbeat(1, { set: `bs${at}`, id: 4 });
    first.push(...site.step({ ...beat, connection: at } as typeof beat));
  }
  const turns = [readIn(first), ...Array.from({ length: 40 }, () => readIn(site.pass(sendWindowMs)))];
  expect(Math.max(...turns.map((sets) => sets.length))).toBe(settingsPerWindowMax);
  expect(new Set(turns.flat()).size).toBe(setCount - 1);
});
