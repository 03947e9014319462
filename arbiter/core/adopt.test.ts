import { expect, test } from "vitest";
import { resultCodes } from "#lib/remoting/codes.ts";
import type { ControllerRequest } from "./controller-messages.ts";
import { decodeDecision } from "./decision-records.ts";
import type { Command } from "./events.ts";
import type { SetName, SetRecord } from "./model.ts";
import type { OperatorAnswer, OperatorRequest } from "./operator-messages.ts";
import { decodeSet } from "./records.ts";
import { heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/** Brokers 1, 2 and 3 run, and the ledger has no record of them, or one from before. */

const name = "C1/bs1" as SetName;
type Adoption = Extract<OperatorRequest, { kind: "adopt" }>;
const lost = { recorded: false } as const;
const all = [1, 2, 3].map((id) => ({ id, address: null }));
const seconds = 1_790_000_000;
const behind: SetRecord = {
  ...heldSet,
  frozen: { code: "ledger-behind", reason: "for this test", at: 1, until: null },
};

function putsOf(commands: readonly Command[]) {
  return commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
}
const setsOf = (commands: readonly Command[]): SetRecord[] =>
  putsOf(commands).flatMap(({ key, text }) => (key === "sets/C1/bs1" ? [decodeSet(text)] : []));
const answerOf = (commands: readonly Command[]): OperatorAnswer | undefined =>
  commands.flatMap((command) => (command.kind === "answerOperator" ? [command.answer] : [])).at(-1);

const at = (id: number) => ({ address: heldSet.replicas[id]?.address ?? "" });

/** Heard for five seconds. */
function heard(site: SiteUnderTest, ids: readonly number[]): SiteUnderTest {
  for (let passed = 0; passed < 5_000; passed += 1_000) {
    for (const id of ids) site.step(site.heartbeat(id, at(id)));
    site.pass(1_000);
  }
  for (const id of ids) site.step(site.heartbeat(id, at(id)));
  return site;
}

/** What follows when every broker tells whether it acts as master, and how far it is; those left out don't answer. */
function adopt(
  site: SiteUnderTest,
  tells: Readonly<Record<number, { readonly acting: boolean; readonly maxOffset?: bigint }>>,
  changes: Partial<Adoption> = {},
): readonly Command[] {
  const request: Adoption = {
    ...{ kind: "adopt", set: name, brokers: all, master: null, reason: "etcd was wiped", force: false },
    ...changes,
  };
  const commands = [...site.step({ kind: "operator", ask: 1, request, who: "alice" })];
  for (const [id, { acting, maxOffset }] of Object.entries(tells))
    commands.push(...site.step(site.probed(Number(id), acting, maxOffset)));
  return [...commands, ...site.pass(700)];
}

test("who acts as master stays it, under an epoch above all that were seen; nobody else is in sync yet", () => {
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  const commands = adopt(site, { 1: { acting: false, maxOffset: 1_500n }, 2: { acting: true }, 3: { acting: false } });
  const [first, second] = setsOf(commands);
  expect(first).toMatchObject({ epoch: 0, master: null, inSync: [], frozen: { code: "ledger-behind" } });
  expect(second).toMatchObject({ master: 2, inSync: [2], frozen: null, epoch: expect.any(Number) });
  expect(second?.epoch).toBeGreaterThanOrEqual(seconds);
  expect(Object.values(second?.replicas ?? {}).map(({ address }) => address)).toEqual([
    "10.1.0.1:10911",
    "10.2.0.1:10911",
    "10.1.0.2:10911",
  ]);
  expect(answerOf(commands)).toMatchObject({
    kind: "done",
    detail: expect.stringMatching(/^broker 2 is master of epoch/),
  });
  const [decision] = putsOf(commands).flatMap(({ key, text }) =>
    key.startsWith("decisions/") ? [decodeDecision(text)] : [],
  );
  expect(decision?.input).toMatchObject({ kind: "recover", inSync: [], acting: [2], epoch: 0 });
});

test("where nobody acts as master the furthest becomes it", () => {
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  const commands = adopt(site, { 1: { acting: false }, 2: { acting: false }, 3: { acting: false, maxOffset: 1_200n } });
  expect(setsOf(commands).at(-1)).toMatchObject({ master: 3 });
});

test("one that is not read may have more: refused, and the set waits for a recovery", () => {
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  const commands = adopt(site, { 1: { acting: true }, 2: { acting: false } });
  expect(setsOf(commands)).toHaveLength(1);
  expect(answerOf(commands)).toMatchObject({
    code: "ARB_REFUSED",
    message: expect.stringContaining("nobody knows who is in sync, and broker 3 did not tell how far it is"),
  });
});

test("who acts as master is waited for until its heartbeats tell that it serves, and does not only wait for its role", () => {
  const site = siteUnderTest(heldSet, lost);
  site.pass(5_000);
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id, at(id)));
  site.pass(3_500);
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id, at(id)));
  const commands = adopt(site, { 1: { acting: false, maxOffset: 9_000n }, 2: { acting: true }, 3: { acting: false } });
  expect(setsOf(commands).map(({ frozen }) => frozen?.code)).toEqual(["ledger-behind"]);
  site.step(site.heartbeat(2, at(2)));
  expect(setsOf(site.pass(100))).toMatchObject([{ master: 2, frozen: null }]);
});

