import { expect, test } from "vitest";
import type { Command } from "./events.ts";
import { clusterKey, setKey, switchKey } from "./keys.ts";
import { type SwitchRecord, setName } from "./model.ts";
import { decodeSwitch, encodeCluster, encodeSet, encodeSwitch } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";

const name = setName("C1", "bs1");
const key = switchKey(name);
/** By the clock of whoever asked, which may be an hour behind: the site's own stands at 1,790,000,010,000. */
const asked: SwitchRecord = {
  ...{
    id: "7.1-1",
    cluster: "C1",
    set: "bs1",
    reason: "",
    askedBy: "idc2",
    epoch: 7,
    from: 1,
    to: 2,
    stage: "holding",
    at: 1_790_000_010_000 - 3_600_000,
  },
  ...{ minInSyncReplicas: 1, brokerPermission: 6, decided: null, outcome: "" },
};

function heard(): ReturnType<typeof siteUnderTest> {
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  return site;
}

const outcomes = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "commit"
      ? command.transaction.puts.flatMap((put) => (put.key === key ? [decodeSwitch(put.text).outcome] : []))
      : [],
  );

test("a switch that a site is told of while it watches is not old, whatever the clock of whoever asked says", () => {
  const site = heard();
  expect(outcomes([...site.write(key, encodeSwitch(asked)), ...site.pass(500)])).toEqual([]);
});

test("one that is there when it comes is given up when nobody waits for it any more", () => {
  const site = heard();
  const entries = [
    { key: clusterKey, text: encodeCluster({ sites: ["idc1", "idc2", "witness"], incarnation: "test", at: 0 }) },
    { key: setKey(name), text: encodeSet(heldSet) },
    { key, text: encodeSwitch(asked) },
  ].map((entry, nth) => ({ ...entry, revision: 200n + BigInt(nth) }));
  const commands = [...site.step({ kind: "ledger", entries, revision: 203n }), ...site.pass(500)];
  expect(outcomes(commands)).toContain("it was asked for 3,600 s ago");
});
