import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { decidedSet, decision, siteUnderTest } from "./site.fixture.ts";

const told = (commands: readonly Command[], id: number): boolean =>
  commands.some((command) => command.kind === "notify" && command.broker.id === id);
const said = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "commit"
      ? command.transaction.puts.filter(({ key }) => key.startsWith("answers/")).map(({ text }) => text)
      : [],
  );

const passMs = 2_000;
/** Of which this site knows that nobody has restarted before the decision. */
const heardSeconds = 8;

function decidedSite({ seconds = heardSeconds } = {}) {
  const site = siteUnderTest();
  for (let second = 0; second < seconds; second += 1) {
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    for (const id of [2, 3]) site.step(site.notified(id, 7));
    site.pass(1_000);
  }
  return { site, commands: site.decided(decision, decidedSet) };
}

describe("a new master that has not answered its 1008", () => {
  test("is told again", () => {
    const { site, commands } = decidedSite();
    const first = [...commands, ...site.pass(500)];
    expect(told(first, 2)).toBe(true);
    expect(told([...site.step(site.notNotified(2, 8)), ...site.pass(500)], 2)).toBe(true);
  });

  test("is not told again once its connection was closed: it may have been master, and would be it at a shorter end", () => {
    const { site } = decidedSite();
    site.pass(500);
    site.step(site.closed(2));
    const commands = [
      ...site.step(site.notNotified(2, 8)),
      ...site.step(site.heartbeat(2)),
      ...site.step(site.probed(2, false)),
      ...site.pass(100),
      ...site.step(site.probed(2, false)),
      ...site.pass(passMs),
    ];
    expect(told(commands, 2)).toBe(false);
    expect(said(commands).join("\n")).toMatch(
      /"master":\{"verdict":"dead","evidence":"said .* that it does not act as master"/,
    );
  });

  test("is not told by a site that has not been there for long: it may have been told, and have restarted, before", () => {
    const { site, commands } = decidedSite({ seconds: 1 });
    expect(told([...commands, ...site.pass(passMs)], 2)).toBe(false);
  });

  test.each([
    ["when it says that it acts as master, and beats like one", 2, true],
    ["not when it only says so: as it does while it waits to be told its role", 0, false],
  ])("is told again after a closed connection %s", (_, beats, isTold) => {
    const { site } = decidedSite();
    site.pass(500);
    site.step(site.closed(2));
    const commands = [...site.step(site.notNotified(2, 8)), ...site.step(site.probed(2, false))];
    for (let beat = 0; beat < beats; beat += 1) commands.push(...site.step(site.heartbeat(2)), ...site.pass(500));
    commands.push(...site.step(site.probed(2, true)), ...site.pass(500));
    expect(told(commands, 2)).toBe(isTold);
  });
});
