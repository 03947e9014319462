import { describe, expect, test } from "vitest";
import type { ControllerAnswer, ControllerRequest } from "./controller-messages.ts";
import { answer } from "./decision.fixture.ts";
import type { DecisionRecord } from "./decision.ts";
import { decodeDecision, decodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { answerKey, pauseKey, questionKey, refusalKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { decodeQuestion, encodeAnswer, encodePause, encodeSite } from "./records.ts";
import { type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/** A master that restarts while failover is paused: broker 1 of epoch 7. It obeys whatever names it, with whatever it still has. */

const name = setName("C1", "bs1");
const others = ["idc2", "witness"];
const of = { cluster: "C1", set: "bs1" } as const;
const elect = (id: number): ControllerRequest => ({ kind: "electMaster", ...of, id, designate: false });
const register: ControllerRequest = { kind: "registerBroker", ...of, id: 1, address: "10.1.0.1:10911" };

const answersOf = (commands: readonly Command[]): ControllerAnswer[] =>
  commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
const putsOf = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
const decisionsOf = (commands: readonly Command[]): DecisionRecord[] =>
  putsOf(commands).flatMap(({ key, text }) => (key.startsWith("decisions/") ? [decodeDecision(text)] : []));
const tellsOf = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" && command.broker.id === 1 ? [command.info.epoch] : []));

/** Everybody was there until now. */
function pausedSite(): SiteUnderTest {
  const site = siteUnderTest();
  for (let second = 0; second < 8; second += 1) {
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    for (const id of [1, 2, 3]) site.step(site.notified(id, 7));
    site.pass(1_000);
  }
  site.write(pauseKey, encodePause({ reason: "network work", at: 1, until: null }));
  site.step(site.closed(1));
  return site;
}

const beatOf = (site: string): [string, string] => [
  siteKey(site),
  encodeSite({ site, controller: site, version: "test", beat: 1, unheard: [], votes: true, why: "" }),
];

/** The other sites say of the open question that the master does not act as one. */
function vote(site: SiteUnderTest, before: readonly Command[]): readonly Command[] {
  const asked = putsOf(before).find(({ key }) => key === questionKey(name));
  if (asked === undefined) throw new Error("nobody was asked");
  const question = decodeQuestion(asked.text).id;
  const alive = { verdict: "alive", evidence: "" } as const;
  return others.flatMap((other) => {
    const said = answer(other, "dead", { question, replicas: { 1: alive, 2: alive, 3: alive } });
    return [...site.write(...beatOf(other)), ...site.write(answerKey(name, other), encodeAnswer(said, name))];
  });
}

/** Those that are there answer probes, for the answer of this site and then for a decision, and none acts as master. */
function read(site: SiteUnderTest, ids: readonly number[], ends: Readonly<Record<number, bigint>> = {}): Command[] {
  return [1, 2].flatMap(() => [
    ...site.pass(100),
    ...ids.flatMap((id) => site.step(site.probed(id, false, ends[id]))),
    ...site.pass(100),
  ]);
}

function waitWithOthers(site: SiteUnderTest, seconds: number): Command[] {
  const commands: Command[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (const other of others) commands.push(...site.write(...beatOf(other)));
    commands.push(...site.pass(1_000));
  }
  return commands;
}

describe("a master that restarts while failover is paused", () => {
  test("is answered its 1003 without a master, and is told of none: its old epoch would make it one at a perhaps shorter end", () => {
    const site = pausedSite();
    const commands = [...site.ask(1, register), ...site.pass(5_000)];
    expect(answersOf(commands)).toMatchObject([{ kind: "registerBroker", info: { master: null, epoch: 0 } }]);
    expect(tellsOf(commands)).toEqual([]);
    expect(decisionsOf(commands)).toEqual([]);
  });

  test("gets no master by its 1002 as long as most sites have not said that it does not act", () => {
    const site = pausedSite();
    const commands = [...site.ask(1, elect(1)), ...read(site, [1, 2, 3]), ...site.pass(4_000)];
    expect(answersOf(commands)).toEqual([expect.objectContaining({ kind: "refused" })]);
    expect(tellsOf(commands)).toEqual([]);
    expect(decisionsOf(commands)).toEqual([]);
  });

  test("is elected anew when they have, under the next epoch, since it cannot serve otherwise", () => {
    const site = pausedSite();
    const asked = [...site.ask(1, elect(1)), ...site.pass(50)];
    const commands = [...vote(site, asked), ...read(site, [1, 2, 3])];
    expect(decisionsOf(commands)).toMatchObject([{ input: { kind: "restart" }, verdict: { winner: 1, epoch: 8 } }]);
    expect(answersOf(commands)).toMatchObject([{ kind: "electMaster", info: { master: 1, epoch: 8 } }]);
    expect(new Set(tellsOf(commands))).toEqual(new Set([8]));
  });

  test("has nothing left to decide at the resume then", () => {
    const site = pausedSite();
    const asked = [...site.ask(1, elect(1)), ...site.pass(50)];
    vote(site, asked);
    read(site, [1, 2, 3]);
    site.step(site.notified(1, 8));
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id, { epoch: 8 }));
    expect(decisionsOf([...site.remove(pauseKey), ...site.pass(1_000)])).toEqual([]);
  });

  test("that has lost what it told of is not elected anew: who has all of it is, as in any restart", () => {
    const site = pausedSite();
    const asked = [...site.ask(1, elect(1)), ...site.pass(50)];
    const commands = [...vote(site, asked), ...read(site, [1, 2, 3], { 1: 900n })];
    expect(decisionsOf(commands)).toMatchObject([{ input: { kind: "restart" }, verdict: { winner: 2, epoch: 8 } }]);
    expect(tellsOf(commands).filter((epoch) => epoch < 8)).toEqual([]);
  });
});

/** It asked once, and was gone again. */
function goneAgain(site: SiteUnderTest): Command[] {
  const commands = [...site.ask(1, elect(1))];
  for (let second = 0; second < 12; second += 1) {
    for (const id of [2, 3]) commands.push(...site.step(site.heartbeat(id)));
    for (const command of site.pass(1_000)) {
      commands.push(command);
      if (command.kind !== "probe" || command.broker.id !== 1) continue;
      commands.push(
        ...site.step({ ...command, kind: "probed", outcome: { kind: "timedOut", detail: "nothing came back" } }),
      );
    }
  }
  return commands;
}

describe("a master that restarts while failover is paused, and is gone again,", () => {
  test("is not replaced: the set is blocked, and who asks is told why", () => {
    const site = pausedSite();
    const before = goneAgain(site);
    const commands = [...vote(site, before), ...read(site, [2, 3]), ...site.ask(2, elect(2))];
    const waited = waitWithOthers(site, 4);
    expect(decisionsOf([...before, ...commands, ...waited])).toEqual([]);
    const refusal = putsOf(commands).find(({ key }) => key === refusalKey(name));
    expect(decodeRefusal(refusal?.text ?? "")).toMatchObject({ reason: "paused", why: "Failover is paused" });
    expect(answersOf(waited)).toEqual([
      expect.objectContaining({ kind: "refused", remark: "No master: Failover is paused" }),
    ]);
    expect(tellsOf([...before, ...commands, ...waited])).toEqual([]);
  });

  test("is replaced at the resume, by a decision that rests on it", () => {
    const site = pausedSite();
    const before = goneAgain(site);
    vote(site, before);
    read(site, [2, 3]);
    site.ask(2, elect(2));
    const commands = [...site.remove(pauseKey), ...read(site, [2, 3]), ...site.pass(300)];
    expect(decisionsOf(commands)).toMatchObject([{ input: { kind: "failover" }, verdict: { winner: 2, epoch: 8 } }]);
    const committed = commands.find(
      (command) => command.kind === "commit" && putsOf([command]).some(({ key }) => key === "decisions/C1/bs1/8"),
    );
    expect(committed).toMatchObject({
      transaction: { compares: expect.arrayContaining([{ key: pauseKey, revision: 0n }]) },
    });
    expect(answersOf(commands)).toMatchObject([{ kind: "electMaster", info: { master: 2, epoch: 8 } }]);
  });
});
