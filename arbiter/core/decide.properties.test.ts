import fc from "fast-check";
import { expect, test } from "vitest";
import { decide } from "./decide.ts";
import { answer, planned, question, threeSites } from "./decision.fixture.ts";
import { type CandidateFacts, type DecisionInput, decisionKinds, refusalReasons } from "./decision.ts";
import { decodeDecision, encodeDecision } from "./decision-records.ts";
import { replayDecision } from "./explain.ts";
import { type OffsetReading, protectionLevels, rpoNames, setName, verdicts } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";
import { epochMax } from "./verdict.ts";

/** The invariants, over inputs of every kind; what an oracle says here is written without the code it judges. */

const runs = { numRuns: 500 };
const site = fc.constantFrom(...threeSites, "stranger");
const somewhere = fc.uniqueArray(site);
/** Close together, and around where 32 and 53 bits end. */
const offset = fc
  .tuple(fc.constantFrom(0n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n), fc.bigInt(0n, 3n))
  .map(([base, more]) => base + more);
const reading: fc.Arbitrary<OffsetReading> = fc.record({ epoch: fc.integer({ min: 6, max: 7 }), maxOffset: offset });
const candidate = (id: number): fc.Arbitrary<CandidateFacts> =>
  fc.record({
    id: fc.constant(id),
    inSync: mostly(true),
    confirmed: mostly(true),
    aliveAt: fc.oneof({ weight: 6, arbitrary: fc.constant(threeSites) }, somewhere),
    downAt: fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, somewhere),
    reading: fc.option(reading, { freq: 6 }),
    reported: fc.option(reading, { freq: 3 }),
    drained: fc.boolean(),
    priority: fc.integer({ min: 0, max: 1 }),
    idc: fc.constantFrom("idc1", "idc2", ""),
  });
const drawn: fc.Arbitrary<DecisionInput> = fc.record({
  kind: fc.constantFrom("first-master", "failover", "failover", "restart", "switch", "switch-back", "recover"),
  cluster: fc.constant("C1"),
  set: fc.constant("bs1"),
  epoch: fc.constantFrom(7, 7, 7, 7, 7, 7, 7, 7, 6, epochMax),
  usedEpoch: fc.constant(0),
  inSyncEpoch: fc.constantFrom(20, 20, 20, 20, 20, 20, epochMax),
  master: fc.constantFrom(1, 1, 1, 2, null),
  inSync: fc.subarray([1, 2, 3, 4]),
  sites: fc.subarray([...threeSites], { minLength: 1 }),
  question: fc.constantFrom(question, question, question, question, null, { ...question, epoch: 6 }),
  planned: fc.constantFrom(planned, planned, { ...planned, from: 2, to: 1, decided: 7 }, null),
  answers: fc.array(
    fc.record({
      site,
      question: fc.constantFrom("7.1", "7.1", "7.1", "7.0"),
      master: fc.record({ verdict: fc.constantFrom("silent", "dead", ...verdicts), evidence: fc.constant("") }),
      replicas: fc.constant({}),
      told: fc.constant(null),
      at: fc.constant(0),
    }),
    { minLength: 2, maxLength: 5 },
  ),
  candidates: fc.tuple(candidate(1), candidate(2), candidate(3), candidate(4)),
  acting: fc.subarray([1, 2]),
  policy: fc.record({
    rpo: fc.constantFrom(...rpoNames),
    survive: fc.constantFrom("broker", "idc"),
    maxLostBytes: fc.constantFrom(0n, 1n, 2n ** 40n),
    unclean: fc.constantFrom("deny", "allow"),
    preferIdcs: fc.subarray(["idc1", "idc2"]),
    cooldownMs: fc.constant(usualPolicy.cooldownMs),
    degradeAfterMs: fc.constant(usualPolicy.degradeAfterMs),
    returnAfterMs: fc.constant(usualPolicy.returnAfterMs),
    frozen: mostly(false),
  }),
  protection: fc.option(
    fc.record({ level: fc.constantFrom(...protectionLevels), why: fc.constant(""), at: fc.constant(0) }),
  ),
  failoversAt: fc.array(fc.integer({ min: 900_000, max: 1_100_000 }), { maxLength: 2 }),
  now: fc.constant(1_000_000),
  gathered: mostly(true),
  designated: fc.option(fc.integer({ min: 1, max: 5 }), { freq: 3 }),
  forced: fc.boolean(),
  reason: fc.constant(""),
});

function mostly(value: boolean): fc.Arbitrary<boolean> {
  return fc.constantFrom(value, value, value, value, value, value, !value);
}

