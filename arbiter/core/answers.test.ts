import { expect, test } from "vitest";
import type { ControllerRequest } from "./controller-messages.ts";
import type { Command } from "./events.ts";
import { siteUnderTest } from "./site.fixture.ts";

const register: ControllerRequest = {
  kind: "registerBroker",
  cluster: "C1",
  set: "bs1",
  id: 1,
  address: "10.1.0.1:10911",
};
const probes = (commands: readonly Command[], id: number): number =>
  commands.filter((command) => command.kind === "probe" && command.broker.id === id).length;
const verdicts = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "commit"
      ? command.transaction.puts
          .filter(({ key }) => key.startsWith("answers/"))
          .map(({ text }) => JSON.parse(text).master.verdict as string)
      : [],
  );

test("a master that does not act as one is dead only for as long as it has said so of late, and is asked again and again", () => {
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  site.step(site.probed(1, true));
  site.ask(1, register);
  site.pass(100);
  expect(verdicts(site.step(site.probed(1, false)))).toEqual(["dead"]);
  const commands = [...site.step(site.heartbeat(1)), ...site.pass(500)];
  expect(probes(commands, 1)).toBe(1);
  expect(verdicts([...site.step(site.heartbeat(1)), ...site.pass(1_500)])).toContain("alive");
});
