import { describe, expect, test } from "vitest";
import { question } from "./decision.fixture.ts";
import { encodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { questionKey, refusalKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeQuestion, encodeSite } from "./records.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";

const name = setName("C1", "bs1");
const done = { ...decidedSet, decision: null };
const told = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.kind === "happened" ? [command.happened] : []));
const ids = (commands: readonly Command[]) => told(commands).map(({ id }) => id);

/** idc1 leads, unless it is another site that is under test. */
function openSite(site?: string) {
  const under = siteUnderTest(heldSet, site === undefined ? {} : { site });
  under.pass(500);
  return under;
}

const beatOf = (site: string) =>
  [
    siteKey(site),
    encodeSite({ site, controller: `${site}:9878`, version: "test", beat: 1, unheard: [], votes: true, why: "" }),
  ] as const;

describe("the site that leads tells", () => {
  test("a suspicion, once", () => {
    const site = openSite();
    const commands = [...site.write(questionKey(name), encodeQuestion(question)), ...site.pass(1_000)];
    expect(told(commands)).toMatchObject([
      {
        id: "suspect/C1/bs1/7.1",
        event: "suspect",
        set: "C1/bs1",
        epoch: 7,
        master: { id: 1, address: "10.1.0.1:10911" },
        question: "7.1",
        why: "idc2 asks whether broker 1 is down",
      },
    ]);
  });

  test("a decision when it is made, and when it is carried out", () => {
    const site = openSite();
    expect(told([...site.decided(decision, decidedSet), ...site.pass(100)])).toMatchObject([
      { id: "commit/C1/bs1/8", event: "commit", epoch: 8, master: { id: 2 }, kind: "failover", why: "for this test" },
    ]);
    expect(ids([...site.record(done), ...site.pass(100)])).toEqual(["done/C1/bs1/8"]);
  });

  test("both of a decision that it was told of late", () => {
    expect(ids(openSite().record(done))).toEqual(["commit/C1/bs1/8", "done/C1/bs1/8"]);
  });

  test("the decision, when the record comes before it", () => {
    const site = openSite();
    expect(ids(site.record(decidedSet))).toEqual([]);
    expect(ids(site.decided(decision, decidedSet))).toEqual(["commit/C1/bs1/8"]);
  });

  test("what blocks a question, and what blocks a promotion", () => {
    const refusal = { question: "7.1", site: "idc2", why: "why not", rejected: [], at: 1 } as const;
    const site = openSite();
    site.write(questionKey(name), encodeQuestion(question));
    const blocked = encodeRefusal({ ...refusal, reason: "no-candidate" }, name);
    expect(told(site.write(refusalKey(name), blocked))).toMatchObject([
      {
        id: "blocked/C1/bs1/7.1/no-candidate",
        reason: "no-candidate",
        question: "7.1",
        decision: null,
        why: "why not",
      },
    ]);
    const other = openSite();
    other.decided(decision, decidedSet);
    const unfenced = { ...refusal, question: decision.id, reason: "not-fenced" } as const;
    expect(told(other.write(refusalKey(name), encodeRefusal(unfenced, name)))).toMatchObject([
      { id: "blocked/C1/bs1/C1/bs1/8/not-fenced", question: null, decision: "C1/bs1/8" },
    ]);
  });

  test("nothing of what was there before it began", () => {
    const site = siteUnderTest(decidedSet);
    expect(ids(site.pass(1_000))).toEqual([]);
  });
});

describe("a site that does not lead", () => {
  test("tells nothing while another one does", () => {
    const site = openSite("idc2");
    const commands: Command[] = [];
    for (let ms = 0; ms < 3_000; ms += 250) {
      commands.push(...site.write(...beatOf("idc1")));
      if (ms === 1_000) commands.push(...site.decided(decision, decidedSet));
      commands.push(...site.pass(250));
    }
    expect(ids(commands)).toEqual([]);
  });

  test("tells what is young when it comes to lead: the one before may not have told it", () => {
    const site = openSite("idc2");
    site.write(...beatOf("idc1"));
    const commands = [...site.decided(decision, decidedSet), ...site.pass(1_200)];
    expect(ids(commands)).toEqual(["commit/C1/bs1/8"]);
  });
});
