import { expect, test } from "vitest";
import { questionKey } from "./keys.ts";
import { setName } from "./model.ts";
import { encodeQuestion } from "./records.ts";
import { decidedSet, decision, siteUnderTest } from "./site.fixture.ts";

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
