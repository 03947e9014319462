import { describe, expect, test } from "vitest";
import { decide } from "./decide.ts";
import { answer, candidate, down, input, question, threeSites } from "./decision.fixture.ts";
import type { CandidateFacts, DecisionInput } from "./decision.ts";
import type { OffsetReading, SetPolicy } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import { epochMax } from "./verdict.ts";

const at = (maxOffset: bigint, epoch = 7): OffsetReading => ({ epoch, maxOffset });
/** As far as its heartbeats have told. */
const reading = (maxOffset: bigint, epoch = 7): Partial<CandidateFacts> => ({
  reading: at(maxOffset, epoch),
  reported: at(maxOffset, epoch),
});
const policy = (changes: Partial<SetPolicy>): Partial<DecisionInput> => ({ policy: { ...usualPolicy, ...changes } });
const candidates = (...list: readonly CandidateFacts[]): Partial<DecisionInput> => ({ candidates: list });
const master = (changes: Partial<CandidateFacts> = {}): CandidateFacts => candidate(1, { ...down, ...changes });
const decided = (...changes: readonly Partial<DecisionInput>[]) => decide(input(Object.assign({}, ...changes)));
const winnerOf = (...changes: readonly Partial<DecisionInput>[]) => {
  const verdict = decided(...changes);
  return verdict.kind === "elect" ? verdict.winner : verdict.reason;
};
const rejections = (...changes: readonly Partial<DecisionInput>[]) =>
  Object.fromEntries(decided(...changes).rejected.map(({ id, reason }) => [id, reason]));
const detailOf = (id: number, ...changes: readonly Partial<DecisionInput>[]) =>
  decided(...changes).rejected.find((one) => one.id === id)?.detail;
const dead = { answers: threeSites.map((site) => answer(site, "dead")) };

describe("a failover", () => {
  test("gives the set its next epochs and the in-sync replica with the most progress", () => {
    const verdict = decided(candidates(master(), candidate(2, reading(999n)), candidate(3)));
    expect(verdict).toEqual({
      kind: "elect",
      winner: 3,
      epoch: 8,
      inSyncEpoch: 21,
      knownLag: 0n,
      rejected: [
        { id: 1, reason: "not-alive", detail: "heard at 0 of 3 sites, 2 needed" },
        { id: 2, reason: "behind", detail: "it is at epoch 7, offset 999, broker 3 at epoch 7, offset 1,000" },
      ],
      why: "idc1, idc2 and witness say that broker 1 is down; broker 3 is the best of 2 candidates, at epoch 7, offset 1,000; it has all that broker 1 told of",
    });
  });

  test("says who says so", () => {
    const alone = { sites: ["idc1"], answers: [answer("idc1", "dead")] };
    expect(decided(alone)).toMatchObject({
      why: expect.stringMatching(/^idc1 says that broker 1 is dead; broker 2 is/),
    });
  });

  test("needs a majority of the recorded sites, for this very question (I2)", () => {
    const two = [answer("idc2", "silent"), answer("witness", "dead")];
    expect(winnerOf({ answers: two })).toBe(2);
    expect(winnerOf({ answers: two.slice(1) })).toBe("no-majority");
    expect(winnerOf({ question: null })).toBe("no-majority");
    const others: Partial<typeof question>[] = [
      { id: "7.2" },
      { epoch: 6 },
      { master: 2 },
      { set: "bs2" },
      { cluster: "C2" },
    ];
    for (const other of others) expect(winnerOf({ question: { ...question, ...other } })).toBe("no-majority");
    const whyOf = (changes: Partial<DecisionInput>) => decided(changes).why;
    expect(whyOf({ answers: two.slice(1) })).toBe("fewer than 2 of 3 sites say that broker 1 is down");
    expect(whyOf({ question: null })).toBe("no question was asked");
    const about = "question 7.1 is about broker 1 in epoch 7, not";
    expect([whyOf({ master: 2 }), whyOf({ epoch: 8 })]).toEqual([`${about} 2 in 7`, `${about} 1 in 8`]);
  });

  test("never takes the old master back while it is down, however far it is", () => {
    const told = master({ reading: at(2_000n), reported: at(2_000n) });
    expect(winnerOf(candidates(told, candidate(2)))).toBe(2);
    expect(winnerOf(candidates(told))).toBe("no-candidate");
  });

  test("may take the old master back when it is there and does not act as master", () => {
    expect(winnerOf(dead, candidates(candidate(1, reading(1_001n)), candidate(2)))).toBe(1);
  });
});

