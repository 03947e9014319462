import { describe, expect, test } from "vitest";
import { answer, question } from "./decision.fixture.ts";
import type { Command } from "./events.ts";
import { answerKey, questionKey, siteKey } from "./keys.ts";
import { type QuestionRecord, type SiteRecord, setName } from "./model.ts";
import { decodeQuestion, encodeAnswer, encodeQuestion, encodeSite } from "./records.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";

const told = (commands: readonly Command[], id: number): boolean =>
  commands.some((command) => command.kind === "notify" && command.broker.id === id);
const said = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "commit"
      ? command.transaction.puts.filter(({ key }) => key.startsWith("answers/")).map(({ text }) => text)
      : [],
  );

const name = setName("C1", "bs1");
const passMs = 2_000;
/** Of which this site knows that nobody has restarted before the decision. */
const heardSeconds = 8;

const others = ["idc2", "witness"];
const beatOf = (site: string): SiteRecord => ({
  site,
  controller: site,
  version: "test",
  beat: 1,
  unheard: [],
  votes: true,
  why: "",
});

interface Decided {
  readonly seconds?: number;
  readonly decidedBy?: string;
  /** Sites whose beat is fresh, beside its own. */
  readonly present?: readonly string[];
}

function decidedSite({ seconds = heardSeconds, decidedBy = "idc1", present = [] }: Decided = {}) {
  const site = siteUnderTest();
  for (let second = 0; second < seconds; second += 1) {
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    for (const id of [2, 3]) site.step(site.notified(id, 7));
    site.pass(1_000);
  }
  for (const other of present) site.write(siteKey(other), encodeSite(beatOf(other)));
  return { site, commands: site.decided({ ...decision, decidedBy }, decidedSet) };
}

/** It has restarted alone in its set, and its answer, the first for long, has let this site decide. */
function decidingSite({ isSilent = false } = {}) {
  const site = siteUnderTest({ ...heldSet, inSync: [1] }, { isSilent });
  for (const command of site.pass(5_000))
    if (command.kind === "probe") site.step({ ...command, kind: "probed", outcome: { kind: "timedOut", detail: "" } });
  site.write(questionKey(name), encodeQuestion({ ...question, restarted: true }));
  const alive = { verdict: "alive", evidence: "" } as const;
  for (const other of others) {
    site.write(siteKey(other), encodeSite(beatOf(other)));
    const said = answer(other, "dead", { replicas: { 1: alive } });
    site.write(answerKey(name, other), encodeAnswer(said, name));
  }
  site.pass(300);
  // It was asked a while ago, and answers now.
  return { site, commands: [...site.step(site.probed(1, true), 20), ...site.pass(100)] };
}

describe("a new master that has not answered its 1008", () => {
  test("is told again", () => {
    const { site, commands } = decidedSite();
    const first = [...commands, ...site.pass(500)];
    expect(told(first, 2)).toBe(true);
    expect(told([...site.step(site.notNotified(2, 8)), ...site.pass(500)], 2)).toBe(true);
  });

  test.each([
    ["is left to the site that decided while that is there", ["idc2"], false],
    ["is told at once by the first site when the one that decided is gone", [], true],
  ])("%s", (_, present, isToldAtOnce) => {
    const { site, commands } = decidedSite({ decidedBy: "idc2", present });
    const first = [...commands, ...site.pass(600)];
    expect(told(first, 2)).toBe(isToldAtOnce);
    for (const other of present) site.write(siteKey(other), encodeSite({ ...beatOf(other), beat: 2 }));
    expect(told([...first, ...site.pass(600)], 2)).toBe(true);
  });

  test("is not told again once its connection was closed: it may have been master, and would be it at a shorter end", () => {
    const { site } = decidedSite();
    site.pass(500);
    site.step(site.closed(2));
    const commands = [
      ...site.step(site.notNotified(2, 8)),
      ...site.step(site.heartbeat(2)),
      ...site.step(site.probed(2, false)),
      ...site.pass(100),
      ...site.step(site.probed(2, false)),
      ...site.pass(passMs),
    ];
    expect(told(commands, 2)).toBe(false);
    expect(said(commands).join("\n")).toMatch(
      /"master":\{"verdict":"dead","evidence":"said .* that it does not act as master"/,
    );
  });

  test("is not told by a site that has not been there for long: it may have been told, and have restarted, before", () => {
    const { site, commands } = decidedSite({ seconds: 1 });
    expect(told([...commands, ...site.pass(passMs)], 2)).toBe(false);
  });

  test.each([
    ["when it says that it acts as master, and beats like one", 2, true],
    ["not when it only says so: as it does while it waits to be told its role", 0, false],
  ])("is told again after a closed connection %s", (_, beats, isTold) => {
    const { site } = decidedSite();
    site.pass(500);
    site.step(site.closed(2));
    const commands = [...site.step(site.notNotified(2, 8)), ...site.step(site.probed(2, false))];
    for (let beat = 0; beat < beats; beat += 1) commands.push(...site.step(site.heartbeat(2)), ...site.pass(500));
    commands.push(...site.step(site.probed(2, true)), ...site.pass(500));
    expect(told(commands, 2)).toBe(isTold);
  });

  test("is told by the site that decided, though the answer that the decision rests on is the first that is heard of it for long", () => {
    const { commands } = decidingSite();
    const epochs = commands.flatMap((each) => (each.kind === "notify" ? [each.info.epoch] : []));
    expect(epochs[0]).toBe(8);
  });

  test("is not told, on the ground of that answer, by a site whose own decision another one's was faster than", () => {
    const { site, commands } = decidingSite({ isSilent: true });
    const isSent = commands.some((each) => each.kind === "commit" && each.transaction.puts.length > 2);
    expect(isSent).toBe(true);
    const verdict = { ...decision.verdict, winner: 1 };
    const theirs = site.decided({ ...decision, verdict, decidedBy: "idc2" }, { ...decidedSet, master: 1, inSync: [1] });
    expect(told([...theirs, ...site.pass(passMs)], 1)).toBe(false);
  });

  test("is asked about once a second, not over and over, while all sites reach it and nobody may promote it", () => {
    const { site } = decidedSite({ seconds: 1 });
    const questions: QuestionRecord[] = [];
    const note = (commands: readonly Command[]): void => {
      const puts = commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
      questions.push(...puts.filter(({ key }) => key === questionKey(name)).map(({ text }) => decodeQuestion(text)));
    };
    for (let tick = 0; tick < 140; tick += 1) {
      note(site.pass(50));
      if (tick % 4 === 0) note(site.step(site.probed(2, true)));
      for (const other of others) {
        note(site.write(siteKey(other), encodeSite(beatOf(other))));
        const said = { ...answer(other, "alive"), question: questions.at(-1)?.id ?? "" };
        note(site.write(answerKey(name, other), encodeAnswer(said, name)));
      }
    }
    expect(questions.length).toBeGreaterThanOrEqual(2);
    expect(questions.length).toBeLessThanOrEqual(4);
  });
});
