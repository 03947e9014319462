import { expect, test } from "vitest";
import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerAnswer, ControllerRequest } from "./controller-messages.ts";
import type { Command } from "./events.ts";
import type { SetRecord } from "./model.ts";
import { decodeSet } from "./records.ts";
import { heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/** Brokers that ask for an id, whose answers come late, or never. */

const address = "10.3.0.1:10911";
const start = 1_790_000_000_000;

const apply = (id: number, checkCode: string): ControllerRequest => ({
  kind: "applyBrokerId",
  cluster: "C1",
  set: "bs1",
  id,
  checkCode,
});
const code = (afterMs: number, of = address): string => `${of};${start + afterMs}`;
let asks = 0;
const ask = (site: SiteUnderTest, request: ControllerRequest) => {
  asks += 1;
  return site.ask(asks, request);
};
const answersOf = (commands: readonly Command[]): ControllerAnswer[] =>
  commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
/** The set's record as the last commit puts it. */
const putBy = (commands: readonly Command[]): SetRecord | undefined =>
  commands
    .flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []))
    .filter(({ key }) => key === "sets/C1/bs1")
    .map(({ text }) => decodeSet(text))
    .at(-1);
const idsOf = (record: SetRecord | undefined): string[] => Object.keys(record?.replicas ?? {});
const refused = { kind: "refused", code: resultCodes.CONTROLLER_BROKER_ID_INVALID };

test("the same application again, after an answer that was lost, is answered and changes nothing", () => {
  const site = siteUnderTest();
  expect(idsOf(putBy(ask(site, apply(4, code(0)))))).toEqual(["1", "2", "3", "4"]);
  const again = ask(site, apply(4, code(0)));
  expect(answersOf(again)).toEqual([{ kind: "applyBrokerId", cluster: "C1", set: "bs1" }]);
  expect(putBy(again)).toBeUndefined();
});

test("another broker does not get an id that was applied for", () => {
  const site = siteUnderTest();
  ask(site, apply(4, code(0)));
  expect(answersOf(ask(site, apply(4, code(0, "10.3.0.2:10911"))))).toMatchObject([refused]);
  const fifth = ask(site, apply(5, code(1, "10.3.0.2:10911")));
  expect(idsOf(putBy(fifth))).toEqual(["1", "2", "3", "4", "5"]);
});

test("a broker that is heard keeps its id, whoever applies with its address", () => {
  const site = siteUnderTest();
  ask(site, apply(4, code(0)));
  const beat = { cluster: "C1", set: "bs1", id: 4, address, epoch: 7, maxOffset: 0n, priority: 1 };
  site.step({ kind: "heartbeat", connection: 4, beat });
  expect(answersOf(ask(site, apply(4, code(3_100))))).toMatchObject([refused]);
  expect(idsOf(putBy(ask(site, apply(5, code(3_200)))))).toEqual(["1", "2", "3", "4", "5"]);
});

test("an id of long ago stays: its broker may come back", () => {
  const site = siteUnderTest();
  ask(site, apply(4, code(0)));
  expect(idsOf(putBy(ask(site, apply(5, code(3_700_000)))))).toEqual(["1", "2", "3", "4", "5"]);
});

test("neither a master nor a member of the in-sync set goes", () => {
  const checkCode = code(0);
  const site = siteUnderTest({
    ...heldSet,
    replicas: { ...heldSet.replicas, 4: { address, checkCode } },
    inSync: [1, 2, 3, 4],
  });
  expect(idsOf(putBy(ask(site, apply(5, code(3_100)))))).toEqual(["1", "2", "3", "4", "5"]);
});

test("the id that a broker did not go on with is alive all the same, as its address answers probes: it goes as a living one does", () => {
  const site = siteUnderTest();
  ask(site, apply(4, code(0)));
  ask(site, apply(5, code(3_100)));
  site.pass(500);
  site.step(site.heartbeat(5, { address }));
  site.step(site.probed(4, false));
  const clean = (living: boolean) => ask(site, { kind: "cleanBroker", cluster: "C1", set: "bs1", ids: [4], living });
  expect(answersOf(clean(false))).toMatchObject([
    { kind: "refused", remark: "Broker 4 of bs1 is alive, clean broker data failure" },
  ]);
  expect(idsOf(putBy(clean(true)))).toEqual(["1", "2", "3", "5"]);
});