/** First masters are mostly of epoch 0, where nobody has told of an epoch. */
const input = drawn.map((given) =>
  given.kind === "first-master" && given.designated !== 4 ? { ...given, epoch: 0, candidates: [] } : given,
);

const elected = (given: DecisionInput) => {
  const verdict = decide(given);
  return verdict.kind === "elect" ? verdict : undefined;
};

test("the inputs drawn here lead to elections of every kind, and to every refusal that decide gives", () => {
  const seen = new Set<string>();
  for (const given of fc.sample(input, { numRuns: 2_000, seed: 1 })) {
    const verdict = decide(given);
    seen.add(verdict.kind === "elect" ? given.kind : verdict.reason);
  }
  // Paused is the caller's, and a fence comes after the decision.
  const reasons = refusalReasons.filter((reason) => reason !== "paused" && reason !== "not-fenced");
  expect([...seen].sort()).toEqual([...decisionKinds, ...reasons].sort());
});

test("I1: epochs only rise, and fit the brokers", () => {
  fc.assert(
    fc.property(input, fc.nat(20), (drawn, usedEpoch) => {
      const given = { ...drawn, usedEpoch };
      const verdict = elected(given);
      if (verdict === undefined) return;
      expect(verdict.epoch).toBeGreaterThan(Math.max(given.epoch, usedEpoch));
      expect(verdict.inSyncEpoch).toBeGreaterThan(given.inSyncEpoch);
      expect(Math.max(verdict.epoch, verdict.inSyncEpoch)).toBeLessThanOrEqual(2 ** 31 - 1);
      for (const { reading: read, reported } of given.candidates)
        expect(verdict.epoch).toBeGreaterThan(Math.max(read?.epoch ?? -1, reported?.epoch ?? -1));
    }),
    runs,
  );
});

test("I2: no master is replaced unless more than half of the recorded sites say down, in this epoch, and nothing else", () => {
  fc.assert(
    fc.property(input, (given) => {
      const { kind, sites, answers } = given;
      if (elected(given) === undefined || kind === "recover") return;
      if (kind === "switch" || kind === "switch-back") {
        expect(given.planned).not.toBeNull();
        return;
      }
      if (kind === "first-master") {
        expect(given.epoch).toBe(0);
        return;
      }
      expect(given.question).toMatchObject({ epoch: given.epoch, master: given.master });
      const downAt = sites.filter((name) => {
        const own = answers.filter((one) => one.site === name && one.question === given.question?.id);
        return own.length > 0 && own.every(({ master }) => master.verdict === "silent" || master.verdict === "dead");
      });
      expect(downAt.length * 2).toBeGreaterThan(sites.length);
    }),
    runs,
  );
});

test("I3: only confirmed members of the in-sync set win, unless the policy or an operator's force says otherwise", () => {
  fc.assert(
    fc.property(input, (given) => {
      const verdict = elected(given);
      if (verdict === undefined || given.kind === "first-master") return;
      const winner = given.candidates.find(({ id }) => id === verdict.winner);
      if (given.kind === "switch-back") {
        expect(verdict.winner).toBe(given.planned?.from);
        return;
      }
      const named = given.kind === "recover" && given.designated !== null;
      if (given.kind === "switch") expect(verdict.winner).toBe(given.planned?.to);
      const byForce = named && given.forced;
      // Nobody knows who is in sync: an operator recovers a set of which all have told how far they are.
      const isUnknown = given.kind === "recover" && given.inSync.length === 0;
      if (isUnknown && !byForce) expect(given.candidates.every(({ reading: read }) => read !== null)).toBe(true);
      const unclean =
        !named && given.kind !== "switch" && given.policy.unclean === "allow" && given.policy.rpo !== "zero";
      if (!byForce && !unclean && !isUnknown) expect(winner).toMatchObject({ inSync: true, confirmed: true });
      if (unclean && !isUnknown && !winner?.inSync) expect(verdict.why).toContain("unclean");
      expect(winner?.reading).not.toBeNull();
      if (named) expect(verdict.winner).toBe(given.designated);
    }),
    runs,
  );
});

