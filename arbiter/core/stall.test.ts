import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { decodeSite } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";

const told = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" ? [command.broker.id] : []));
const unheard = (commands: readonly Command[]): readonly string[] | undefined =>
  commands
    .flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []))
    .filter(({ key }) => key.startsWith("sites/"))
    .map(({ text }) => decodeSite(text).unheard)
    .at(-1);
const stalledMs = 6_000;
const drainMs = 400;

describe("after a stall of this site", () => {
  test("heartbeats that have waited through it are no sign of life: their broker may be long gone", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.step({ kind: "stalled", ms: stalledMs }, stalledMs);
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    expect(unheard(site.pass(200))).toEqual(["C1/bs1/1", "C1/bs1/2", "C1/bs1/3"]);
    site.pass(drainMs);
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    expect(unheard(site.pass(300))).toEqual([]);
  });

  test("also where nobody but the steps' own times tells of it", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.step(site.heartbeat(2), stalledMs);
    expect(unheard(site.pass(300))).toContain("C1/bs1/2");
  });

  test("an answer to a probe that was sent since is one at once", () => {
    const site = siteUnderTest();
    site.step({ kind: "stalled", ms: stalledMs }, stalledMs);
    site.pass(50);
    site.step(site.probed(2, false));
    expect(unheard(site.pass(300))).not.toContain("C1/bs1/2");
  });

  test("nobody is told who is master before the ledger was heard of: who has restarted would obey an old epoch", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.step(site.notified(2, 7));
    site.watch("lags");
    site.step({ kind: "stalled", ms: stalledMs }, stalledMs);
    const early = [...site.pass(50), ...site.step(site.probed(2, false)), ...site.pass(600)];
    expect(told(early)).toEqual([]);
    expect(told([...site.watch("tells"), ...site.pass(100)])).toEqual([2]);
  });

  test("a master that asks for its in-sync set is there: it leaves a replica behind before it was heard again", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.step({ kind: "stalled", ms: stalledMs }, stalledMs);
    // Its quorum is proven anew.
    site.pass(50);
    const alter = { kind: "alterInSync", set: "bs1", master: 1, epoch: 7, inSync: [1], inSyncEpoch: 20 } as const;
    const answered = [...site.ask(1, alter), ...site.pass(100)].filter(({ kind }) => kind === "answer");
    expect(answered).toEqual([
      { kind: "answer", ask: 1, answer: { kind: "alterInSync", inSync: [1], inSyncEpoch: 21 } },
    ]);
  });

  test("what the ledger says by then is what is told", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.step(site.notified(3, 7));
    site.step({ kind: "stalled", ms: stalledMs }, stalledMs);
    site.pass(50);
    const commands = [
      ...site.record({ ...heldSet, epoch: 9, inSyncEpoch: 30, master: 2, inSync: [2] }),
      ...site.step(site.probed(3, false)),
      ...site.pass(600),
    ];
    const epochs = commands.flatMap((command) => (command.kind === "notify" ? [command.info.epoch] : []));
    expect(new Set(epochs)).toEqual(new Set([9]));
  });
});

describe("a site whose record of a set may be an old one", () => {
  test("tells nobody who is master: it has not heard of the ledger for quorumProofMs", () => {
    const site = siteUnderTest();
    site.watch("lags");
    site.pass(2_100);
    site.step(site.heartbeat(1));
    expect(told([...site.step(site.heartbeat(2)), ...site.pass(600)])).toEqual([]);
    expect(told([...site.watch("tells"), ...site.pass(100)])).toEqual([2]);
  });
});
