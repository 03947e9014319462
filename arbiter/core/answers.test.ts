import { expect, test } from "vitest";
import type { ControllerRequest } from "./controller-messages.ts";
import type { Command } from "./events.ts";
import { answerKey, questionKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeAnswer, encodeQuestion, encodeSite } from "./records.ts";
import { siteUnderTest } from "./site.fixture.ts";
import { siteFreshMs } from "./timing.ts";

const register: ControllerRequest = {
  kind: "registerBroker",
  cluster: "C1",
  set: "bs1",
  id: 1,
  address: "10.1.0.1:10911",
};
const probes = (commands: readonly Command[], id: number): number =>
  commands.filter((command) => command.kind === "probe" && command.broker.id === id).length;
const verdicts = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "commit"
      ? command.transaction.puts
          .filter(({ key }) => key.startsWith("answers/"))
          .map(({ text }) => JSON.parse(text).master.verdict as string)
      : [],
  );

test("a master that does not act as one is dead only for as long as it has said so of late, and is asked again and again", () => {
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  site.step(site.probed(1, true));
  site.ask(1, register);
  site.pass(100);
  expect(verdicts(site.step(site.probed(1, false)))).toEqual(["dead"]);
  const commands = [...site.step(site.heartbeat(1)), ...site.pass(500)];
  expect(probes(commands, 1)).toBe(1);
  expect(verdicts([...site.step(site.heartbeat(1)), ...site.pass(1_500)])).toContain("alive");
});

test("a question is not closed over the head of the site that has just asked it, though its beat is late", () => {
  const name = setName("C1", "bs1");
  const key = questionKey(name);
  const question = {
    id: "7.1-1",
    cluster: "C1",
    set: "bs1",
    epoch: 7,
    master: 1,
    askedBy: "witness",
    restarted: false,
  };
  const site = siteUnderTest();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  const alive = { verdict: "alive", evidence: "" } as const;
  const said = { site: "idc2", question: question.id, master: alive, replicas: {}, told: null, at: 0 };
  const beat = { site: "idc2", controller: "idc2", version: "", beat: 1, unheard: [], votes: true, why: "" };
  const closes = (ms: number): boolean => {
    const commands: Command[] = [];
    for (let passed = 0; passed < ms; passed += 100) {
      for (const id of [1, 2, 3]) commands.push(...site.step(site.heartbeat(id)));
      commands.push(...site.write(siteKey("idc2"), encodeSite(beat)), ...site.pass(100));
    }
    return commands.some((command) => command.kind === "commit" && command.transaction.deletes.includes(key));
  };
  site.write(key, encodeQuestion({ ...question, at: 0 }));
  site.write(answerKey(name, "idc2"), encodeAnswer(said, name));
  expect(closes(siteFreshMs - 200)).toBe(false);
  expect(closes(500)).toBe(true);
});
