import { expect, test } from "vitest";
import { sitesInTurn } from "./leader.ts";
import { setName } from "./model.ts";

const voters = ["idc1", "idc2", "witness"];
const both = new Set(["idc1", "idc2"]);
const numbers = Array.from({ length: 1_000 }, (_, at) => at);
const sets = numbers.map((at) => setName("C1", `set-${at}`));

test("a set's failover is driven first by a site whose IDC has a replica, and the others come after", () => {
  for (const name of sets) {
    const sites = sitesInTurn(name, voters, both);
    expect(sites.toSorted()).toEqual(voters);
    expect(sites.at(-1)).toBe("witness");
  }
  expect(sitesInTurn(setName("C1", "bs1"), voters, new Set(["witness"]))).toEqual(["witness", "idc1", "idc2"]);
});

test.each([
  ["sets of one cluster", (at: number) => setName("C1", `set-${at}`)],
  ["clusters with a set of their own name each", (at: number) => setName(`C${at}`, `C${at}`)],
  ["sets whose number is in their name twice", (at: number) => setName("C1", `bs-${at}-${at}`)],
])("of %s those sites drive as many each", (_, nameOf) => {
  const first = numbers.filter((at) => sitesInTurn(nameOf(at), voters, both)[0] === "idc1");
  expect(first.length).toBeGreaterThan(450);
  expect(first.length).toBeLessThan(550);
});

test("where no IDC has a site's name, all sets have the voters' order", () => {
  for (const name of sets) expect(sitesInTurn(name, voters, new Set(["dc-a"]))).toEqual(voters);
});
