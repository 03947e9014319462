import { describe, expect, test } from "vitest";
import type { Instant } from "#lib/clock.ts";
import type { TriedOutcome } from "./events.ts";
import {
  type BrokerEvidence,
  isHeard,
  mayServe,
  mostReported,
  onAsked,
  onClosed,
  onHeartbeat,
  onProbed,
  onStall,
  priorityOf,
  probeDueAt,
  serves,
  suspects,
  unheard,
  type ViewContext,
  viewOf,
} from "./evidence.ts";
import { timing } from "./timing.fixture.ts";

const at = (ms: number) => ms as Instant;
const silence: TriedOutcome = { kind: "timedOut", detail: "" };
const refusal: TriedOutcome = { kind: "refused", detail: "ECONNREFUSED" };
const answered = (acting = true, maxOffset = 0n): TriedOutcome => ({
  kind: "answered",
  reading: { epoch: 7, maxOffset },
  acting,
});
const beat = (evidence: BrokerEvidence, ms: number, changes: { connection?: number; maxOffset?: bigint } = {}) =>
  onHeartbeat(evidence, { connection: 1, epoch: 7, maxOffset: 0n, priority: 5, ...changes }, at(ms));

/** A heartbeat at 1,000 ms, after a start at 0. */
const heard = beat(unheard(at(0)), 1_000);

const seenFrom = (evidence: BrokerEvidence, ms: number, changes: Partial<ViewContext> = {}) =>
  viewOf(evidence, {
    now: at(ms),
    timing,
    outsideAt: at(ms),
    needsOutside: true,
    askedAt: null,
    mustAct: false,
    restarted: false,
    ...changes,
  });
const verdictOf = (...all: Parameters<typeof seenFrom>) => seenFrom(...all).verdict;

describe("alive", () => {
  test("while a heartbeat is younger than suspectAfterMs", () => {
    expect(seenFrom(heard, 3_499)).toEqual({ verdict: "alive", evidence: "heartbeat 2,499 ms ago" });
    expect(verdictOf(heard, 3_500)).toBe("unknown");
    expect([isHeard(heard, at(3_499), timing), isHeard(heard, at(3_500), timing)]).toEqual([true, false]);
  });

  test("by a request for a master, an answered probe, and a probe answered with an error", () => {
    const quiet = unheard(at(0));
    const failed: TriedOutcome = { kind: "failed", detail: "code 1" };
    expect(seenFrom(onAsked(quiet, at(10)), 20)).toEqual({
      verdict: "alive",
      evidence: "asked for a master 10 ms ago",
    });
    expect(seenFrom(onProbed(quiet, answered(), at(5), at(10)), 20).evidence).toBe("answered a probe 10 ms ago");
    expect(seenFrom(onProbed(quiet, failed, at(5), at(10)), 20)).toEqual({
      verdict: "alive",
      evidence: "answered a probe with an error 10 ms ago: code 1",
    });
  });

  test("at once with a heartbeat after silence, a refusal or a close", () => {
    const silent = onProbed(heard, silence, at(3_600), at(4_100));
    const dead = onProbed(heard, refusal, at(3_600), at(3_601));
    const closed = onClosed(heard, 1, at(3_600));
    for (const gone of [silent, dead, closed]) {
      expect(verdictOf(gone, 4_200)).not.toBe("alive");
      expect(verdictOf(beat(gone, 4_200), 4_200)).toBe("alive");
      expect(verdictOf(onProbed(gone, answered(), at(4_150), at(4_200)), 4_200)).toBe("alive");
    }
  });

  test("though a probe went unanswered, while it is heard", () => {
    expect(verdictOf(onProbed(heard, silence, at(1_500), at(2_000)), 2_999)).toBe("alive");
  });

  test("not where a probe went unanswered, and one more would end in suspectAfterMs of silence: there is a reason to ask", () => {
    const doubted = onProbed(heard, silence, at(2_300), at(2_800));
    expect([suspects(doubted, at(2_999), timing), suspects(doubted, at(3_000), timing)]).toEqual([false, true]);
    expect([suspects(heard, at(3_000), timing), suspects(heard, at(3_500), timing)]).toEqual([false, true]);
    expect(seenFrom(doubted, 3_000)).toEqual({
      verdict: "unknown",
      evidence: "unheard for 2,000 ms, and a probe went unanswered",
    });
    expect(verdictOf(doubted, 3_499)).toBe("unknown");
  });
});

