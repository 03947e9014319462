import { expect, test } from "vitest";
import type { Command } from "./events.ts";
import { siteUnderTest } from "./site.fixture.ts";

const asks = (commands: readonly Command[]): boolean =>
  commands.some(
    (command) => command.kind === "commit" && command.transaction.puts.some(({ key }) => key.startsWith("questions/")),
  );

test("a site that stood still suspects nobody, whatever event is the first that it takes in", () => {
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  expect(asks(site.step(site.heartbeat(2), 6_000))).toBe(false);
  expect(asks(site.pass(2_000))).toBe(false);
});

test("a site that did not stand still suspects a master that it does not hear", () => {
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  expect(asks(site.pass(3_000))).toBe(true);
});
