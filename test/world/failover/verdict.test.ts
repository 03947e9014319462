import { expect, test } from "vitest";
import { ack } from "../checkers/made.ts";
import type { Reign } from "../checkers/reigns.ts";
import { serverSites } from "../network/sites.ts";
import type { Outcome } from "./play.ts";
import { problemsOf } from "./verdict.ts";

const other: Reign = { epoch: 8, broker: "b:1", firstSeenAt: 100, lastSeenAt: 900 };
const same: Reign = { ...other, broker: "a:1" };

/** Of a kill that went well. */
const good: Outcome = {
  fault: "kill",
  old: "a:1",
  oldEpoch: 7,
  named: [other],
  namedLater: [],
  decidedMs: 240,
  epochsOfTwo: [],
  gap: { movedMs: 400, lastMs: -20, all: { ms: 450, fromMs: -20 }, bySite: {} },
  set: { acked: 6_000, enough: true, lost: [], duplicated: [], reordered: [] },
  stale: { acks: [], spanMs: 0, late: 0 },
  mute: [],
  doubts: [],
  blindMs: 80,
  acting: ["b:1"],
  inSyncMs: 9_000,
  evidence: "",
};

test("a failover in which all went well has no problems", () => {
  expect(problemsOf(good)).toEqual([]);
});

test.each<[string, Partial<Outcome>, RegExp]>([
  ["too few messages", { set: { ...good.set, acked: 12, enough: false } }, /only 12 messages/],
  [
    "a lost message",
    { set: { ...good.set, lost: [ack("x", 0)] } },
    /1 of 6000 acknowledged messages are lost: x at a:1/,
  ],
  ["a duplicate", { set: { ...good.set, duplicated: ["x"] } }, /1 messages are there more than once/],
  ["a message out of order", { set: { ...good.set, reordered: [ack("x", 0)] } }, /out of order: x/],
  [
    "a stale acknowledgement",
    { stale: { acks: [ack("x", 0)], spanMs: 310, late: 0 } },
    /1 acknowledgements .* over 310 ms: x/,
  ],
  [
    "an acknowledgement by a muted master",
    { fault: "site", mute: [ack("x", 0)] },
    /1 acknowledgements .* own IDC left: x/,
  ],
  ["an old master that stays one", { acting: ["a:1", "b:1"] }, /a:1 and b:1 acts as master, and b:1 is on record/],
  ["a set in which nobody acts", { acting: [] }, /nobody acts as master/],
  ["two masters in one epoch", { epochsOfTwo: [8] }, /two masters in epochs 8/],
  ["replicas that do not come back", { inSyncMs: null }, /not all replicas came back/],
  ["a killed master that nobody replaces", { named: [], acting: ["a:1"] }, /no other master was named/],
  ["a killed master that is named again", { named: [same], acting: ["a:1"] }, /no other master was named/],
  ["a new master that accepts nothing", { gap: { ...good.gap, movedMs: null } }, /no other master accepted/],
  ["a restart under the old epoch", { fault: "restart", named: [], acting: ["a:1"] }, /its epoch is still 7/],
  ["another master while one link is cut", { fault: "link" }, /needless switch: a:1 in 7, then b:1 in 8/],
  ["another epoch while one link is cut", { fault: "link", named: [same], acting: ["a:1"] }, /needless switch/],
  ["another master when an arbiter dies", { fault: "leader" }, /a master was replaced/],
])("%s is a problem", (_, change, problem) => {
  expect(problemsOf({ ...good, ...change })).toEqual([expect.stringMatching(problem)]);
});

test("a restarted master may be named under a new epoch", () => {
  expect(
    problemsOf({ ...good, fault: "restart", named: [same], acting: ["a:1"], gap: { ...good.gap, movedMs: null } }),
  ).toEqual([]);
});

test("a master that stays while it must needs no write elsewhere", () => {
  expect(
    problemsOf({ ...good, fault: "link", named: [], acting: ["a:1"], gap: { ...good.gap, movedMs: null } }),
  ).toEqual([]);
});

const shown = serverSites.map((shownAt) => ({ shownAt, doubter: "witness" }));
/** Of a link to the witness that was cut. */
const calm: Outcome = { ...good, fault: "deaf-witness", named: [], acting: ["a:1"], doubts: shown };

test("a master that one site does not hear stays, and every arbiter shows who doubts", () => {
  expect(problemsOf(calm)).toEqual([]);
});

test.each<[string, Partial<Outcome>, RegExp]>([
  ["a doubt that one arbiter does not show", { doubts: shown.slice(1) }, /^idc1 does not show that witness doubts$/],
  [
    "a site that doubts though it hears the master",
    { doubts: [...shown, { shownAt: "idc2", doubter: "idc1" }] },
    /^idc1 doubts, as idc2 shows$/,
  ],
])("%s is a problem", (_, change, problem) => {
  expect(problemsOf({ ...calm, ...change })).toEqual([expect.stringMatching(problem)]);
});