describe("dead", () => {
  test("when its port refused a probe, without waiting for silence", () => {
    const gone = onProbed(heard, refusal, at(1_005), at(1_006));
    expect(seenFrom(gone, 1_018)).toEqual({ verdict: "dead", evidence: "refused a connection 12 ms ago" });
    expect([suspects(gone, at(1_018), timing), isHeard(gone, at(1_018), timing)]).toEqual([true, false]);
  });

  test("not by a probe that was sent before it was last heard", () => {
    expect(verdictOf(onProbed(heard, refusal, at(999), at(1_001)), 1_010)).toBe("alive");
    expect(verdictOf(onProbed(heard, refusal, at(1_000), at(1_001)), 1_010)).toBe("dead");
  });

  test("still, when a later probe goes unanswered", () => {
    const refused = onProbed(heard, refusal, at(1_005), at(1_006));
    expect(verdictOf(onProbed(refused, silence, at(1_400), at(1_900)), 1_900)).toBe("dead");
  });

  test("not by an answer that is on its way when a later probe is refused", () => {
    const refused = onProbed(heard, refusal, at(1_400), at(1_401));
    expect(verdictOf(onProbed(refused, answered(), at(1_300), at(1_500)), 1_500)).toBe("dead");
  });

  test("when the recorded master, asked after the question, says that it does not act as master", () => {
    const restarted = onProbed(heard, answered(false), at(2_000), at(2_010));
    const asked = { askedAt: at(2_000), mustAct: true };
    expect(seenFrom(restarted, 2_020, asked)).toEqual({
      verdict: "dead",
      evidence: "said 10 ms ago that it does not act as master",
    });
    expect(verdictOf(beat(restarted, 2_015), 2_020, asked)).toBe("dead");
  });

  test("when a master that has told of its restart answers, and does not beat as one that was told its role", () => {
    // It has a master's role by default, and asks for its own each 5 s.
    const waits = onProbed(beat(heard, 6_000), answered(true), at(6_900), at(6_910));
    const asked = { askedAt: at(6_800), mustAct: true, restarted: true };
    expect(seenFrom(waits, 6_920, asked)).toEqual({
      verdict: "dead",
      evidence: "answered a probe 10 ms ago, and sends no heartbeats: it waits to be told its role",
    });
    expect(verdictOf(waits, 6_920, { ...asked, restarted: false })).toBe("alive");
    expect(verdictOf(waits, 6_920, { ...asked, askedAt: at(6_901) })).toBe("alive");
    expect(verdictOf(beat(waits, 7_000), 7_010, asked)).toBe("alive");
    expect(verdictOf(onClosed(beat(waits, 7_000), 1, at(7_001)), 7_010, asked)).toBe("dead");
    // After our own stall nobody has been listened to.
    const after = onProbed(onStall(waits, at(7_000)), answered(true), at(7_100), at(7_110));
    const later = onProbed(after, answered(true), at(9_500), at(9_510));
    expect(verdictOf(after, 7_120, { ...asked, askedAt: at(7_050) })).toBe("unknown");
    expect(verdictOf(later, 9_520, { ...asked, askedAt: at(7_050) })).toBe("dead");
  });

  test("not when it is another broker, was asked before the question, or acts", () => {
    const slave = onProbed(heard, answered(false), at(2_000), at(2_010));
    expect(verdictOf(slave, 2_020, { askedAt: at(2_000), mustAct: false })).toBe("alive");
    expect(verdictOf(slave, 2_020, { askedAt: at(2_001), mustAct: true })).toBe("alive");
    expect(verdictOf(slave, 2_020, { askedAt: null, mustAct: true })).toBe("alive");
    const acts = onProbed(slave, answered(true), at(2_015), at(2_016));
    expect(verdictOf(acts, 2_020, { askedAt: at(2_000), mustAct: true })).toBe("alive");
  });
});

