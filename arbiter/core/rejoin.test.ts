import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { Command } from "./events.ts";
import { questionKey } from "./keys.ts";
import { setName } from "./model.ts";
import { heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";
import { registerEveryMs, rejoinRouteMsMax } from "./timing.ts";

const set = setName("C1", "bs1");
const addressOf = (id: number): string => heldSet.replicas[id]?.address ?? "";
const told = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" ? [command.broker.id] : []));
const registered = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "reregister" ? [command.broker.id] : []));
/** Broker 1 was master; it, and the replica 3 of its IDC, were cut off, and 2 was elected elsewhere. */
const after = { ...heldSet, epoch: 8, inSyncEpoch: 21, master: 2, inSync: [2] };

/** The answer to the last reading of the route. */
function routeShows(site: SiteUnderTest, before: readonly Command[], id: number): readonly Command[] {
  const asked = before.findLast((command) => command.kind === "readRoute");
  if (asked?.kind !== "readRoute") throw new Error("the route was not asked for");
  return site.step({ kind: "routeSeen", set, sentAt: asked.sentAt, master: addressOf(id) });
}

/** These are there, and answer what they are told; the others do not. */
function live(site: SiteUnderTest, ids: readonly number[], ms: number): Command[] {
  const all: Command[] = [];
  for (let passed = 0; passed < ms; passed += 500) {
    const commands = [...ids.flatMap((id) => site.step(site.heartbeat(id))), ...site.pass(500)];
    all.push(...commands);
    for (const command of commands) {
      if (command.kind !== "notify") continue;
      const { id } = command.broker;
      const { epoch } = command.info;
      all.push(...site.step(ids.includes(id) ? site.notified(id, epoch) : site.notNotified(id, epoch)));
    }
  }
  return all;
}

describe("at a site that the cut-off brokers could not reach", () => {
  function elected(): SiteUnderTest {
    const site = siteUnderTest();
    live(site, [1, 2, 3], 2_000);
    live(site, [2], 10_000);
    site.record(after);
    site.remove(questionKey(set));
    site.step(site.notNotified(1, after.epoch));
    live(site, [2], 10_000);
    // The site that decided has read the route then.
    site.step({ kind: "routeSeen", set, sentAt: 0 as Instant, master: addressOf(2) });
    return site;
  }

  test("a replica that is back is told when the name servers have shown the master since, and the master registers before", () => {
    const site = elected();
    const back = [...site.step(site.heartbeat(3)), ...live(site, [2, 3], 500)];
    expect(told(back)).not.toContain(3);
    const stale = routeShows(site, back, 1);
    expect(registered(stale)).toEqual([2]);
    expect(told(stale)).toEqual([]);
    const again = live(site, [2, 3], 1_000);
    expect(told(again)).not.toContain(3);
    expect(told(routeShows(site, again, 2))).toEqual([3]);
  });

  test("a route that was read before it was back says nothing", () => {
    const site = elected();
    const back = [...site.step(site.heartbeat(3)), ...live(site, [2, 3], 500)];
    expect(told(site.step({ kind: "routeSeen", set, sentAt: 10_000 as Instant, master: addressOf(2) }))).toEqual([]);
    expect(told(routeShows(site, back, 2))).toEqual([3]);
  });

  test("who was master is told at once that it is not", () => {
    const site = elected();
    expect(told(site.step(site.heartbeat(1)))).toEqual([1]);
  });

  test("also when another was elected since then", () => {
    const site = elected();
    site.record({ ...after, epoch: 9, inSyncEpoch: 22, master: 3, inSync: [3] });
    expect(told(site.step(site.heartbeat(1)))).toEqual([1]);
  });

  test("so is one that says itself that it acts, whatever this site knows of it", () => {
    const site = siteUnderTest(after);
    live(site, [1, 2, 3], 2_000);
    live(site, [2, 3], 10_000);
    expect(told([...site.step(site.probed(1, true)), ...site.step(site.heartbeat(1))])).toEqual([1]);
  });

  test("a stall of this site meanwhile makes no difference", () => {
    const site = elected();
    site.step({ kind: "stalled", ms: 600 }, 600);
    live(site, [2], 2_000);
    const back = [...site.step(site.heartbeat(3)), ...live(site, [2, 3], 500)];
    expect(told(back)).not.toContain(3);
    expect(told(routeShows(site, back, 2))).toEqual([3]);
  });

  test("its poll is not answered with a master before its first heartbeat", () => {
    const site = elected();
    const request = { kind: "replicaInfo", set: "bs1", cluster: "C1" } as const;
    const commands = [...site.step({ kind: "asked", ask: 7, connection: 3, request }), ...live(site, [2], 500)];
    const answers = commands.flatMap((command) =>
      command.kind === "answer" && command.ask === 7 ? [command.answer] : [],
    );
    expect(answers).toMatchObject([{ kind: "replicaInfo", info: { master: null } }]);
  });

  test("the master is asked to register again only every few seconds", () => {
    const site = elected();
    const all: Command[] = [];
    for (let ms = 0; ms < 10_000; ms += 500) {
      const commands = live(site, [2, 3], 500);
      all.push(...commands, ...routeShows(site, commands, 1));
    }
    expect(registered(all).filter((id) => id === 2)).toHaveLength(10_000 / registerEveryMs);
  });

  test("it is told at last, whatever the name servers show", () => {
    const site = elected();
    expect(told(live(site, [2, 3], rejoinRouteMsMax - 1_000))).not.toContain(3);
    expect(told(live(site, [2, 3], 2_000))).toContain(3);
  });
});

describe("at the site that was cut off with them", () => {
  const asking = { kind: "replicaInfo", cluster: "C1", set: "bs1" } as const;
  const mastersIn = (commands: readonly Command[]): (number | null)[] =>
    commands.flatMap((command) =>
      command.kind === "answer" && command.answer.kind === "replicaInfo" ? [command.answer.info.master] : [],
    );

  test("a replica's poll is not answered with the new master before the name servers show it", () => {
    const site = siteUnderTest();
    live(site, [1, 3], 2_000);
    const poll = (): readonly Command[] => site.step({ kind: "asked", ask: 1, connection: 3, request: asking });
    const news = [...site.record(after), ...live(site, [1, 3], 500)];
    expect(mastersIn(poll())).toEqual([null]);
    expect(told(news)).not.toContain(3);
    routeShows(site, news, 2);
    expect(mastersIn([...poll(), ...site.pass(500)])).toEqual([2]);
  });
});
