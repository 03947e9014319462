import { describe, expect, test } from "vitest";
import type { Command } from "./events.ts";
import { protectionKey, siteKey } from "./keys.ts";
import { setName } from "./model.ts";
import { decodeProtection, decodeSet, encodeProtection, encodeSite } from "./records.ts";
import { heldSet, siteUnderTest } from "./site.fixture.ts";
import { timing } from "./timing.fixture.ts";
import { stallMs } from "./timing.ts";

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
  const settings = {
    allAckInSyncStateSet: true,
    minInSyncReplicas: 1,
    flushDiskType: "ASYNC_FLUSH",
    brokerPermission: 6,
  };
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

  describe("does not rest on settings", () => {
    /** Heard, and asked for their settings without an answer. */
    function hear(site: ReturnType<typeof siteUnderTest>, ms: number): Command[] {
      const all: Command[] = [];
      for (let passed = 0; passed < ms; passed += 100) {
        for (const id of [1, 2, 3]) all.push(...site.step(site.heartbeat(id)));
        all.push(...site.pass(100));
      }
      return all;
    }
    const tell = (site: ReturnType<typeof siteUnderTest>, asked: readonly Command[]): Command[] =>
      asked.flatMap((command) =>
        command.kind === "readSettings"
          ? [...site.step({ kind: "settingsSeen", broker: command.broker, sentAt: command.sentAt, settings })]
          : [],
      );
    const key = protectionKey(setName("C1", "bs1"));
    const lax = { level: "none", why: "allAckInSyncStateSet is false at broker 2", at: 0 } as const;

    test("from before another site drove the set: that one has seen newer ones", () => {
      const site = siteUnderTest(heldSet, { site: "idc2" });
      const old = hear(site, 400);
      expect(levels(tell(site, old))).toEqual(["idc"]);

      const beat = { site: "idc1", controller: "idc1", version: "", beat: 1, unheard: [], votes: true, why: "" };
      site.write(siteKey("idc1"), encodeSite(beat));
      hear(site, 400);
      site.write(key, encodeProtection(lax, setName("C1", "bs1")));
      site.record({ ...heldSet, inSyncEpoch: 21 });
      const asked = hear(site, timing.leaderSilentMs);
      expect(levels(asked)).toEqual([]);
      expect(levels(tell(site, old))).toEqual([]);
      expect(levels(tell(site, asked))).toEqual(["idc"]);
    });

    test("from before this process stood still, for another may have driven the set meanwhile", () => {
      const site = siteUnderTest();
      expect(levels(tell(site, hear(site, 400)))).toEqual(["idc"]);
      site.step({ kind: "tick" }, stallMs + 100);
      site.write(key, encodeProtection(lax, setName("C1", "bs1")));
      const asked = [...site.record({ ...heldSet, inSyncEpoch: 21 }), ...hear(site, 1_000)];
      expect(levels(asked)).toEqual([]);
      expect(levels(tell(site, asked))).toEqual(["idc"]);
    });
  });
});
