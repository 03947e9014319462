import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";

const told = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" ? [command.broker.id] : []));

describe("a broker that has answered a 1008 of an epoch that is over", () => {
  test("is told of the new one", () => {
    const site = siteUnderTest();
    site.step(site.heartbeat(3));
    site.record({ ...heldSet, epoch: 8, inSyncEpoch: 21, master: 2, inSync: [2] });
    expect(told(site.step(site.notified(3, 7), 400))).toEqual([3]);
  });

  test("but not before the route shows the new master", () => {
    const site = siteUnderTest();
    site.step(site.heartbeat(3));
    site.decided(decision, decidedSet);
    expect(told(site.step(site.notified(3, 7), 400))).not.toContain(3);
  });
});
