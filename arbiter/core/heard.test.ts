import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { decidedSet, decision, heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

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

describe("who was master, and is heard again,", () => {
  const replaced = { ...heldSet, epoch: 8, inSyncEpoch: 21, master: 2, inSync: [2] };
  const orders = (commands: readonly Command[]) =>
    commands.flatMap((command) =>
      command.kind === "notify" ? [{ id: command.broker.id, mayBeNew: command.mayBeNew }] : [],
    );

  function lost(): SiteUnderTest {
    const site = siteUnderTest();
    site.step(site.heartbeat(1));
    site.step(site.closed(1));
    site.pass(10_000);
    site.record(replaced);
    site.step(site.notNotified(1, replaced.epoch));
    site.pass(10_000);
    return site;
  }

  test("in the answer to a probe: it may have been started a moment ago", () => {
    const site = lost();
    expect(orders(site.step(site.probed(1, true)))).toEqual([{ id: 1, mayBeNew: true }]);
  });

  test("by its heartbeat: it has registered", () => {
    const site = lost();
    expect(orders(site.step(site.heartbeat(1)))).toEqual([{ id: 1, mayBeNew: false }]);
  });
});
