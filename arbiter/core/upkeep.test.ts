import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import { losslessSettings } from "./decision.fixture.ts";
import type { Command } from "./events.ts";
import { protectionKey, questionKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { decodeProtection, decodeSet, encodeProtection, encodeQuestion, encodeSite } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";
import { timing } from "./timing.fixture.ts";
import { settingsReadMs, settingsRetryMs, settingsStaleMs } from "./timing.ts";

const told = (commands: readonly Command[]): number[] =>
  commands.flatMap((command) => (command.kind === "notify" ? [command.broker.id] : []));

describe("a new member of the in-sync set is confirmed", () => {
  const grown = { ...heldSet, inSyncEpoch: 21, unconfirmed: [3] };
  const isConfirmed = (commands: readonly Command[]): boolean =>
    commands.some(
      (command) =>
        command.kind === "commit" &&
        command.transaction.puts.some(
          ({ key, text }) => key === "sets/C1/bs1" && decodeSet(text).unconfirmed.length === 0,
        ),
    );
  const counts = { kind: "inSyncSeen", set: setName("C1", "bs1"), inSyncEpoch: 21, count: 3 } as const;
  const counted = () => {
    const site = siteUnderTest(grown);
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    // Before the master was seen to count it: of no use.
    site.step(site.probed(3, false, 5_000n));
    site.pass(200);
    site.step(counts);
    site.pass(200);
    return site;
  };

  test("when it has what the master had when it counted it", () => {
    const site = counted();
    expect(isConfirmed([...site.step(site.probed(1, true, 2_000n)), ...site.pass(200)])).toBe(false);
    expect(isConfirmed(site.step(site.probed(3, false, 2_000n)))).toBe(true);
  });

  test("also with an epoch in its file from before the same broker became master once more, as by a recovery", () => {
    const site = counted();
    site.step(site.probed(1, true, 2_000n, 8));
    expect(isConfirmed([...site.step(site.probed(3, false, 1_999n, 7)), ...site.pass(200)])).toBe(false);
    expect(isConfirmed(site.step(site.probed(3, false, 2_000n, 7)))).toBe(true);
  });

  test("not while it lacks some of that, also when the master has more by then", () => {
    const site = counted();
    site.step(site.probed(1, true, 2_000n));
    expect(isConfirmed([...site.step(site.probed(3, false, 1_999n)), ...site.pass(200)])).toBe(false);
    site.step(site.probed(1, true, 2_500n));
    expect(isConfirmed(site.step(site.probed(3, false, 2_000n)))).toBe(true);
  });

  test("not by what it had told before", () => {
    const site = counted();
    expect(isConfirmed([...site.step(site.probed(1, true, 2_000n)), ...site.pass(1_000)])).toBe(false);
  });

  test("not by a master that has restarted meanwhile", () => {
    const site = counted();
    site.step(site.probed(1, false, 2_000n));
    expect(isConfirmed([...site.step(site.probed(3, false, 2_000n)), ...site.pass(200)])).toBe(false);
  });
});

describe("a broker that is heard again", () => {
  test("is told who is master, for it may have missed it", () => {
    const site = siteUnderTest();
    expect(told(site.step(site.heartbeat(2)))).toEqual([2]);
  });

  test("is told nothing when it is the recorded master: one that has restarted would take its old epoch, at a shorter end", () => {
    const site = siteUnderTest();
    expect(told([...site.step(site.heartbeat(1)), ...site.pass(1_000)])).toEqual([]);
    const another = siteUnderTest();
    expect(told([...another.step(another.probed(1, false)), ...another.pass(1_000)])).toEqual([]);
  });

  test("is told of its successor when it was master", () => {
    const site = siteUnderTest();
    site.step(site.heartbeat(1));
    expect(told(site.record({ ...heldSet, epoch: 8, inSyncEpoch: 21, master: 2, inSync: [2] }))).toContain(1);
  });
});

describe("the level of protection", () => {
  const levels = (commands: readonly Command[]): string[] =>
    commands.flatMap((command) =>
      command.kind === "commit"
        ? command.transaction.puts.flatMap(({ key, text }) =>
            key.startsWith("protection/") ? [decodeProtection(text, setName("C1", "bs1")).level] : [],
          )
        : [],
    );
  const settings = losslessSettings;
  /** Who is there is heard, and tells its settings when it is asked. */
  function live(site: ReturnType<typeof siteUnderTest>, ids: readonly number[], seconds: number): Command[] {
    const all: Command[] = [];
    for (let second = 0; second < seconds; second += 1) {
      for (const id of ids) all.push(...site.step(site.heartbeat(id)));
      const passed = site.pass(1_000);
      all.push(...passed);
      for (const command of passed) {
        if (command.kind !== "readSettings") continue;
        const { broker, sentAt } = command;
        const known = ids.includes(broker.id) ? settings : null;
        all.push(...site.step({ kind: "settingsSeen", broker, sentAt, settings: known }));
      }
    }
    return all;
  }

  test("is written when all that are heard have told their settings", () => {
    expect(levels(live(siteUnderTest(), [1, 2, 3], 20))).toContain("idc");
  });

  test("stays as it was last proven when the master is not heard any more: its replacement rests on it", () => {
    const site = siteUnderTest();
    live(site, [1, 2, 3], 20);
    expect(levels(live(site, [2, 3], 40))).toEqual([]);
  });

  /** Heard, and asked for their settings without an answer. */
  function hear(site: ReturnType<typeof siteUnderTest>, ms: number): Command[] {
    const all: Command[] = [];
    for (let passed = 0; passed < ms; passed += 100) {
      for (const id of [1, 2, 3]) all.push(...site.step(site.heartbeat(id)));
      all.push(...site.pass(100));
    }
    return all;
  }
  const tell = (site: ReturnType<typeof siteUnderTest>, asked: readonly Command[], told = settings): Command[] =>
    asked.flatMap((command) =>
      command.kind === "readSettings"
        ? [...site.step({ kind: "settingsSeen", broker: command.broker, sentAt: command.sentAt, settings: told })]
        : [],
    );

  describe("does not rest on settings", () => {
    const name = setName("C1", "bs1");
    const none = (why: string): string => encodeProtection({ level: "none", why, at: 0 }, name);
    const lax = none("allAckInSyncStateSet is false at broker 2");
    const grown = { ...heldSet, inSyncEpoch: 21 };
    const longAgoMs = settingsReadMs + settingsStaleMs + 1_000;
    const settled = (site: ReturnType<typeof siteUnderTest>): readonly Command[] => {
      const asked = hear(site, 400);
      expect(levels(tell(site, asked))).toEqual(["idc"]);
      return asked;
    };

    test("from before another site has written what it saw", () => {
      const site = siteUnderTest();
      const old = settled(site);
      site.write(protectionKey(name), lax);
      const asked = [...site.record(grown), ...hear(site, settingsRetryMs + 200)];
      expect(levels(asked)).toEqual([]);
      expect(levels(tell(site, old))).toEqual([]);
      expect(levels(tell(site, asked))).toEqual(["idc"]);
    });

    test("that it asked for when it last looked after the set", () => {
      const site = siteUnderTest(heldSet, { site: "idc2" });
      settled(site);
      const beat = { site: "idc1", controller: "idc1", version: "", beat: 1, unheard: [], votes: true, why: "" };
      for (let ms = 0; ms < longAgoMs; ms += 400) {
        site.write(siteKey("idc1"), encodeSite(beat));
        expect(levels(hear(site, 400))).toEqual([]);
      }
      const asked = [...site.record({ ...grown, inSync: [1, 3] }), ...hear(site, timing.leaderSilentMs + 100)];
      expect(levels(asked)).toEqual([]);
      expect(levels(tell(site, asked))).toEqual(["broker"]);
    });

    test("of a broker that has been started since", () => {
      const site = siteUnderTest();
      settled(site);
      const again = { kind: "registerBroker", cluster: "C1", set: "bs1", id: 2, address: "10.2.0.1:10911" } as const;
      const asked = [
        ...site.ask(1, again),
        ...site.record({ ...grown, inSync: [1, 3] }),
        ...hear(site, settingsRetryMs + 200),
      ];
      expect(levels(asked)).toEqual([]);
      expect(levels(tell(site, asked))).toEqual(["broker"]);
    });
  });

  describe("while the master is asked about", () => {
    const name = setName("C1", "bs1");
    const question = { id: "7.1-1", cluster: "C1", set: "bs1", epoch: 7, master: 1, askedBy: "witness", at: 0 };
    const askedAbout = (): ReturnType<typeof siteUnderTest> => {
      const site = siteUnderTest();
      tell(site, hear(site, 400));
      site.write(questionKey(name), encodeQuestion({ ...question, restarted: false }));
      return site;
    };

    test("gets worse when a setting does: the question may stay open for days", () => {
      const site = askedAbout();
      const asked = hear(site, settingsReadMs);
      expect(levels(tell(site, asked, { ...settings, allAckInSyncStateSet: false }))).toEqual(["none"]);
    });

    test("gets no better: what was proven before is what a replacement rests on", () => {
      const site = askedAbout();
      tell(site, hear(site, settingsReadMs), { ...settings, allAckInSyncStateSet: false });
      expect(levels(tell(site, hear(site, settingsReadMs)))).toEqual([]);
    });
  });

  test("is worked out when an answer that was asked for later has failed", () => {
    const site = siteUnderTest();
    const first = hear(site, 400);
    site.step({ kind: "tick" }, 1);
    for (const command of first) {
      if (command.kind !== "readSettings") continue;
      const sentAt = (command.sentAt + 1) as Instant;
      site.step({ kind: "settingsSeen", broker: command.broker, sentAt, settings: null });
    }
    expect(levels(tell(site, first))).toEqual(["idc"]);
  });
});
