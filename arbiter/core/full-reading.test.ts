import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { question } from "./decision.fixture.ts";
import { encodeDecision } from "./decision-records.ts";
import type { LedgerEntry } from "./events.ts";
import { decisionKey, questionKey, setKey, siteKey } from "./keys.ts";
import { load, newMirror } from "./mirror.ts";
import { setName } from "./model.ts";
import { encodeQuestion, encodeSet, encodeSite } from "./records.ts";
import { decidedSet, decision } from "./site.fixture.ts";

const name = setName("C1", "bs1");
const site = { site: "idc2", controller: "", version: "", beat: 7, unheard: [], votes: true, why: "" };
const entries: readonly LedgerEntry[] = [
  { key: setKey(name), text: encodeSet(decidedSet), revision: 11n },
  { key: decisionKey(decision.id), text: encodeDecision(decision), revision: 11n },
  { key: questionKey(name), text: encodeQuestion({ ...question, epoch: 8, id: "8.1" }), revision: 12n },
  { key: siteKey("idc2"), text: encodeSite(site), revision: 13n },
];

describe("a full reading", () => {
  test("of what was known before leaves it as old as it was", () => {
    const mirror = newMirror();
    load(mirror, entries, 13n, 1_000 as Instant);
    load(mirror, entries, 13n, 9_000 as Instant);
    const view = mirror.sets.get(name);
    expect([view?.decision?.seenAt, view?.question?.seenAt]).toEqual([1_000, 1_000]);
  });

  test("does not make a site's beat a fresh one: it may be as old as a lease", () => {
    const mirror = newMirror();
    load(mirror, entries, 13n, 10_000 as Instant);
    expect(mirror.sites.get("idc2")?.seenAt).toBeLessThan(10_000 - 1_500);
  });
});
