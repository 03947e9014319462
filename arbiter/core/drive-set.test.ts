import { describe, expect, test } from "vitest";
import { question } from "./decision.fixture.ts";
import { encodeRefusal } from "./decision-records.ts";
import type { Command } from "./events.ts";
import { questionKey, refusalKey, setKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeQuestion } from "./records.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";
import { onTrigger } from "./transitions.ts";

test("a set of a cluster that this site's config does not have is nobody's to ask or to tell from here", () => {
  const site = siteUnderTest({ ...decidedSet, cluster: "C9" }, { cluster: "C9" });
  const name = setName("C9", "bs1");
  const asked = { id: "8.1", cluster: "C9", set: "bs1", epoch: 8, master: 2, askedBy: "idc2", restarted: false, at: 1 };
  const commands = [
    ...site.decided({ ...decision, id: "C9/bs1/8" }, { ...decidedSet, cluster: "C9", decision: "C9/bs1/8" }),
    ...site.pass(3_000),
    ...site.write(questionKey(name), encodeQuestion(asked)),
    ...site.pass(3_000),
  ];
  const kinds = new Set(commands.map(({ kind }) => kind));
  for (const kind of ["probe", "notify", "readSettings", "readInSync", "readRoute", "canary"] as const) {
    expect(kinds).not.toContain(kind);
  }
  const written = commands.flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []));
  expect(written.filter(({ key }) => key.includes("C9"))).toEqual([]);
});

describe("what a site tells of a set's phases", () => {
  const name = setName("C1", "bs1");
  const told = (commands: readonly Command[]): unknown[] =>
    commands.flatMap((command) =>
      command.kind === "note" && command.sentence === "set changed its phase" ? [command.fields] : [],
    );
  const of = (from: string | null, to: string, epoch: number, why: string) => ({ set: name, from, to, epoch, why });

  test("a set that it comes upon was somewhere before: that is no first master", () => {
    const commands: Command[] = [];
    siteUnderTest(decidedSet, { onCommands: (given) => commands.push(...given) });
    expect(told(commands)).toEqual([of(null, "installing", 8, "This site had not seen the set before")]);
  });

  test("a question that a decision answers, and one that is denied while a decision's effects are under way, end otherwise", () => {
    const site = siteUnderTest();
    site.write(questionKey(name), encodeQuestion(question));
    const decided = [...site.decided(decision, decidedSet), ...site.remove(questionKey(name))];
    expect(told(decided)).toEqual([of("suspected", "installing", 8, onTrigger("suspected", "elected").why)]);
    site.write(questionKey(name), encodeQuestion({ ...question, id: "8.1", epoch: 8, master: 2 }));
    expect(told(site.remove(questionKey(name)))).toEqual([
      of("suspected", "installing", 8, onTrigger("suspected", "decisionLeft").why),
    ]);
  });

  test("a recovery is told as such wherever the set stands", () => {
    const site = siteUnderTest({ ...heldSet, frozen: { code: "operator", reason: "work", at: 1, until: null } });
    const recovery = { ...decision, input: { ...decision.input, kind: "recover" } } as const;
    expect(told(site.decided(recovery, decidedSet))).toEqual([
      of("frozen", "installing", 8, onTrigger("frozen", "recovered").why),
    ]);
  });

  test("what no row leads to was missed in part", () => {
    const site = siteUnderTest();
    const refusal = {
      question: question.id,
      site: "idc2",
      at: 1,
      reason: "no-candidate",
      why: "",
      rejected: [],
    } as const;
    site.write(refusalKey(name), encodeRefusal(refusal, name));
    expect(told(site.write(questionKey(name), encodeQuestion(question)))).toContainEqual(
      of("held", "blocked", 7, "This site has missed what lay in between"),
    );
  });

  test("a set that is cleaned away, and registers again, is another one, which nobody has held", () => {
    const site = siteUnderTest();
    const again = { ...heldSet, epoch: 0, inSyncEpoch: 0, master: null, inSync: [] };
    expect(told([...site.remove(setKey(name)), ...site.record(again)])).toEqual([]);
    const first = { ...decidedSet, epoch: 1, decision: "C1/bs1/1" };
    expect(told(site.record(first))).toEqual([of("new", "installing", 1, onTrigger("new", "firstElected").why)]);
  });
});