test("two that act as master are a person's to decide", () => {
  const both = { 1: { acting: true }, 2: { acting: true }, 3: { acting: false } };
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  expect(answerOf(adopt(site, both))).toMatchObject({
    code: "ARB_REFUSED",
    message: expect.stringMatching(/broker 1(, | and )2 act as master/),
  });
  const other = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  expect(setsOf(adopt(other, both, { master: 2, force: true })).at(-1)).toMatchObject({ master: 2 });
});

test("one that is down goes on record with the address that it is given, and nobody is elected without a word", () => {
  const brokers = [...all.slice(0, 2), { id: 3, address: "10.1.0.2:10911" }];
  const tells = { 1: { acting: true }, 2: { acting: false } };
  const site = heard(siteUnderTest(heldSet, lost), [1, 2]);
  expect(answerOf(adopt(site, tells, { brokers }))).toMatchObject({ code: "ARB_REFUSED" });
  const other = heard(siteUnderTest(heldSet, lost), [1, 2]);
  const forced = setsOf(adopt(other, tells, { brokers, master: 1, force: true })).at(-1);
  expect(forced).toMatchObject({ master: 1, replicas: { 3: { address: "10.1.0.2:10911" } } });
});

test("what is named must be what is there", () => {
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  const codeOf = (changes: Partial<Adoption>): string | undefined => {
    const answer = answerOf(adopt(site, {}, changes));
    return answer?.kind === "refused" ? answer.code : undefined;
  };
  expect(codeOf({ brokers: all.slice(0, 2) })).toBe("ARB_MORE_BROKERS");
  expect(codeOf({ brokers: [...all, { id: 4, address: null }] })).toBe("ARB_NOT_HEARD");
  expect(codeOf({ brokers: [{ id: 1, address: "10.9.0.1:10911" }, ...all.slice(1)] })).toBe("ARB_ELSEWHERE");
  expect(codeOf({ set: "C9/bs1" as SetName, brokers: [{ id: 1, address: "10.1.0.1:10911" }] })).toBe(
    "ARB_NOT_ADOPTABLE",
  );
});

test("a set of a cluster that nobody decides over here is refused, and not kept as one to look after", () => {
  const site = siteUnderTest(heldSet, lost);
  const unknown = adopt(site, {}, { set: "C9/bs1" as SetName });
  expect(answerOf(unknown)).toMatchObject({ kind: "refused", code: "ARB_NOT_ADOPTABLE" });
  expect(site.knows("C9/bs1" as SetName)).toBe(false);
});

test("a set that is on record, and not behind, is left alone", () => {
  const site = heard(siteUnderTest(), [1, 2, 3]);
  expect(answerOf(adopt(site, {}))).toMatchObject({ code: "ARB_ADOPTED" });
});

test("a set that is ledger-behind gets the brokers that came since, and keeps no word of who was in sync", () => {
  const site = heard(siteUnderTest({ ...behind, replicas: firstTwo() }), [1, 2]);
  const brokers = [...all.slice(0, 2), { id: 3, address: "10.1.0.2:10911" }];
  const commands = adopt(site, { 1: { acting: true }, 2: { acting: false } }, { brokers, master: 1, force: true });
  expect(setsOf(commands).at(-1)).toMatchObject({ master: 1, inSync: [1], frozen: null });
  expect(Object.keys(setsOf(commands).at(-1)?.replicas ?? {})).toEqual(["1", "2", "3"]);
});

function firstTwo(): SetRecord["replicas"] {
  return Object.fromEntries(Object.entries(heldSet.replicas).slice(0, 2));
}

test("while brokers are heard that are not on record nobody begins their set anew, and no id is given twice", () => {
  const next: ControllerRequest = { kind: "nextBrokerId", cluster: "C1", set: "bs1" };
  const apply: ControllerRequest = {
    kind: "applyBrokerId",
    cluster: "C1",
    set: "bs1",
    id: 1,
    checkCode: "10.3.0.1:1;5",
  };
  const answered = (commands: readonly Command[]) =>
    commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
  const site = heard(siteUnderTest(heldSet, lost), [1, 2, 3]);
  for (const [ask, request] of [next, apply].entries())
    expect(answered(site.ask(10 + ask, request))).toMatchObject([
      {
        code: resultCodes.CONTROLLER_BROKER_ID_INVALID,
        remark: expect.stringContaining("not on record (1, 2, 3): idcctl set adopt C1/bs1"),
      },
    ]);
  const two = heard(siteUnderTest({ ...heldSet, inSync: [1, 2], replicas: firstTwo() }), [1, 2, 3]);
  expect(answered(two.ask(20, next))).toMatchObject([{ id: 4 }]);
  expect(answered(two.ask(21, { ...apply, id: 3 } as ControllerRequest))).toMatchObject([
    { code: resultCodes.CONTROLLER_BROKER_ID_INVALID },
  ]);
});

test("members of a scripted set come from the config: they are heard before they are on record, and begin it", () => {
  const site = heard(siteUnderTest(heldSet, { ...lost, scripted: ["C1"] }), [1, 2, 3]);
  const apply: ControllerRequest = {
    kind: "applyBrokerId",
    cluster: "C1",
    set: "bs1",
    id: 1,
    checkCode: "10.1.0.1:1;5",
  };
  expect(site.ask(30, apply).flatMap((command) => (command.kind === "answer" ? [command.answer.kind] : []))).toEqual([
    "applyBrokerId",
  ]);
});
