import { expect, test } from "vitest";
import { ack } from "../checkers/made.ts";
import type { Reign } from "../checkers/reigns.ts";
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
  epochsOfTwo: [],
  gap: { movedMs: 400, lastMs: -20, all: { ms: 450, fromMs: -20 }, bySite: {} },
  set: { acked: 6_000, enough: true, lost: [], duplicated: [], reordered: [] },
  stale: { acks: [], spanMs: 0 },
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
  ["a stale acknowledgement", { stale: { acks: [ack("x", 0)], spanMs: 310 } }, /1 acknowledgements .* over 310 ms: x/],
  ["two masters in one epoch", { epochsOfTwo: [8] }, /two masters in epochs 8/],
  ["replicas that do not come back", { inSyncMs: null }, /not all replicas came back/],
  ["a killed master that nobody replaces", { named: [] }, /no other master was named/],
  ["a killed master that is named again", { named: [same] }, /no other master was named/],
  ["a new master that accepts nothing", { gap: { ...good.gap, movedMs: null } }, /no other master accepted/],
  ["a restart under the old epoch", { fault: "restart", named: [] }, /its epoch is still 7/],
  ["another master while one link is cut", { fault: "link" }, /needless switch: a:1 in 7, then b:1 in 8/],
  ["another epoch while one link is cut", { fault: "link-witness", named: [same] }, /needless switch/],
  ["another master when an arbiter dies", { fault: "leader" }, /a master was replaced/],
])("%s is a problem", (_, change, problem) => {
  expect(problemsOf({ ...good, ...change })).toEqual([expect.stringMatching(problem)]);
});

test("a restarted master may be named under a new epoch", () => {
  expect(problemsOf({ ...good, fault: "restart", named: [same], gap: { ...good.gap, movedMs: null } })).toEqual([]);
});

test("a master that stays while it must needs no write elsewhere", () => {
  expect(problemsOf({ ...good, fault: "link", named: [], gap: { ...good.gap, movedMs: null } })).toEqual([]);
});
