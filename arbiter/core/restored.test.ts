import { expect, test } from "vitest";
import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, ControllerRequest } from "./controller-messages.ts";
import type { Command } from "./events.ts";
import type { SetName, SetRecord } from "./model.ts";
import { decodeHistory, decodeSet } from "./records.ts";
import { heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/** A ledger that is older than the brokers: restored from a snapshot, or so says what they tell. */

const restored = { etcd: { now: "22", recorded: "11" } } as const;
const answersOf = (commands: readonly Command[]): ControllerAnswer[] =>
  commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
const putsOf = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
const setOf = (commands: readonly Command[]): SetRecord | undefined =>
  putsOf(commands)
    .filter(({ key }) => key === "sets/C1/bs1")
    .map(({ text }) => decodeSet(text))
    .at(-1);
const historyOf = (commands: readonly Command[]): string | undefined =>
  putsOf(commands)
    .filter(({ key }) => key === "history")
    .map(({ text }) => decodeHistory(text).etcd)
    .at(-1);
const register: ControllerRequest = {
  kind: "registerBroker",
  cluster: "C1",
  set: "bs1",
  id: 2,
  address: "10.2.0.1:10911",
};
const behind = (record: SetRecord): SetRecord => ({
  ...record,
  frozen: { code: "ledger-behind", reason: "for this test", at: 1, until: null },
});
const nobody = { kind: "registerBroker", info: { master: null, epoch: 0 } };

/** Everything that it did since it read the ledger. */
function begun(changes: Parameters<typeof siteUnderTest>[1], record = heldSet): readonly Command[] {
  const commands: Command[] = [];
  const site = siteUnderTest(record, { ...changes, onCommands: (some) => void commands.push(...some) });
  site.pass(500);
  return commands;
}

test("in an etcd of another history every set is frozen, and only then the history is written down", () => {
  const commands = begun(restored);
  expect(setOf(commands)?.frozen).toMatchObject({
    code: "ledger-behind",
    reason: "The ledger was written in etcd 11, and this is etcd 22: it was restored from an older state",
  });
  const keys = putsOf(commands).map(({ key }) => key);
  expect(keys.indexOf("history")).toBeGreaterThan(keys.indexOf("sets/C1/bs1"));
  expect(historyOf(commands)).toBe("22");
});

test("a set that an operator has frozen is frozen as ledger-behind, too: his thaw would let it go on from there", () => {
  const byOperator = { code: "operator", reason: "work", at: 1, until: null } as const;
  expect(setOf(begun(restored, { ...heldSet, frozen: byOperator }))?.frozen?.code).toBe("ledger-behind");
});

test("in the etcd that it was written in nothing is frozen, and nothing is written", () => {
  const commands = begun({ etcd: { now: "11", recorded: "11" } });
  expect(setOf(commands)).toBeUndefined();
  expect(historyOf(commands)).toBeUndefined();
});

test("a ledger that does not say where it was written is taken for this etcd's", () => {
  const commands = begun({ etcd: { now: "22", recorded: "" } });
  expect(setOf(commands)).toBeUndefined();
  expect(historyOf(commands)).toBe("22");
});

test("until every set is frozen no answer names a master, none is decided and none is told", () => {
  const site = siteUnderTest(heldSet, { ...restored, isSilent: true });
  site.step(site.heartbeat(1));
  site.step(site.heartbeat(2));
  expect(answersOf(site.ask(1, register))).toMatchObject([nobody]);
  expect(answersOf(site.ask(2, { kind: "replicaInfo", set: "bs1" }))).toMatchObject([{ info: { master: null } }]);
  const elect: ControllerRequest = { kind: "electMaster", cluster: "C1", set: "bs1", id: 2, designate: false };
  expect(answersOf(site.ask(3, elect))).toMatchObject([{ code: resultCodes.CONTROLLER_ELECT_MASTER_FAILED }]);
  expect(site.pass(3_000).filter(({ kind }) => kind === "notify")).toEqual([]);
});

test("a broker of a set that is ledger-behind registers, and is told of no master", () => {
  expect(answersOf(siteUnderTest(behind(heldSet)).ask(1, register))).toMatchObject([nobody]);
});

test("a master that asks under a higher epoch than the record's freezes the set", () => {
  const site = siteUnderTest();
  const inSync = { kind: "alterInSync", set: "bs1", master: 1, epoch: 9, inSync: [1, 2], inSyncEpoch: 30 } as const;
  expect(setOf(site.ask(1, inSync))?.frozen?.code).toBe("ledger-behind");
});

test("another broker than the recorded master acts as master, and goes on: the set is frozen", () => {
  const site = siteUnderTest();
  const commands = tell(site, { 1: false, 2: true }, 16_000);
  expect(setOf(commands)?.frozen).toMatchObject({
    code: "ledger-behind",
    reason: expect.stringContaining("Broker 2 of C1/bs1 acts as master, and broker 1 of the record does not"),
  });
});

test("so it is where that one has beaten without a gap since before the record was read", () => {
  const site = siteUnderTest();
  tell(site, { 1: true, 2: true }, 5_000);
  const [...commands] = site.record({ ...heldSet, epoch: 6 });
  commands.push(...tell(site, { 1: false, 2: true }, 16_000));
  expect(setOf(commands)?.frozen?.code).toBe("ledger-behind");
});

test("the history is not renewed over a set that cannot be read here: it would never be frozen", () => {
  const commands: Command[] = [];
  const site = siteUnderTest(heldSet, { ...restored, onCommands: (some) => void commands.push(...some) });
  site.write("sets/C1/bs9", "{}");
  site.pass(1_000);
  expect(setOf(commands)?.frozen?.code).toBe("ledger-behind");
  expect(historyOf(commands)).toBeUndefined();
});

test("a second one that acts as master beside the recorded one does not freeze the set: it is told", () => {
  expect(setOf(tell(siteUnderTest(), { 1: true, 2: true }, 16_000))).toBeUndefined();
});

test("a role that is just being changed does not freeze the set", () => {
  const site = siteUnderTest();
  expect(setOf(tell(site, { 1: false, 2: true }, 4_000))).toBeUndefined();
  expect(setOf(tell(site, { 1: true, 2: false }, 6_000))).toBeUndefined();
  expect(setOf(tell(site, { 1: false, 2: true }, 4_000))).toBeUndefined();
});

/** All three are heard, and say each 500 ms how they act. */
function tell(site: SiteUnderTest, acting: Readonly<Record<number, boolean>>, ms: number): readonly Command[] {
  const commands: Command[] = [];
  for (let passed = 0; passed < ms; passed += 500) {
    for (const id of [1, 2, 3]) {
      commands.push(...site.step(site.heartbeat(id)));
      commands.push(...site.step(site.probed(id, acting[id] ?? false)));
    }
    commands.push(...site.pass(500));
  }
  return commands;
}

test("a set that is ledger-behind is recovered, not thawed: it would go on from a record that is too old", () => {
  const site = siteUnderTest(behind(heldSet));
  const request = { kind: "unfreeze", set: "C1/bs1" as SetName, reason: "done" } as const;
  const commands = site.step({ kind: "operator", ask: 1, request, who: "alice" });
  expect(commands).toMatchObject([{ kind: "answerOperator", answer: { code: "ARB_LEDGER_BEHIND" } }]);
});
