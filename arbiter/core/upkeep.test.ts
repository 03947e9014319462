import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";

const told = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" ? [command.broker.id] : []));

describe("a broker that is heard again", () => {
  test("is told who is master, for it may have missed it", () => {
    const site = siteUnderTest();
    expect(told(site.step(site.heartbeat(2)))).toEqual([2]);
  });

  test("is told nothing when it is the recorded master: one that has restarted would take its old epoch, at a shorter end", () => {
    const site = siteUnderTest();
    expect(told([...site.step(site.heartbeat(1)), ...site.pass(1_000)])).toEqual([]);
    const another = siteUnderTest();
    expect(told([...another.step(another.probed(1, false)), ...another.pass(1_000)])).toEqual([]);
  });

  test("is told of its successor when it was master", () => {
    const site = siteUnderTest();
    site.step(site.heartbeat(1));
    expect(told(site.record({ ...heldSet, epoch: 8, inSyncEpoch: 21, master: 2, inSync: [2] }))).toContain(1);
  });
});
