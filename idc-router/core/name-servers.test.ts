import { beforeEach, describe, expect, test } from "vitest";
import type { Command, Event } from "./events.ts";
import { answering, hearNameServer, type NameServers, sameAddresses } from "./name-servers.ts";

const addresses = (master: string) => new Map([[0, master]]);
const two = { bs1: "idc1:1", bs2: "idc2:1" };

let all: NameServers;

beforeEach(() => {
  all = new Map();
});

function hear(event: Extract<Event, { kind: "brokers" | "nameServerSilent" }>): readonly Command[] {
  const commands: Command[] = [];
  all = hearNameServer(all, event, commands);
  return commands;
}

const shows = (askedAt: number, sets: Readonly<Record<string, string>> = two, nameServer = "ns1:1") =>
  hear({
    kind: "brokers",
    cluster: "C1",
    nameServer,
    askedAt,
    sets: new Map(Object.entries(sets).map(([set, master]) => [set, addresses(master)])),
  });
const isSilent = (askedAt: number, nameServer = "ns1:1") =>
  hear({ kind: "nameServerSilent", cluster: "C1", nameServer, askedAt, detail: "timed out" });
const names = () => answering(all, "C1").map(({ nameServer }) => nameServer);

describe("topics are asked for again", () => {
  const again = [{ kind: "refreshTopics", cluster: "C1" }];

  test.each<[what: string, sets: Readonly<Record<string, string>>]>([
    ["one more set", { ...two, bs3: "idc3:1" }],
    ["one set less", { bs1: "idc1:1" }],
    ["another set in the place of one", { bs1: "idc1:1", bs3: "idc2:1" }],
    ["another address", { ...two, bs2: "idc2-b:1" }],
  ])("when a name server shows %s", (_, sets) => {
    expect(shows(1)).toEqual(again);
    expect(shows(2)).toEqual([]);
    expect(shows(3, sets)).toEqual(again);
  });

  test("not when it answers as before a silence", () => {
    shows(1);
    isSilent(2);
    expect(shows(3)).not.toContainEqual(again[0]);
  });
});

describe("people hear of a name server", () => {
  const fields = { cluster: "C1", nameServer: "ns1:1" };
  const gone = {
    kind: "note",
    level: "warn",
    sentence: "name server does not answer",
    fields: { ...fields, detail: "timed out" },
  };
  const back = { kind: "note", level: "info", sentence: "name server answers again", fields };

  test("that falls silent, once, and when it answers again, once", () => {
    expect(shows(1)).not.toContainEqual(back);
    expect(isSilent(2)).toEqual([gone]);
    expect(isSilent(3)).toEqual([]);
    expect(shows(4)).toEqual([back]);
    expect(shows(5)).toEqual([]);
  });

  test("that has never answered", () => {
    expect(isSilent(1)).toEqual([gone]);
  });
});

test("a second word on one question changes nothing, and one on an older question neither", () => {
  shows(2);
  expect(isSilent(2)).toEqual([{ kind: "older", source: "name-server", detail: "ns1:1 of C1" }]);
  expect(isSilent(1)).toMatchObject([{ kind: "older" }]);
  expect(names()).toEqual(["ns1:1"]);
});

test("a silent one keeps what it said last, and is none of those that answer", () => {
  shows(1);
  shows(1, two, "ns2:1");
  isSilent(2);
  expect(names()).toEqual(["ns2:1"]);
  expect(answering(all, "C2")).toEqual([]);
  const sets = new Map(Object.entries(two).map(([set, master]) => [set, addresses(master)]));
  expect(all.get("C1 ns1:1")).toMatchObject({ heardAt: 1, askedAt: 2, sets });
});

test("addresses are the same when each role has the same one", () => {
  const roles = new Map([
    [0, "a:1"],
    [1, "b:1"],
  ]);
  expect(sameAddresses(roles, new Map(roles))).toBe(true);
  expect(sameAddresses(roles, addresses("a:1"))).toBe(false);
  expect(sameAddresses(roles, new Map(roles).set(1, "c:1"))).toBe(false);
});