describe("a restart", () => {
  const restart = { ...dead, kind: "restart" as const };

  test("takes the restarted master when it has the most, and prefers it when others have as much", () => {
    expect(winnerOf(restart, candidates(candidate(1, reading(1_001n)), candidate(2)))).toBe(1);
    expect(
      winnerOf(restart, candidates(candidate(1), candidate(2)), { master: 2, question: { ...question, master: 2 } }),
    ).toBe(2);
    expect(decided(restart, candidates(candidate(1), candidate(2)))).toMatchObject({
      winner: 1,
      epoch: 8,
      knownLag: 0n,
      why: "idc1, idc2 and witness say that broker 1 does not act as master; broker 1 is the best of 2 candidates, at epoch 7, offset 1,000; it has all that it ever told of",
    });
  });

  test("takes another when the restarted master came back with less", () => {
    const short = candidate(1, { reading: at(900n) });
    expect(winnerOf(restart, candidates(short, candidate(2)))).toBe(2);
    expect(rejections(restart, candidates(short, candidate(2)))).toEqual({ 1: "lost-tail" });
  });

  test("needs the majority all the same, and no cool-down", () => {
    expect(winnerOf({ kind: "restart", answers: [answer("idc1", "dead")] })).toBe("no-majority");
    expect(winnerOf(restart, { failoversAt: [1_002_000, 1_002_500, 1_002_600] })).toBe(2);
  });
});

describe("a candidate must be", () => {
  test.each<[string, Partial<CandidateFacts>, string]>([
    ["in sync", { inSync: false }, "not-in-sync"],
    ["confirmed by the master", { confirmed: false }, "unconfirmed"],
    ["heard at a majority of the sites", { aliveAt: ["idc2"] }, "not-alive"],
    ["heard at sites that do not also say that it is down", { downAt: ["idc1", "witness"] }, "not-alive"],
    ["heard at sites that vote", { aliveAt: ["idc2", "idc8", "idc9"] }, "not-alive"],
    ["read", { reading: null }, "unread"],
    ["as far as it has told before", { reading: at(999n) }, "lost-tail"],
    ["in the epoch that it has told of", { reading: at(5_000n, 6) }, "lost-tail"],
  ])("%s", (_name, flaw, reason) => {
    const flawed = candidate(2, flaw);
    expect(rejections(candidates(master(), flawed, candidate(3)))).toEqual({ 1: "not-alive", 2: reason });
    expect(winnerOf(candidates(master(), flawed))).toBe("no-candidate");
  });

  test("heard at two of three sites, which is enough", () => {
    expect(winnerOf(candidates(candidate(2, { aliveAt: ["idc2", "witness"], downAt: ["idc1"] })))).toBe(2);
  });

  test("no further than it has told: a heartbeat is up to a second old", () => {
    expect(winnerOf(candidates(candidate(2, { reading: at(1_001n) })))).toBe(2);
    expect(winnerOf(candidates(candidate(2, { reported: null })))).toBe(2);
    expect(winnerOf(candidates(candidate(2, { reading: at(1n, 7), reported: at(5_000n, 6) })))).toBe(2);
  });

  test("and each that is not keeps its reason, with values", () => {
    const list = candidates(
      candidate(2, { aliveAt: ["idc2"] }),
      candidate(3, { reading: at(999n) }),
      candidate(4, { inSync: false }),
    );
    expect([2, 3, 4].map((id) => detailOf(id, list))).toEqual([
      "heard at 1 of 3 sites, 2 needed",
      "it is at epoch 7, offset 999, and has told of epoch 7, offset 1,000 before",
      "the in-sync set is 1, 2, 3",
    ]);
  });
});

