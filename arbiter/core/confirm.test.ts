import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confirm, majorityOf } from "./confirm.ts";
import { answer, question, threeSites } from "./decision.fixture.ts";
import { verdicts } from "./model.ts";

const fiveSites = ["a", "b", "c", "d", "e"];

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])("of %i sites a majority is %i", (count, majority) => {
  expect(majorityOf(fiveSites.slice(0, count))).toBe(majority);
});

describe("a master is confirmed down", () => {
  test("when a majority of the recorded sites says so, whatever the others say", () => {
    const answers = [answer("idc1", "alive"), answer("idc2", "silent"), answer("witness", "silent")];
    expect(confirm(question, threeSites, answers)).toEqual({
      kind: "confirmed",
      downAt: ["idc2", "witness"],
      positive: false,
    });
  });

  test("not when only a majority of the answers says so", () => {
    expect(confirm(question, threeSites, [answer("idc2", "dead")])).toEqual({ kind: "open" });
    expect(confirm(question, fiveSites, [answer("a", "dead"), answer("b", "dead")])).toEqual({ kind: "open" });
  });

  test("positively only when a majority says dead", () => {
    const of = (...said: ("dead" | "silent")[]) =>
      confirm(
        question,
        threeSites,
        said.map((verdict, at) => answer(threeSites[at] ?? "", verdict)),
      );
    expect(of("dead", "dead", "silent")).toMatchObject({ kind: "confirmed", positive: true });
    expect(of("dead", "silent", "silent")).toMatchObject({ kind: "confirmed", positive: false });
  });

  test("not by sites that do not know", () => {
    const answers = [answer("idc1", "unknown"), answer("idc2", "dead"), answer("witness", "unknown")];
    expect(confirm(question, threeSites, answers)).toEqual({ kind: "open" });
  });
});

describe("a question is refuted", () => {
  test("when a majority hears the master and nobody says down", () => {
    const answers = [answer("idc1", "alive"), answer("idc2", "unknown"), answer("witness", "alive")];
    expect(confirm(question, threeSites, answers)).toEqual({ kind: "refuted", aliveAt: ["idc1", "witness"] });
  });

  test("not while one site says down", () => {
    const answers = [answer("idc1", "alive"), answer("idc2", "silent"), answer("witness", "alive")];
    expect(confirm(question, threeSites, answers)).toEqual({ kind: "open" });
  });

  test("not by fewer than a majority", () => {
    expect(confirm(question, threeSites, [answer("idc1", "alive")])).toEqual({ kind: "open" });
  });
});

describe("an answer does not count", () => {
  const counted = answer("idc1", "dead");

  test("for an old question", () => {
    const late = answer("idc2", "dead", { question: "7.0" });
    expect(confirm(question, threeSites, [counted, late])).toEqual({ kind: "open" });
  });

  test("from a site that does not vote", () => {
    expect(confirm(question, threeSites, [counted, answer("idc9", "dead")])).toEqual({ kind: "open" });
  });

  test("twice, and of a site that says two things the more cautious one counts", () => {
    expect(confirm(question, threeSites, [counted, counted])).toEqual({ kind: "open" });
    const torn = [counted, answer("idc2", "dead"), answer("idc2", "unknown")];
    expect(confirm(question, threeSites, torn)).toEqual({ kind: "open" });
    expect(confirm(question, threeSites, torn.toReversed())).toEqual({ kind: "open" });
  });

  test("twice for a site that is recorded twice", () => {
    const sites = ["idc1", "idc1", "idc2", "witness"];
    expect(confirm(question, sites, [counted])).toEqual({ kind: "open" });
    expect(confirm(question, sites, [counted, answer("idc2", "dead")])).toMatchObject({ kind: "confirmed" });
  });
});

test("I2: confirmed exactly when more than half of the recorded sites say down, in whatever order the answers come", () => {
  const site = fc.constantFrom(...fiveSites, "stranger");
  const given = fc.array(fc.tuple(site, fc.constantFrom(...verdicts), fc.constantFrom("7.1", "7.0", "6.1")));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), given, fc.nat(), (count, said, turn) => {
      const sites = fiveSites.slice(0, count);
      const answers = said.map(([from, verdict, id]) => answer(from, verdict, { question: id }));
      const verdict = confirm(question, sites, answers);
      const at = answers.length === 0 ? 0 : turn % answers.length;
      expect(confirm(question, sites, [...answers.slice(at), ...answers.slice(0, at)])).toEqual(verdict);

      const own = sites.map((name) => answers.filter((one) => one.site === name && one.question === "7.1"));
      const sayOnly = (...allowed: string[]) =>
        own.filter((all) => all.length > 0 && all.every(({ master }) => allowed.includes(master.verdict))).length;
      expect(verdict.kind === "confirmed").toBe(sayOnly("silent", "dead") * 2 > count);
      if (verdict.kind === "confirmed") expect(verdict.positive).toBe(sayOnly("dead") * 2 > count);
      if (verdict.kind === "refuted") expect(sayOnly("silent", "dead")).toBe(0);
    }),
  );
});