test("I6: with rpo: zero nobody takes over from a master that may have acknowledged what nobody else has", () => {
  const place = ({ epoch, maxOffset }: OffsetReading) => (BigInt(epoch) << 64n) + maxOffset;
  let byOldMastersWord = 0;
  fc.assert(
    fc.property(input, fc.constantFrom("dead", "silent"), (some, verdictOfAll) => {
      const kind = some.kind === "failover" ? ("failover" as const) : ("restart" as const);
      const answers = threeSites.map((of) => answer(of, verdictOfAll));
      const policy = { ...some.policy, rpo: "zero" as const };
      const given = { ...some, kind, epoch: 7, master: 1, question, answers, policy, candidates: some.candidates };
      const verdict = elected(given);
      if (verdict === undefined || (given.kind !== "failover" && given.kind !== "restart")) return;
      const level = given.protection?.level ?? "none";
      if (level === "idc" || (level === "broker" && given.policy.survive === "broker")) return;
      const deadAt = given.sites.filter((name) => {
        const own = given.answers.filter((one) => one.site === name && one.question === given.question?.id);
        return own.length > 0 && own.every(({ master }) => master.verdict === "dead");
      });
      expect(deadAt.length * 2).toBeGreaterThan(given.sites.length);
      if (level === "broker") return;
      expect(given.kind).toBe("restart");
      const of = (id: number | null) => given.candidates.find((one) => one.id === id);
      const [old, winner] = [of(given.master), of(verdict.winner)];
      if (old?.reading == null || winner?.reading == null) throw new Error("one of them was not read");
      byOldMastersWord += 1;
      expect(place(winner.reading)).toBeGreaterThanOrEqual(place(old.reading));
      if (old.reported !== null) expect(place(winner.reading)).toBeGreaterThanOrEqual(place(old.reported));
    }),
    runs,
  );
  expect(byOldMastersWord).toBeGreaterThan(0);
});

test("the winner has the most progress of all that may win, compared as whole numbers", () => {
  const place = ({ epoch, maxOffset }: OffsetReading) => (BigInt(epoch) << 64n) + maxOffset;
  fc.assert(
    fc.property(input, (given) => {
      const verdict = elected(given);
      if (verdict === undefined || (given.kind !== "failover" && given.kind !== "restart")) return;
      const places = given.candidates.flatMap((one) => {
        const { inSync, confirmed, aliveAt, downAt, reading: read, reported } = one;
        const heard = given.sites.filter((name) => aliveAt.includes(name) && !downAt.includes(name));
        const whole = read !== null && (reported === null || place(read) >= place(reported));
        const may = inSync && confirmed && whole && heard.length * 2 > given.sites.length;
        return may ? [{ ...one, place: place(read) }] : [];
      });
      const winner = places.find(({ id }) => id === verdict.winner);
      if (winner === undefined) {
        expect([given.policy.unclean, places]).toEqual(["allow", []]);
        return;
      }
      for (const other of places) {
        expect(winner.place).toBeGreaterThanOrEqual(other.place);
        if (winner.place === other.place) expect(winner.priority).toBeLessThanOrEqual(other.priority);
      }
    }),
    runs,
  );
});

test("a switch changes hands only where both are at the same end, and is taken back only to who has more", () => {
  fc.assert(
    fc.property(input, (given) => {
      if (elected(given) === undefined || given.planned === null) return;
      const { from, to } = given.planned;
      const endOf = (id: number) => given.candidates.find((one) => one.id === id)?.reading?.maxOffset ?? null;
      if (given.kind === "switch") {
        expect([given.gathered, given.master]).toEqual([true, from]);
        expect(endOf(to)).toBe(endOf(from));
      }
      if (given.kind !== "switch-back") return;
      expect([given.planned.decided, given.master]).toEqual([given.epoch, to]);
      const named = endOf(to);
      if (named !== null) expect(endOf(from)).toBeGreaterThan(named);
    }),
    runs,
  );
});

test("every candidate but the winner is rejected, once, with a reason", () => {
  fc.assert(
    fc.property(input, (given) => {
      const verdict = elected(given);
      if (verdict === undefined) return;
      const others = given.candidates.map(({ id }) => id).filter((id) => id !== verdict.winner);
      expect(verdict.rejected.map(({ id }) => id)).toEqual(others);
    }),
    runs,
  );
});

test("the order of candidates and of answers decides nothing", () => {
  fc.assert(
    fc.property(input, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), fc.nat(4), (given, order, turn) => {
      const candidates = order.flatMap((at) => given.candidates[at] ?? []);
      const answers = [...given.answers.slice(turn), ...given.answers.slice(0, turn)].toReversed();
      const other = decide({ ...given, candidates, answers });
      expect(other).toEqual(decide(given));
    }),
    runs,
  );
});

test("I11: a decision that was written down and read again is decided the same", () => {
  fc.assert(
    fc.property(input, (given) => {
      const verdict = elected(given);
      if (verdict === undefined) return;
      const id = `${setName("C1", "bs1")}/${verdict.epoch}`;
      const text = encodeDecision({ id, input: given, verdict, decidedBy: "idc1", at: 1, effects: {} });
      expect(replayDecision(decodeDecision(text))).toEqual({ same: true, verdict });
    }),
    { numRuns: 200 },
  );
});