describe("of two candidates wins", () => {
  const pair = (two: Partial<CandidateFacts>, three: Partial<CandidateFacts>) =>
    candidates(candidate(2, two), candidate(3, three));

  test.each([0n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n])("the one that is one byte further, at %i", (offset) => {
    expect(winnerOf(pair(reading(offset), reading(offset + 1n)))).toBe(3);
    expect(winnerOf(pair(reading(offset + 1n), reading(offset)))).toBe(2);
  });

  test.each([2n ** 31n + 1n, 2n ** 32n, 2n ** 53n + 1n])("the one that is %i bytes further", (lead) => {
    expect(winnerOf(pair(reading(5n), reading(5n + lead)))).toBe(3);
    expect(winnerOf(pair(reading(5n + lead), reading(5n)))).toBe(2);
  });

  test("the one with the later epoch, whatever its offset", () => {
    expect(winnerOf(pair(reading(9_000n, 6), reading(1n, 7)))).toBe(3);
  });

  test("the further one, whatever the priorities", () => {
    expect(winnerOf(pair({ priority: 1 }, { priority: 9, ...reading(1_001n) }))).toBe(3);
  });

  test("the further one, also when it is drained; at equal progress one that is not, whatever the priorities", () => {
    expect(winnerOf(pair({ priority: 1 }, { drained: true, priority: 1, ...reading(1_001n) }))).toBe(3);
    expect(winnerOf(pair({ drained: true, priority: 1 }, { priority: 9 }))).toBe(3);
    expect(detailOf(2, pair({ drained: true }, {}))).toBe("as far as broker 3, but it is drained, or its IDC");
    expect(winnerOf(pair({ drained: true }, { drained: true }))).toBe(2);
  });

  test("at equal progress the one with the smaller priority, then the preferred IDC, then the smaller id", () => {
    expect(winnerOf(pair({ priority: 9 }, { priority: 1 }), policy({ preferIdcs: ["idc2"] }))).toBe(3);
    expect(winnerOf(pair({}, {}), policy({ preferIdcs: ["idc1", "idc2"] }))).toBe(3);
    expect(winnerOf(pair({}, {}), policy({ preferIdcs: ["idc1"] }))).toBe(3);
    expect(winnerOf(pair({}, {}))).toBe(2);
    expect(winnerOf(candidates(candidate(4), candidate(3), candidate(2)))).toBe(2);
  });

  test("and the other's detail says what it lacks", () => {
    expect(detailOf(2, pair({ priority: 9 }, { priority: 1 }))).toBe(
      "as far as broker 3, but of priority 9; 1 is better",
    );
    expect(detailOf(2, pair({}, {}), policy({ preferIdcs: ["idc1"] }))).toBe(
      "as far as broker 3, but in idc2; idc1 is preferred",
    );
    expect(detailOf(2, pair({ idc: "" }, {}), policy({ preferIdcs: ["idc1"] }))).toBe(
      "as far as broker 3, but in no IDC; idc1 is preferred",
    );
    expect(detailOf(3, pair({}, {}))).toBe("as far as broker 2, which has the smaller id");
    const restart = { ...dead, kind: "restart" as const };
    expect(detailOf(2, restart, candidates(candidate(1), candidate(2)))).toBe(
      "as far as broker 1, which was the master",
    );
  });
});

describe("an election waits for in-sync members", () => {
  const early = { gathered: false };
  const missing = candidate(3, { reading: null });

  test("that are neither read nor down, whoever else is there", () => {
    expect(decided(early, candidates(master(), candidate(2), missing))).toMatchObject({
      reason: "gathering",
      why: "in sync and neither read nor down: broker 3",
    });
    expect(decided(early, candidates(master(), candidate(2)))).toMatchObject({ reason: "gathering" });
  });

  test("no longer than gatherMs", () => {
    expect(winnerOf({ gathered: true }, candidates(master(), candidate(2), missing))).toBe(2);
  });

  test("not for one that is down at a majority, is not confirmed, or is not in sync", () => {
    const one = (changes: Partial<CandidateFacts>) =>
      winnerOf(early, candidates(master(), candidate(2), { ...missing, ...changes }));
    expect(one({ downAt: ["idc1", "idc2"] })).toBe(2);
    expect(one({ downAt: ["idc1"] })).toBe("gathering");
    expect(one({ downAt: ["idc1", "idc9"] })).toBe("gathering");
    expect(one({ confirmed: false })).toBe(2);
    expect(winnerOf(early, { inSync: [1, 2] }, candidates(master(), candidate(2), { ...missing, inSync: false }))).toBe(
      2,
    );
  });

  test("not for the old master, unless it has restarted", () => {
    const back = candidate(1, { reading: null });
    expect(winnerOf(early, candidates(back, candidate(2), candidate(3)))).toBe(2);
    expect(winnerOf(early, dead, { kind: "restart" }, candidates(back, candidate(2), candidate(3)))).toBe("gathering");
  });
});

