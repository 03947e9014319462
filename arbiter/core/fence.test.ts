import { describe, expect, test } from "vitest";
import type { DecisionRecord } from "./decision.ts";
import { decodeDecision, decodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { setName } from "./model.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";

const scripted = { scripted: ["C1"] } as const;

/** 2 is elected in epoch 8; broker 1, the master of epoch 7, is not fenced yet. */
function decidedSite({ record = decision }: { record?: DecisionRecord } = {}) {
  const site = siteUnderTest(heldSet, scripted);
  for (let second = 0; second < 8; second += 1) {
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    for (const id of [2, 3]) site.step(site.notified(id, 7));
    site.pass(1_000);
  }
  return { site, commands: site.decided(record, decidedSet) };
}

/** The replicas go on to be heard. */
function passHeard(site: ReturnType<typeof siteUnderTest>, seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    for (const id of [2, 3]) site.step(site.heartbeat(id));
    site.pass(1_000);
  }
}

const told = (commands: readonly Command[]) =>
  commands.flatMap((command) =>
    command.kind === "notify" ? [{ id: command.broker.id, deposed: command.deposed }] : [],
  );
const putsOf = (commands: readonly Command[], folder: string) =>
  commands.flatMap((command) =>
    command.kind === "commit" ? command.transaction.puts.filter(({ key }) => key.startsWith(`${folder}/`)) : [],
  );
const isOf = (id: number) => (one: { id: number }) => one.id === id;

describe("a set whose members obey scripts", () => {
  test("has nobody promoted before the old master's fence has said yes, however long that takes", () => {
    const { site, commands } = decidedSite();
    const all = [...commands];
    for (let second = 0; second < 60; second += 1) {
      all.push(...site.step(site.notNotified(1, 8)), ...site.pass(1_000));
      for (const id of [2, 3]) all.push(...site.step(site.heartbeat(id)));
    }
    expect(told(all).filter(isOf(2))).toEqual([]);
    expect(told(all).filter(isOf(1)).length).toBeGreaterThan(50);
    expect(told(all).every(({ id, deposed }) => id !== 1 || deposed)).toBe(true);
  });

  test("is blocked meanwhile, with what the fence said, and asks no further question", () => {
    const { site } = decidedSite();
    const all = [
      ...site.step(site.notNotified(1, 8)),
      ...site.pass(500),
      ...site.step(site.closed(2)),
      ...site.pass(9_000),
    ];
    const [refusal] = putsOf(all, "refusals");
    expect(decodeRefusal(refusal?.text ?? "")).toMatchObject({
      question: decision.id,
      reason: "not-fenced",
      why: expect.stringMatching(/^broker 1 is not fenced: /),
    });
    expect(putsOf(all, "refusals")).toHaveLength(1);
    expect(putsOf(all, "questions")).toEqual([]);
    expect(all).toContainEqual(
      expect.objectContaining({ kind: "note", fields: expect.objectContaining({ from: "installing", to: "blocked" }) }),
    );
  });

  test("is blocked also where the fence takes longer than the time between two tries", () => {
    const { site } = decidedSite();
    site.pass(1_500);
    expect(putsOf([...site.step(site.notNotified(1, 8)), ...site.pass(50)], "refusals")).toHaveLength(1);
  });

  test("has the yes written down before anybody is promoted", () => {
    const { site } = decidedSite();
    site.step(site.notNotified(1, 8));
    passHeard(site, 2);
    const commands = [...site.step(site.notified(1, 8)), ...site.pass(200)];
    const written = commands.findIndex((command) => putsOf([command], "decisions").length > 0);
    const promoted = commands.findIndex((command) => told([command]).some(isOf(2)));
    expect(decodeDecision(putsOf(commands, "decisions")[0]?.text ?? "").effects.demoted).toMatchObject({
      detail: expect.stringMatching(/^broker 1 is fenced: /),
    });
    expect(written).toBeGreaterThanOrEqual(0);
    expect(promoted).toBeGreaterThan(written);
    expect(told(commands.slice(promoted)).find(isOf(2))).toEqual({ id: 2, deposed: false });
  });

  test("takes another site's word for it that the old master is fenced", () => {
    const { site } = decidedSite();
    site.step(site.notNotified(1, 8));
    passHeard(site, 2);
    const demoted = { site: "idc2", at: 0, detail: "broker 1 is fenced: powered off" };
    const commands = [...site.decided({ ...decision, effects: { demoted } }, decidedSet), ...site.pass(500)];
    expect(told(commands).some(isOf(2))).toBe(true);
  });

  test("counts no answer that the old master gave to an earlier epoch", () => {
    const { site } = decidedSite();
    const commands = [...site.step(site.notified(1, 7)), ...site.pass(3_000)];
    expect(told(commands).some(isOf(2))).toBe(false);
  });

  test("waits no longer than usual where an operator has forced the master", () => {
    const forced = { ...decision, input: { ...decision.input, kind: "recover", forced: true } } as const;
    const { site, commands } = decidedSite({ record: forced });
    expect(told([...commands, ...site.pass(1_000)]).some(isOf(2))).toBe(true);
  });

  test("is not recovered without force while its fence is awaited", () => {
    const { site } = decidedSite();
    const recover = (force: boolean) =>
      site.step({
        kind: "operator",
        who: "ops",
        ask: 1,
        request: { kind: "recover", set: setName("C1", "bs1"), master: 3, reason: "test", force },
      });
    expect(recover(false)).toContainEqual({
      kind: "answerOperator",
      ask: 1,
      answer: expect.objectContaining({ kind: "refused", code: "ARB_NOT_FENCED" }),
    });
    expect(recover(true).some(({ kind }) => kind === "answerOperator")).toBe(false);
  });

  test("is not recovered without force either where the recovery began before the decision", () => {
    const site = siteUnderTest(heldSet, scripted);
    passHeard(site, 3);
    const request = { kind: "recover", set: setName("C1", "bs1"), master: null, reason: "test", force: false } as const;
    const commands = [
      ...site.step({ kind: "operator", who: "ops", ask: 1, request }),
      ...site.decided(decision, decidedSet),
      ...site.pass(1_000),
    ];
    expect(commands).toContainEqual({
      kind: "answerOperator",
      ask: 1,
      answer: expect.objectContaining({ kind: "refused", code: "ARB_NOT_FENCED" }),
    });
    expect(putsOf(commands, "decisions")).toEqual([]);
  });

  test("refuses a planned switch by name", () => {
    const site = siteUnderTest(heldSet, scripted);
    const commands = site.step({
      kind: "operator",
      who: "ops",
      ask: 1,
      request: { kind: "switch", set: setName("C1", "bs1"), to: "2", reason: "test", dryRun: false },
    });
    expect(commands).toContainEqual({
      kind: "answerOperator",
      ask: 1,
      answer: expect.objectContaining({ kind: "refused", code: "ARB_SWITCH_NO_BARRIER" }),
    });
  });
});
