import { expect, test } from "vitest";
import { question } from "./decision.fixture.ts";
import type { DecisionRecord } from "./decision.ts";
import { decodeDecision, decodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { answerKey, policyKey, questionKey, refusalKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeAnswer, encodeQuestion, encodeSite } from "./records.ts";
import { type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/** How far the old master was: what any site that answers has heard of it, as the one that decides may have been cut off from it. */

const name = setName("C1", "bs1");

/** idc1 decides, and has not heard master 1; the others have, up to offset 5,000. Both replicas are at 1,000. */
function decideWith(policy: object): readonly Command[] {
  const site = siteUnderTest();
  site.write(policyKey, JSON.stringify({ policies: [{ match: "*", ...policy }] }));
  const others = (): void => {
    for (const of of ["idc2", "witness"]) {
      const beat = { site: of, controller: of, version: "", beat: 1, unheard: [], votes: true, why: "" };
      site.write(siteKey(of), encodeSite(beat));
    }
    for (const id of [2, 3]) site.step(site.heartbeat(id));
  };
  others();
  site.write(questionKey(name), encodeQuestion(question));
  const alive = { verdict: "alive", evidence: "" } as const;
  for (const of of ["idc2", "witness"]) {
    const said = {
      site: of,
      question: question.id,
      master: { verdict: "dead", evidence: "" },
      replicas: { 2: alive, 3: alive },
      told: { epoch: 7, maxOffset: of === "idc2" ? 4_000n : 5_000n },
      at: 1,
    } as const;
    site.write(answerKey(name, of), encodeAnswer(said, name));
  }
  return [...waitForReadings(site), ...site.pass(100)];
}

function waitForReadings(site: SiteUnderTest): readonly Command[] {
  const asked = site.pass(100);
  return [...asked, ...site.step(site.probed(2, false)), ...site.step(site.probed(3, false)), ...site.pass(400)];
}

function putsOf(commands: readonly Command[]) {
  return commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
}

function decisionIn(commands: readonly Command[]): DecisionRecord | undefined {
  const found = putsOf(commands).find(({ key }) => key.startsWith("decisions/"));
  return found === undefined ? undefined : decodeDecision(found.text);
}

test("what is lost is counted from what any site has heard of the old master", () => {
  expect(decisionIn(decideWith({}))?.verdict).toMatchObject({ knownLag: 4_000n });
});

test("maxLostBytes is held against that", () => {
  expect(decisionIn(decideWith({ rpo: "bounded", maxLostBytes: 4_000 }))).toBeDefined();
  const refused = decideWith({ rpo: "bounded", maxLostBytes: 3_999 });
  expect(decisionIn(refused)).toBeUndefined();
  const refusal = putsOf(refused).find(({ key }) => key === refusalKey(name));
  expect(decodeRefusal(refusal?.text ?? "").reason).toBe("loss-too-large");
});