describe("rpo: zero", () => {
  const zero = policy({ rpo: "zero" });
  const protectedAt = (level: "none" | "broker" | "idc") => ({ protection: { level, why: "x", at: 0 } });

  test("lets a failover pass when the set was protected", () => {
    expect(winnerOf(zero, protectedAt("broker"))).toBe(2);
    expect(winnerOf(zero, protectedAt("idc"))).toBe(2);
    expect(winnerOf(zero, protectedAt("none"))).toBe("not-protected");
    expect(winnerOf(zero)).toBe("not-protected");
  });

  test("asks for no more than one broker's loss where one is positively dead, and for no less", () => {
    expect(winnerOf(policy({ rpo: "zero", survive: "idc" }), protectedAt("broker"), dead)).toBe(2);
    expect(winnerOf(zero, protectedAt("none"), dead)).toBe("not-protected");
    expect(winnerOf(zero, dead)).toBe("not-protected");
    expect(decided(zero, protectedAt("none"), dead)).toMatchObject({
      why: "rpo: zero, survive: broker: the set's protection was last none: x, so broker 1 may have acknowledged what nobody else has",
    });
  });

  describe("without protection, of a master that has restarted,", () => {
    const restart = { ...dead, kind: "restart" as const };

    test("names it anew, as it has all that it acknowledged", () => {
      expect(winnerOf(zero, protectedAt("none"), restart, candidates(candidate(1), candidate(2)))).toBe(1);
      const further = candidate(1, reading(1_500n));
      expect(winnerOf(zero, protectedAt("none"), restart, candidates(further, candidate(2)))).toBe(1);
    });

    test("names another one only if that has as much", () => {
      const prefers = policy({ rpo: "zero", preferIdcs: ["idc2"] });
      expect(winnerOf(prefers, protectedAt("none"), restart, candidates(candidate(1), candidate(2)))).toBe(2);
      const torn = candidate(1, { ...reading(900n), reported: { epoch: 7, maxOffset: 1_100n } });
      expect(winnerOf(zero, protectedAt("none"), restart, candidates(torn, candidate(2)))).toBe("not-protected");
      const whole = candidate(2, reading(1_100n));
      expect(winnerOf(zero, protectedAt("none"), restart, candidates(torn, whole))).toBe(2);
    });

    test("names nobody while it cannot be read", () => {
      const unread = candidate(1, { reading: null });
      expect(winnerOf(zero, protectedAt("none"), restart, candidates(unread, candidate(2)))).toBe("not-protected");
      expect(winnerOf(zero, protectedAt("broker"), restart, candidates(unread, candidate(2)))).toBe(2);
    });
  });

  test("asks for what the set shall survive", () => {
    const survive = policy({ rpo: "zero", survive: "idc" });
    expect(winnerOf(survive, protectedAt("broker"))).toBe("not-protected");
    expect(winnerOf(survive, protectedAt("idc"))).toBe(2);
    expect(decided(survive, protectedAt("broker"))).toMatchObject({
      why: "rpo: zero, survive: idc: the set's protection was last broker: x, and the master is silent, not positively dead",
    });
  });

  test("of the others asks nothing", () => {
    expect(winnerOf(protectedAt("none"))).toBe(2);
  });
});

describe("rpo: bounded", () => {
  const bounded = (maxLostBytes: bigint) => policy({ rpo: "bounded", maxLostBytes });
  const lagging = (lag: bigint) => candidates(master({ reported: at(1_000n + lag) }), candidate(2));

  test("lets pass what may be lost, to the byte", () => {
    expect(winnerOf(bounded(10n), lagging(10n))).toBe(2);
    expect(winnerOf(bounded(10n), lagging(11n))).toBe("loss-too-large");
    expect(winnerOf(bounded(0n), lagging(0n))).toBe(2);
    expect(decided(bounded(10n), lagging(2n ** 53n + 1n))).toMatchObject({
      why: "rpo: bounded lets 10 bytes be lost, and broker 1 has told of 9,007,199,254,740,993 bytes more than the winner has",
    });
  });

  test("lets nothing pass when the loss is not known", () => {
    expect(winnerOf(bounded(10n), candidates(master({ reported: null }), candidate(2)))).toBe("loss-too-large");
    expect(winnerOf(bounded(10n), candidates(master({ reported: at(5n, 6) }), candidate(2)))).toBe("loss-too-large");
    expect(winnerOf(bounded(10n), candidates(candidate(2)))).toBe("loss-too-large");
  });
});