describe("silent", () => {
  const silent = onProbed(heard, silence, at(3_100), at(3_600));

  test("when unheard for suspectAfterMs, with a probe that nothing came back to", () => {
    expect(seenFrom(silent, 3_610)).toEqual({
      verdict: "silent",
      evidence: "unheard for 2,610 ms; a probe of 500 ms went unanswered",
    });
    const early = onProbed(heard, silence, at(2_900), at(3_400));
    expect([verdictOf(early, 3_499), verdictOf(early, 3_500)]).toEqual(["unknown", "silent"]);
  });

  test("not without a probe, nor by one sent before it was last heard", () => {
    expect(seenFrom(heard, 3_610).evidence).toBe("unheard for 2,610 ms; no probe since has ended");
    expect(verdictOf(onProbed(heard, silence, at(999), at(1_499)), 3_610)).toBe("unknown");
    expect(verdictOf(onProbed(heard, silence, at(1_000), at(1_500)), 3_610)).toBe("silent");
  });

  test("only by a probe sent after the question, once there is one", () => {
    expect(verdictOf(silent, 3_610, { askedAt: at(3_100) })).toBe("silent");
    expect(seenFrom(silent, 3_610, { askedAt: at(3_101) })).toEqual({
      verdict: "unknown",
      evidence: "unheard for 2,610 ms; no probe since the question has ended",
    });
  });

  test("by the newer of two probes, in whatever order they end", () => {
    const asked = { askedAt: at(3_000) };
    const both = onProbed(onProbed(heard, silence, at(3_050), at(3_550)), silence, at(2_900), at(3_560));
    expect(verdictOf(both, 3_600, asked)).toBe("silent");
    const answeredLate = onProbed(onProbed(heard, silence, at(3_050), at(3_550)), answered(), at(2_900), at(3_560));
    expect(verdictOf(answeredLate, 3_600, asked)).toBe("alive");
    const acts = onProbed(onProbed(heard, answered(true), at(2_000), at(2_010)), answered(false), at(1_900), at(2_020));
    expect(verdictOf(acts, 2_030, { askedAt: at(1_900), mustAct: true })).toBe("alive");
  });

  test("only at a site that has reached somebody else since the silence began", () => {
    expect(verdictOf(silent, 3_610, { outsideAt: at(1_001) })).toBe("silent");
    expect(seenFrom(silent, 3_610, { outsideAt: at(1_000) })).toEqual({
      verdict: "unknown",
      evidence: "unheard for 2,610 ms; but this site reaches nobody else since then",
    });
    expect(verdictOf(silent, 3_610, { outsideAt: null })).toBe("unknown");
    expect(verdictOf(silent, 3_610, { outsideAt: null, needsOutside: false })).toBe("silent");
  });

  test("but not dead: a frozen broker's port takes connections and answers nothing", () => {
    let frozen = heard;
    for (let ms = 2_300; ms < 60_000; ms += 900) frozen = onProbed(frozen, silence, at(ms), at(ms + 500));
    expect(verdictOf(frozen, 60_000)).toBe("silent");
  });
});

describe("unknown", () => {
  test("when nothing was heard since the start, until suspectAfterMs have passed and a probe timed out", () => {
    const started = unheard(at(0));
    expect(seenFrom(started, 100)).toEqual({ verdict: "unknown", evidence: "not heard yet, for 100 ms" });
    const probed = onProbed(started, silence, at(0), at(500));
    expect([verdictOf(probed, 2_499), verdictOf(probed, 2_500), verdictOf(started, 2_500)]).toEqual([
      "unknown",
      "silent",
      "unknown",
    ]);
    expect([suspects(started, at(2_499), timing), suspects(started, at(2_500), timing)]).toEqual([false, true]);
    expect(isHeard(started, at(0), timing)).toBe(false);
  });

  test("when it has closed its connection, until a probe says more", () => {
    const closed = onClosed(heard, 1, at(1_200));
    expect(seenFrom(closed, 1_203)).toEqual({
      verdict: "unknown",
      evidence: "closed its connection 3 ms ago, not probed since",
    });
    expect([isHeard(closed, at(1_203), timing), suspects(closed, at(1_203), timing)]).toEqual([false, false]);
    expect(verdictOf(onProbed(closed, answered(), at(1_200), at(1_204)), 1_204)).toBe("alive");
  });

  test("not for the close of a connection that is not its last heartbeat's", () => {
    expect(verdictOf(onClosed(heard, 2, at(1_200)), 1_203)).toBe("alive");
    const reconnected = beat(heard, 1_100, { connection: 2 });
    expect(verdictOf(onClosed(reconnected, 1, at(1_200)), 1_203)).toBe("alive");
  });

  test("when the answer to a probe was sent before the close", () => {
    const closed = onClosed(heard, 1, at(1_200));
    const late = onProbed(closed, answered(), at(1_199), at(1_201));
    expect(verdictOf(late, 1_203)).toBe("unknown");
    expect(probeDueAt(late, at(1_203), timing)).toBe(1_203);
  });
});

