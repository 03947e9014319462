import { expect, test } from "vitest";
import type { Command } from "./events.ts";
import { pauseKey, policyKey, protectionKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodePause, encodeProtection } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";

const name = setName("C1", "bs1");
const nobody = { ...heldSet, epoch: 0, inSyncEpoch: 0, master: null, inSync: [] };
const decisions = (commands: readonly Command[]) =>
  commands.flatMap((command) =>
    command.kind === "commit" && command.transaction.puts.some(({ key }) => key.startsWith("decisions/"))
      ? [command.transaction.compares]
      : [],
  );
const asksFirst = { kind: "electMaster", cluster: "C1", set: "bs1", id: 1, designate: false } as const;

test("a decision compares the policy, the pause and the protection that it rests on: none of them, where there is none", () => {
  const [compares] = decisions(siteUnderTest(nobody).ask(1, asksFirst));
  for (const key of [policyKey, pauseKey, protectionKey(name)]) expect(compares).toContainEqual({ key, revision: 0n });
});

test("a decision compares the policy, the pause and the protection that it rests on", () => {
  const site = siteUnderTest(nobody);
  const over = encodePause({ reason: "", at: 0, until: 1 });
  const texts = new Map([
    [policyKey, '{"policies":[]}'],
    [pauseKey, over],
    [protectionKey(name), encodeProtection({ level: "none", why: "", at: 1 }, name)],
  ]);
  let revision = 900n;
  for (const [key, text] of texts) {
    revision += 1n;
    site.step({ kind: "changed", key, text, revision });
  }
  const [compares] = decisions(site.ask(1, asksFirst));
  expect(compares).toContainEqual({ key: policyKey, revision: 901n });
  expect(compares).toContainEqual({ key: pauseKey, revision: 902n });
  expect(compares).toContainEqual({ key: protectionKey(name), revision: 903n });
});

test("nothing is decided while it cannot be read what the policy, or the pause, says", () => {
  for (const key of [policyKey, pauseKey]) {
    const site = siteUnderTest(nobody);
    site.step({ kind: "changed", key, text: "{", revision: 900n });
    expect(decisions([...site.ask(1, asksFirst), ...site.pass(1_000)])).toEqual([]);
    site.step({ kind: "changed", key, text: null, revision: 901n });
    expect(decisions(site.ask(2, asksFirst))).not.toEqual([]);
  }
});
