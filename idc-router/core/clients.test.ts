import { describe, expect, test } from "vitest";
import { nearestAllocator } from "#lib/telemetry.ts";
import { clientAgeMsMax, createClients, groupsMax, memberAgeMsMax, membersInAllMax, membersMax } from "./clients.ts";

const group = { topic: "orders", group: "billing" };
const at = (id: string, idc = "idc1") => ({ id, idc });
const all = (ids: readonly string[]) => ids.map((id) => at(id));
const report = (more: object = {}) => ({ client: "c1", number: 1, version: "1", idc: "idc1", groups: [], ...more });

describe("clients", () => {
  test("are counted by version and IDC while they tell something", () => {
    const clients = createClients();
    clients.heard(report(), 0);
    clients.heard(report({ client: "c2" }), 0);
    clients.heard(report({ client: "c3", idc: "idc2" }), 30_000);
    expect(clients.counts(30_000)).toEqual([
      { version: "1", idc: "idc1", count: 2 },
      { version: "1", idc: "idc2", count: 1 },
    ]);
    expect(clients.counts(clientAgeMsMax + 1)).toEqual([{ version: "1", idc: "idc2", count: 1 }]);
  });

  test("count once what they tell twice", () => {
    const clients = createClients();
    expect([1, 1, 2, 1].map((number) => clients.heard(report({ number }), 0))).toEqual([true, false, true, false]);
  });
});

describe("a group that mixes allocators", () => {
  test("is one that fell back to what all its members know, until it agrees on ours or nobody tells any more", () => {
    const agreed = (allocator: string) => report({ groups: [{ ...group, allocator }] });
    const clients = createClients();
    clients.heard(agreed(nearestAllocator), 0);
    expect(clients.mixed(0)).toEqual([]);
    clients.heard(agreed("RoundRobinAssigner"), 1_000);
    expect(clients.mixed(1_000)).toMatchObject([{ ...group, why: expect.stringContaining("RoundRobinAssigner") }]);
    expect(clients.mixed(1_000 + clientAgeMsMax + 1)).toEqual([]);
    clients.heard(agreed("RoundRobinAssigner"), 100_000);
    clients.heard(agreed(nearestAllocator), 100_001);
    expect(clients.mixed(100_001)).toEqual([]);
  });

  test("is one with a member that others name and that never asks itself", () => {
    const clients = createClients();
    const everySecond = (from: number, to: number, asking: readonly string[], members: readonly string[]) => {
      for (let now = from; now <= to; now += 10_000)
        for (const id of asking) clients.allocated({ ...group, ...at(id) }, all(members), now);
    };
    everySecond(0, memberAgeMsMax, ["a", "b"], ["a", "b", "stock"]);
    expect(clients.mixed(memberAgeMsMax)).toEqual([]);
    everySecond(memberAgeMsMax + 10_000, memberAgeMsMax + 10_000, ["a", "b"], ["a", "b", "stock"]);
    expect(clients.mixed(memberAgeMsMax + 10_000)).toMatchObject([{ ...group, why: expect.stringContaining("stock") }]);
    // It leaves: nobody names it any more.
    everySecond(200_000, 400_000, ["a", "b"], ["a", "b"]);
    expect(clients.mixed(400_000)).toEqual([]);
  });

  test("is not one whose members come and go, or that nobody asks for any more", () => {
    const clients = createClients();
    clients.allocated({ ...group, ...at("a") }, all(["a", "b"]), 0);
    expect(clients.mixed(memberAgeMsMax * 3)).toEqual([]);
    for (let now = 0; now < 300_000; now += 30_000)
      for (const id of ["a", "b"])
        clients.allocated({ ...group, ...at(id) }, all(["a", "b", ...(now > 270_000 ? ["new"] : [])]), now);
    expect(clients.mixed(300_000)).toEqual([]);
  });

  test("is not one whose other members are in another IDC: they ask there", () => {
    const clients = createClients();
    const members = [...all(["a", "b"]), at("far", "idc2")];
    for (let now = 0; now <= memberAgeMsMax * 3; now += 10_000)
      for (const id of ["a", "b"]) clients.allocated({ ...group, ...at(id) }, members, now);
    expect(clients.mixed(memberAgeMsMax * 3)).toEqual([]);
  });

  test("is one with a member of which nobody knows the IDC, and that never asks", () => {
    const clients = createClients();
    for (let now = 0; now <= memberAgeMsMax * 3; now += 10_000)
      clients.allocated({ ...group, ...at("a") }, [at("a"), at("stock", ""), at("far", "idc2")], now);
    expect(clients.mixed(memberAgeMsMax * 3)).toMatchObject([
      { why: "1 of its 2 members never ask here, stock first" },
    ]);
  });
});

describe("of too many", () => {
  const names = (count: number, prefix: string) => Array.from({ length: count }, (_, nth) => at(`${prefix}${nth}`));

  test("groups the one goes of which nobody has told for longest", () => {
    const clients = createClients();
    const tell = (name: string, now: number) =>
      clients.heard(report({ groups: [{ topic: "orders", group: name, allocator: "RoundRobinAssigner" }] }), now);
    for (let nth = 0; nth < groupsMax; nth += 1) tell(`g${nth}`, 0);
    tell("g0", 1);
    tell("one more", 1);
    const known = new Set(clients.mixed(1).map((mixed) => mixed.group));
    expect(known.size).toBe(groupsMax);
    expect(["g0", "g1", "g2", "one more"].map((name) => known.has(name))).toEqual([true, false, true, true]);
  });

  test("members of one group the first ones are kept, for as long as they are named", () => {
    const clients = createClients();
    const tell = (prefix: string, now: number) =>
      clients.allocated({ ...group, ...at("a") }, [at("a"), ...names(membersMax - 1, prefix)], now);
    for (let now = 0; now <= memberAgeMsMax + 10_000; now += 10_000) for (const prefix of ["x", "y"]) tell(prefix, now);
    expect(clients.mixed(memberAgeMsMax + 10_000)).toMatchObject([
      { why: `${membersMax - 1} of its ${membersMax} members never ask here, x0 first` },
    ]);
  });

  test("members of all groups those go with their group of which nobody has told for longest", () => {
    const clients = createClients();
    const groups = Array.from({ length: membersInAllMax / membersMax }, (_, nth) => `g${nth}`);
    const members = [at("a"), ...names(membersMax - 1, "x")];
    const tell = (name: string, now: number) =>
      clients.allocated({ topic: "orders", group: name, ...at("a") }, members, now);
    for (const now of [0, memberAgeMsMax, memberAgeMsMax + 1]) for (const name of groups) tell(name, now);
    expect(clients.mixed(memberAgeMsMax + 1).map((mixed) => mixed.group)).toEqual(groups);
    tell("one more", memberAgeMsMax + 1);
    expect(clients.mixed(memberAgeMsMax + 1).map((mixed) => mixed.group)).toEqual(groups.slice(1));
  });
});