describe("the known lag", () => {
  const lagOf = (reported: OffsetReading | null) => {
    const verdict = decided(candidates(master({ reported }), candidate(2)));
    return verdict.kind === "elect" ? [verdict.knownLag, verdict.why.split("; ").at(-1)] : [];
  };

  test("is what the old master had told of beyond the winner's end", () => {
    expect(lagOf(at(1_001n))).toEqual([
      1n,
      "broker 1 had told of 1 byte more, which are lost unless they were never acknowledged",
    ]);
  });

  test("is none when its last heartbeat was behind what the winner has", () => {
    expect(lagOf(at(400n))).toEqual([0n, "it has all that broker 1 told of"]);
  });

  test("is not known across epochs", () => {
    expect(lagOf(at(400n, 6))).toEqual([null, "how far broker 1 was in this epoch is not known"]);
    expect(lagOf(null)).toEqual([null, "how far broker 1 was in this epoch is not known"]);
  });
});

describe("unclean: allow", () => {
  const allow = policy({ unclean: "allow" });
  const outside = candidate(4, { inSync: false, ...reading(1_500n) });

  test("lets a replica pass that is not in sync when no in-sync one can, and says so", () => {
    expect(decided(allow, candidates(master(), outside))).toMatchObject({
      winner: 4,
      why: "idc1, idc2 and witness say that broker 1 is down; broker 4 is the only candidate, at epoch 7, offset 1,500, unclean (not-in-sync: the in-sync set is 1, 2, 3); it has all that broker 1 told of",
    });
    expect(winnerOf(allow, candidates(master(), outside, candidate(2)))).toBe(2);
  });

  test("takes the best that is there: unconfirmed, or with a lost tail", () => {
    const cut = candidate(2, { reading: at(900n) });
    const fresh = candidate(3, { confirmed: false, ...reading(800n) });
    expect(winnerOf(allow, candidates(master(), cut, fresh))).toBe(2);
    expect(winnerOf(allow, candidates(master(), cut, fresh, outside))).toBe(4);
  });

  test("takes nobody that is not heard at a majority, or not read", () => {
    expect(winnerOf(allow, candidates(master(), { ...outside, aliveAt: ["idc1"] }))).toBe("no-candidate");
    expect(winnerOf(allow, candidates(master(), { ...outside, reading: null }))).toBe("no-candidate");
  });

  test("waits for in-sync members first", () => {
    expect(winnerOf(allow, { gathered: false }, candidates(master(), candidate(2, { reading: null }), outside))).toBe(
      "gathering",
    );
  });

  test("changes nothing with rpo: zero, and nothing is unclean without it (I3)", () => {
    const zero = {
      ...policy({ unclean: "allow", rpo: "zero" }),
      protection: { level: "broker", why: "", at: 0 } as const,
    };
    expect(winnerOf(zero, dead, candidates(master(), outside))).toBe("no-candidate");
    expect(winnerOf(candidates(master(), outside))).toBe("no-candidate");
  });
});

describe("the cool-down", () => {
  const cooling = policy({ cooldownMs: 60_000 });
  const ago = (...ms: readonly number[]) => ({ failoversAt: ms.map((one) => 1_003_000 - one) });

  test("lets two failovers pass within cooldownMs, and no third", () => {
    expect(winnerOf(cooling, ago(30_000))).toBe(2);
    expect(winnerOf(cooling, ago(30_000, 59_999))).toBe("cooling-down");
    expect(winnerOf(cooling, ago(30_000, 60_000))).toBe(2);
    expect(decided(cooling, ago(30_000, 59_999))).toMatchObject({
      why: "2 failovers in the last 60,000 ms; at most 2 are let pass",
    });
  });

  test("takes a stamp of the future for now", () => {
    expect(winnerOf(cooling, ago(-90_000, -90_000))).toBe("cooling-down");
    expect(winnerOf(policy({ cooldownMs: 0 }), ago(0, -90_000))).toBe(2);
  });
});