describe("after our own loop stood still", () => {
  const silent = onProbed(heard, silence, at(3_000), at(3_500));
  const refused = onProbed(heard, refusal, at(3_000), at(3_001));

  test("all ages start anew", () => {
    const stalled = onStall(silent, at(9_000));
    expect([verdictOf(silent, 9_000), verdictOf(stalled, 9_000)]).toEqual(["silent", "unknown"]);
    expect(suspects(stalled, at(11_499), timing)).toBe(false);
    expect(isHeard(stalled, at(9_000), timing)).toBe(false);
    const probed = onProbed(stalled, silence, at(9_000), at(9_500));
    expect([verdictOf(probed, 11_499), verdictOf(probed, 11_500)]).toEqual(["unknown", "silent"]);
  });

  test("older probes do not count, whatever they say", () => {
    const stalled = onStall(refused, at(9_000));
    expect(verdictOf(stalled, 9_000)).toBe("unknown");
    expect(suspects(stalled, at(9_000), timing)).toBe(false);
    for (const outcome of [refusal, silence, answered()]) {
      expect(onProbed(stalled, outcome, at(8_999), at(9_001))).toEqual(stalled);
    }
    expect(verdictOf(onProbed(stalled, refusal, at(9_000), at(9_001)), 9_001)).toBe("dead");
  });

  test("what it told of is still known", () => {
    const stalled = onStall(beat(heard, 1_100, { maxOffset: 9n }), at(9_000));
    expect([mostReported(stalled), priorityOf(stalled)]).toEqual([{ epoch: 7, maxOffset: 9n }, 5]);
    expect(verdictOf(beat(stalled, 9_001), 9_001)).toBe("alive");
  });
});

describe("the next probe is due", () => {
  const probed = onProbed(heard, answered(), at(1_000), at(1_002));

  test("at once when nothing is known, and again after a stall", () => {
    expect(probeDueAt(unheard(at(50)), at(60), timing)).toBe(60);
    expect(probeDueAt(onStall(probed, at(70)), at(80), timing)).toBe(80);
  });

  test("each 400 ms until it is first heard", () => {
    expect(probeDueAt(onProbed(unheard(at(0)), silence, at(10), at(510)), at(20), timing)).toBe(410);
  });

  test("each 5 s while heartbeats come, and earlier when one is missed", () => {
    const calm = beat(probed, 5_500);
    expect(probeDueAt(calm, at(5_600), timing)).toBe(6_000);
    expect(probeDueAt(probed, at(1_100), timing)).toBe(2_302);
  });

  test("each 400 ms while it is not heard", () => {
    const doubted = onProbed(heard, silence, at(2_300), at(2_800));
    expect(probeDueAt(doubted, at(2_400), timing)).toBe(2_700);
    expect(probeDueAt(doubted, at(2_900), timing)).toBe(2_900);
    const refused = onProbed(probed, refusal, at(1_500), at(1_501));
    expect(probeDueAt(refused, at(1_502), timing)).toBe(1_900);
  });

  test("at once after a close, then each 400 ms", () => {
    const closed = onClosed(probed, 1, at(1_200));
    expect(probeDueAt(closed, at(1_201), timing)).toBe(1_201);
    expect(probeDueAt(onProbed(closed, silence, at(1_201), at(1_701)), at(1_201), timing)).toBe(1_601);
  });

  test("counted from the last that was sent, in whatever order they end", () => {
    const late = onProbed(onProbed(heard, silence, at(2_400), at(2_900)), silence, at(2_300), at(2_950));
    expect(probeDueAt(late, at(2_500), timing)).toBe(2_800);
  });

  test("early enough to time out before suspectAfterMs, however short that is", () => {
    const calm = beat(probed, 1_500);
    expect(probeDueAt(calm, at(1_501), { ...timing, suspectAfterMs: 1_000 })).toBe(2_000);
    expect(probeDueAt(calm, at(1_501), { ...timing, suspectAfterMs: 400 })).toBe(1_501);
  });
});

