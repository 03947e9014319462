import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { policyKey } from "./keys.ts";
import { heldSet, type SiteUnderTest, siteUnderTest } from "./site.fixture.ts";

/**
 * How long the in-sync set is kept from shrinking into one IDC (`survive: idc`) or to its master alone (`rpo: zero`). Brokers 1 and 3 are
 * in idc1, 2 is in idc2.
 */

const degradeAfterMs = 10_000;
/** A master repeats its wish so often. */
const repeatMs = 5_000;

function createSite(policy: object = { survive: "idc", degradeAfterMs }, site = siteUnderTest()): SiteUnderTest {
  site.write(policyKey, JSON.stringify({ policies: [{ match: "*", ...policy }] }));
  return site;
}

let asks = 0;

/** @returns the members that the record has then, or the refusal */
function wish(
  site: SiteUnderTest,
  inSync: readonly number[],
  inSyncEpoch = heldSet.inSyncEpoch,
  heard: readonly number[] = [1, 2, 3],
): string {
  for (const id of heard) site.step(site.heartbeat(id));
  asks += 1;
  const commands: readonly Command[] = site.ask(asks, {
    kind: "alterInSync",
    set: "bs1",
    master: 1,
    epoch: heldSet.epoch,
    inSync,
    inSyncEpoch,
  });
  const answer = commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []))[0];
  if (answer?.kind === "alterInSync") return answer.inSync.join(", ");
  return answer?.kind === "refused" ? answer.remark : "no answer";
}

const kept = expect.stringContaining("policy survive: idc keeps the set across IDCs for degradeAfterMs = 10000 ms");

function passing(site: SiteUnderTest, ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) {
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.pass(1_000);
  }
}

describe("a wish to shrink the in-sync set into one IDC", () => {
  test("is refused until it was repeated for degradeAfterMs", () => {
    const site = createSite();
    expect(wish(site, [1, 3])).toEqual(kept);
    passing(site, repeatMs);
    expect(wish(site, [1, 3])).toEqual(kept);
    passing(site, repeatMs);
    expect(wish(site, [1, 3])).toBe("1, 3");
  });

  test("is granted when degradeAfterMs is over, where it was repeated shortly before: the next one would be 5 s late", () => {
    const site = createSite();
    expect(wish(site, [1, 3])).toEqual(kept);
    passing(site, repeatMs);
    expect(wish(site, [1, 3])).toEqual(kept);
    passing(site, 3_000);
    expect(wish(site, [1, 3])).toBe("no answer");
    const early = site.pass(1_900);
    expect(early.filter(({ kind }) => kind === "answer")).toEqual([]);
    const answers = site.pass(200).flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
    expect(answers).toMatchObject([{ kind: "alterInSync", inSync: [1, 3] }]);
  });

  test("is granted at once where the policy is to survive a broker", () => {
    expect(wish(createSite({ survive: "broker", degradeAfterMs }), [1, 3])).toBe("1, 3");
  });

  test("is granted at once where the set is within one IDC anyway", () => {
    const site = createSite(undefined, siteUnderTest({ ...heldSet, inSync: [1, 3] }));
    expect(wish(site, [1])).toBe("1");
  });

  test("begins anew when it was not repeated for long", () => {
    const site = createSite();
    wish(site, [1, 3]);
    passing(site, 3 * repeatMs);
    expect(wish(site, [1, 3])).toEqual(kept);
  });

  test("begins anew when the set has changed since, at whatever site", () => {
    const site = createSite();
    wish(site, [1, 3]);
    passing(site, repeatMs);
    site.record({ ...heldSet, inSync: [1, 2], inSyncEpoch: 21 });
    passing(site, repeatMs);
    expect(wish(site, [1], 21)).toEqual(kept);
    passing(site, repeatMs);
    expect(wish(site, [1], 21)).toEqual(kept);
    passing(site, repeatMs);
    expect(wish(site, [1], 21)).toBe("1");
  });
});

test("a wish that keeps the set across its IDCs is granted at once", () => {
  expect(wish(createSite(), [1, 2])).toBe("1, 2");
});

test("a wish to shrink into one IDC is refused also where nobody hears the other one: it may come back", () => {
  const site = createSite();
  for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
  for (let second = 0; second < 4; second += 1) {
    for (const id of [1, 3]) site.step(site.heartbeat(id));
    site.pass(1_000);
  }
  expect(wish(site, [1, 3], heldSet.inSyncEpoch, [1, 3])).toEqual(kept);
});

describe("with rpo: zero a wish to leave the master alone", () => {
  const alone = expect.stringContaining(
    "policy rpo: zero keeps the master from being alone for degradeAfterMs = 10000 ms",
  );

  test.each(["broker", "idc"])("is refused until it was repeated for degradeAfterMs (survive: %s)", (survive) => {
    const record = survive === "idc" ? { ...heldSet, inSync: [1, 3] } : heldSet;
    const site = createSite({ rpo: "zero", survive, degradeAfterMs }, siteUnderTest(record));
    expect(wish(site, [1])).toEqual(alone);
    passing(site, repeatMs);
    expect(wish(site, [1])).toEqual(alone);
    passing(site, repeatMs);
    expect(wish(site, [1])).toBe("1");
  });

  test("is refused as long again where the set has just left the other IDC", () => {
    const site = createSite({ rpo: "zero", survive: "idc", degradeAfterMs });
    for (const refusal of [kept, kept]) {
      expect(wish(site, [1, 3])).toEqual(refusal);
      passing(site, repeatMs);
    }
    expect(wish(site, [1, 3])).toBe("1, 3");
    expect(wish(site, [1], heldSet.inSyncEpoch + 1)).toEqual(alone);
  });

  test("is granted at once where nobody hears the others either: they are gone, not left", () => {
    const site = createSite({ rpo: "zero", degradeAfterMs });
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    for (let second = 0; second < 4; second += 1) {
      site.step(site.heartbeat(1));
      site.pass(1_000);
    }
    expect(wish(site, [1], heldSet.inSyncEpoch, [1])).toBe("1");
    const other = createSite({ rpo: "zero", degradeAfterMs });
    for (const id of [1, 2, 3]) other.step(other.heartbeat(id));
    for (let second = 0; second < 4; second += 1) {
      for (const id of [1, 3]) other.step(other.heartbeat(id));
      other.pass(1_000);
    }
    expect(wish(other, [1], heldSet.inSyncEpoch, [1, 3])).toEqual(alone);
  });

  test("is granted at once with another rpo, and where one of two others stays", () => {
    expect(wish(createSite({ rpo: "bounded", degradeAfterMs }), [1])).toBe("1");
    expect(wish(createSite({ rpo: "zero", degradeAfterMs }), [1, 3])).toBe("1, 3");
  });
});