describe("frozen: true in the policy", () => {
  const frozen = policy({ frozen: true });

  test("lets nothing pass but a recovery", () => {
    expect(winnerOf(frozen)).toBe("frozen");
    expect(winnerOf(frozen, dead, { kind: "restart" })).toBe("frozen");
    expect(winnerOf(frozen, { kind: "first-master", epoch: 0, designated: 2, candidates: [] })).toBe("frozen");
    expect(winnerOf(frozen, { kind: "recover" }, candidates(candidate(2)))).toBe(2);
  });
});

describe("the first master", () => {
  const first: Partial<DecisionInput> = {
    kind: "first-master",
    epoch: 0,
    inSyncEpoch: 0,
    master: null,
    inSync: [],
    question: null,
    answers: [],
    candidates: [],
    designated: 2,
  };

  test("is who asked, in epoch 1", () => {
    expect(decided(first)).toEqual({
      kind: "elect",
      winner: 2,
      epoch: 1,
      inSyncEpoch: 1,
      knownLag: null,
      rejected: [],
      why: "there was no master yet, and broker 2 asked first",
    });
    expect(winnerOf(first, { designated: null })).toBe("no-candidate");
  });

  test("is elected in epoch 0 only", () => {
    expect(winnerOf(first, { epoch: 1 })).toBe("no-majority");
  });

  test("is not elected when a broker tells of an epoch: the ledger has lost it", () => {
    const told = { epoch: 1, maxOffset: 5n };
    expect(winnerOf(first, candidates(candidate(2, { reading: null, reported: told })))).toBe("ledger-behind");
    expect(
      winnerOf(
        first,
        candidates(candidate(3, { reading: told, reported: null }), candidate(2, { reading: null, reported: null })),
      ),
    ).toBe("ledger-behind");
    const fresh = { epoch: -1, maxOffset: 0n };
    expect(winnerOf(first, candidates(candidate(2, { reading: fresh, reported: fresh })))).toBe(2);
  });
});

test("nothing is elected when a broker tells of a later epoch than the record's, except by a recovery", () => {
  const ahead = candidates(master(), candidate(2, reading(1n, 8)));
  expect(decided(ahead)).toMatchObject({
    reason: "ledger-behind",
    why: "the record is at epoch 7, a broker tells of epoch 8",
  });
  expect(winnerOf(candidates(master(), candidate(2, reading(1n, 7))))).toBe(2);
});

describe("a recovery by name", () => {
  const named = (designated: number, changes: Partial<DecisionInput> = {}) =>
    ({ kind: "recover", designated, question: null, answers: [], ...changes }) satisfies Partial<DecisionInput>;

  test("needs one site that hears the broker: no others were asked", () => {
    expect(winnerOf(named(2), candidates(candidate(2, { aliveAt: ["idc1"] })))).toBe(2);
    expect(winnerOf(named(2), candidates(candidate(2, { aliveAt: [] })))).toBe("not-alive");
    expect(winnerOf(named(9), candidates(candidate(2)))).toBe("no-candidate");
  });

  test("does not take one that is out of sync, unconfirmed, cut, unread or behind", () => {
    const two = (changes: Partial<CandidateFacts>) =>
      winnerOf(named(2), candidates(candidate(1), candidate(2, changes)));
    expect(two({ inSync: false })).toBe("not-in-sync");
    expect(two({ confirmed: false })).toBe("unconfirmed");
    expect(two({ reading: at(999n) })).toBe("lost-tail");
    expect(two({ reading: null })).toBe("unread");
    expect(two(reading(999n))).toBe("behind");
    expect(two(reading(1_001n))).toBe(2);
    expect(winnerOf(named(2, { gathered: false }), candidates(candidate(1), candidate(2)))).toBe("gathering");
  });

  test("takes it by force, as long as it is there and was read (I3)", () => {
    const two = (changes: Partial<CandidateFacts>) =>
      decided(named(2, { forced: true, gathered: false }), candidates(candidate(1), candidate(2, changes)));
    expect(two({ inSync: false, confirmed: false, reading: at(999n) })).toMatchObject({
      winner: 2,
      knownLag: 1n,
      why: "an operator forces broker 2, at epoch 7, offset 999; broker 1 is at epoch 7, offset 1,000, broker 2 at epoch 7, offset 999",
    });
    expect(two({ aliveAt: [] })).toMatchObject({ reason: "not-alive" });
    expect(two({ reading: null })).toMatchObject({ reason: "unread" });
  });
});