test("the most it ever told never goes down: by epoch, then by offset, to the byte", () => {
  let evidence = beat(unheard(at(0)), 1, { maxOffset: 2n ** 53n + 1n });
  evidence = beat(evidence, 2, { maxOffset: 2n ** 53n });
  expect(mostReported(evidence)).toEqual({ epoch: 7, maxOffset: 2n ** 53n + 1n });
  evidence = onProbed(evidence, answered(true, 2n ** 53n + 2n), at(3), at(4));
  expect(mostReported(evidence)).toEqual({ epoch: 7, maxOffset: 2n ** 53n + 2n });
  evidence = onHeartbeat(evidence, { connection: 1, epoch: 8, maxOffset: 1n, priority: 5 }, at(5));
  expect(mostReported(beat(evidence, 6, { maxOffset: 2n ** 60n }))).toEqual({ epoch: 8, maxOffset: 1n });
});

test("a reading is held against what was told before it was asked for, not against later heartbeats", () => {
  let evidence = beat(unheard(at(0)), 1_000, { maxOffset: 100n });
  evidence = onProbed(evidence, answered(true, 150n), at(1_500), at(1_503));
  for (const ms of [2_000, 3_000, 4_000]) evidence = beat(evidence, ms, { maxOffset: BigInt(ms) });
  const toldBefore = (ms: number) => mostReported(evidence, at(ms))?.maxOffset;
  expect([1_500, 1_502, 1_503, 2_999, 3_000, 9_000].map(toldBefore)).toEqual([
    100n,
    100n,
    150n,
    2_000n,
    3_000n,
    4_000n,
  ]);
  expect(mostReported(evidence)?.maxOffset).toBe(4_000n);
});

test("of what was told long ago only the most is remembered: a reading from before counts as cut", () => {
  let evidence = unheard(at(0));
  for (let ms = 1_000; ms <= 20_000; ms += 1_000) evidence = beat(evidence, ms, { maxOffset: BigInt(ms) });
  expect(mostReported(evidence, at(5_000))?.maxOffset).toBe(5_000n);
  expect(mostReported(evidence, at(4_999))?.maxOffset).toBe(5_000n);
  expect(mostReported(evidence)?.maxOffset).toBe(20_000n);
});

test("what is told again is as old as it was first", () => {
  const evidence = beat(beat(unheard(at(0)), 1_000, { maxOffset: 7n }), 2_000, { maxOffset: 7n });
  expect(mostReported(evidence, at(1_500))?.maxOffset).toBe(7n);
  expect(evidence.told).toHaveLength(1);
});

test("a broker that has told nothing has no progress, and the priority that brokers have when none is set", () => {
  expect([mostReported(unheard(at(0))), priorityOf(unheard(at(0)))]).toEqual([null, 2_147_483_647]);
});

describe("a broker serves as master", () => {
  const acts = onProbed(heard, answered(true), at(1_100), at(1_110));
  const serving = onProbed(beat(acts, 2_000), answered(true), at(2_100), at(2_110));

  test("when it says so and beats without a gap, both also since what is asked about", () => {
    expect(serves(serving, at(900), at(2_200))).toBe(true);
    expect(serves(serving, at(1_500), at(2_200))).toBe(true);
    expect(serves(serving, at(2_000), at(2_200))).toBe(false);
    expect(serves(beat(serving, 3_000), at(2_101), at(3_100))).toBe(false);
    expect(serves(serving, at(900), at(4_501))).toBe(false);
    expect(serves(beat(serving, 4_501), at(900), at(4_600))).toBe(false);
  });

  test("not by one heartbeat, nor over a closed or another connection, or a stall of our own", () => {
    expect(serves(acts, at(900), at(1_200))).toBe(false);
    expect(serves(onClosed(serving, 1, at(2_100)), at(900), at(2_200))).toBe(false);
    expect(serves(onStall(serving, at(2_100)), at(900), at(2_200))).toBe(false);
    // Another process, whose start nobody has seen: it waits for its role.
    expect(serves(beat(serving, 2_300, { connection: 2 }), at(900), at(2_400))).toBe(false);
  });

  test("or may do so, while it has not been listened to for long enough", () => {
    expect(mayServe(acts, at(1_200))).toBe(true);
    expect(mayServe(acts, at(3_500))).toBe(false);
    expect(mayServe(serving, at(2_200))).toBe(false);
    const unbeaten = onProbed(unheard(at(1_000)), answered(true), at(1_100), at(1_110));
    expect([mayServe(unbeaten, at(1_200)), mayServe(unbeaten, at(3_500))]).toEqual([true, false]);
    expect(mayServe(onProbed(heard, answered(false), at(1_100), at(1_110)), at(1_200))).toBe(false);
  });
});
