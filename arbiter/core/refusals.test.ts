import { expect, test } from "vitest";
import type { ControllerRequest } from "./controller-messages.ts";
import { answer } from "./decision.fixture.ts";
import { decodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { answerKey, questionKey, refusalKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { decodeQuestion, encodeAnswer, encodeSite } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";

const name = setName("C1", "bs1");
const others = ["idc2", "witness"];
const elect: ControllerRequest = { kind: "electMaster", cluster: "C1", set: "bs1", id: 1, designate: false };

const putsOf = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
const refusalsOf = (commands: readonly Command[]) =>
  putsOf(commands).flatMap(({ key, text }) => (key === refusalKey(name) ? [decodeRefusal(text)] : []));

test("what is on record of each replica is why it may not be elected now, not when the set was blocked", () => {
  const site = siteUnderTest({ ...heldSet, inSync: [1] });
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  site.step(site.closed(1));
  const asked = putsOf([...site.ask(1, elect), ...site.pass(50)]).find(({ key }) => key === questionKey(name));
  const question = decodeQuestion(asked?.text ?? "").id;
  const say = (verdict: "alive" | "unknown"): readonly Command[] =>
    others.flatMap((other) => {
      const said = answer(other, "dead", { question, replicas: { 1: { verdict, evidence: "" } } });
      const beat = { site: other, controller: other, version: "test", beat: 1, unheard: [], votes: true, why: "" };
      return [
        ...site.write(siteKey(other), encodeSite(beat)),
        ...site.write(answerKey(name, other), encodeAnswer(said, name)),
      ];
    });
  const pass = (seconds: number): Command[] =>
    Array.from({ length: seconds * 10 }).flatMap(() => [
      ...others.flatMap((other) => {
        const beat = { site: other, controller: other, version: "test", beat: 1, unheard: [], votes: true, why: "" };
        return site.write(siteKey(other), encodeSite(beat));
      }),
      ...site.step(site.probed(1, false, 900n)),
      ...site.pass(100),
    ]);
  const before = refusalsOf([...say("unknown"), ...pass(3)]);
  expect(before.at(-1)).toMatchObject({
    reason: "no-candidate",
    rejected: [{ id: 1, reason: "not-alive" }, { id: 2 }, { id: 3 }],
  });
  const after = refusalsOf([...say("alive"), ...pass(3)]);
  expect(after.at(-1)).toMatchObject({
    reason: "no-candidate",
    rejected: [{ id: 1, reason: "lost-tail" }, { id: 2 }, { id: 3 }],
  });
  expect(refusalsOf(pass(3))).toEqual([]);
});