describe("a recovery", () => {
  const now = 1_764_000_000_500;
  const recovery: Partial<DecisionInput> = { kind: "recover", question: null, answers: [], now };
  const epochsOf = (...changes: readonly Partial<DecisionInput>[]) => {
    const verdict = decided(recovery, candidates(candidate(2)), ...changes);
    return verdict.kind === "elect" ? [verdict.epoch, verdict.inSyncEpoch] : verdict.reason;
  };

  test("sets epochs to the unix time in seconds, which is above all that may have been", () => {
    expect(epochsOf()).toEqual([1_764_000_000, 1_764_000_000]);
    expect(epochsOf({ epoch: 1_764_000_000, inSyncEpoch: 1_764_000_005 })).toEqual([1_764_000_001, 1_764_000_006]);
    expect(epochsOf(candidates(candidate(2, reading(5n, 1_764_000_004))))).toEqual([1_764_000_005, 1_764_000_000]);
    expect(
      epochsOf(candidates(candidate(2), candidate(3, { reading: null, reported: at(5n, 1_764_000_004) }))),
    ).toEqual([1_764_000_005, 1_764_000_000]);
  });

  test("takes the one with the most progress, if it is in sync by the record", () => {
    expect(winnerOf(recovery, candidates(candidate(2), candidate(3, reading(1_001n))))).toBe(3);
    const further = candidate(4, { inSync: false, ...reading(1_001n) });
    expect(decided(recovery, candidates(candidate(2), further))).toMatchObject({
      reason: "behind",
      why: "broker 4 is at epoch 7, offset 1,001, broker 2 at epoch 7, offset 1,000: name a master",
    });
    const three = [candidate(5, { inSync: false, ...reading(1_001n) }), further, candidate(2)];
    expect(decided(recovery, candidates(...three))).toMatchObject({ why: expect.stringMatching(/^broker 4 is at/) });
    expect(winnerOf(recovery, candidates(further))).toBe("no-candidate");
    expect(winnerOf(recovery, candidates(further), policy({ unclean: "allow" }))).toBe(4);
    expect(winnerOf(recovery, { gathered: false }, candidates(candidate(2)))).toBe("gathering");
  });

  test("takes the named one; further ones, in sync or not, only with force", () => {
    const list = candidates(candidate(2), candidate(4, { inSync: false, ...reading(1_001n) }));
    expect(winnerOf(recovery, list, { designated: 2 })).toBe("behind");
    expect(winnerOf(recovery, list, { designated: 2, forced: true })).toBe(2);
    expect(winnerOf(recovery, list, { designated: 4 })).toBe("not-in-sync");
    expect(winnerOf(recovery, list, { designated: 4, forced: true })).toBe(4);
    expect(winnerOf(recovery, candidates(candidate(2), candidate(3)), { designated: 3 })).toBe(3);
  });
});

describe("an epoch", () => {
  test("is never one that brokers cannot hold", () => {
    const last = { epoch: epochMax - 1, question: { ...question, epoch: epochMax - 1 } };
    expect(decided(last)).toMatchObject({ kind: "elect", epoch: epochMax });
    const full = { epoch: epochMax, question: { ...question, epoch: epochMax } };
    expect(decided(full)).toMatchObject({
      reason: "epoch-limit",
      why: "brokers take no epoch above 2,147,483,647, the next would be 2,147,483,648",
    });
    expect(winnerOf({ inSyncEpoch: epochMax })).toBe("epoch-limit");
    expect(winnerOf({ inSyncEpoch: epochMax - 1 })).toBe(2);
    expect(winnerOf({ kind: "recover", now: (epochMax + 1) * 1_000 }, candidates(candidate(2)))).toBe("epoch-limit");
  });
});
