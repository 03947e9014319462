import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OperatorError } from "#lib/errors.ts";
import { recordCharsMax } from "./codec.ts";
import { decisionKinds, effectNames, refusalReasons } from "./decision.ts";
import { decodeDecision, decodeRefusal, encodeDecision, encodeRefusal } from "./decision-records.ts";
import { protectionLevels, rpoNames, type SetRecord, setName, switchStages, verdicts } from "./model.ts";
import {
  decodeAnswer,
  decodeCluster,
  decodePause,
  decodeProtection,
  decodeQuestion,
  decodeSet,
  decodeSite,
  decodeSwitch,
  encodeAnswer,
  encodeCluster,
  encodePause,
  encodeProtection,
  encodeQuestion,
  encodeSet,
  encodeSite,
  encodeSwitch,
} from "./records.ts";

const word = fc.string({ unit: "binary" });
const epoch = fc.nat();
const brokerId = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const wall = fc.double({ min: 0, max: 1e15, noNaN: true }).map(Math.abs);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const few = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 4 });
const byId = <T>(value: fc.Arbitrary<T>) =>
  fc.array(fc.tuple(fc.nat(), value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));

const set = fc.record({
  cluster: word,
  set: word,
  epoch,
  inSyncEpoch: epoch,
  master: orNull(brokerId),
  inSync: few(brokerId),
  unconfirmed: few(brokerId),
  replicas: byId(fc.record({ address: word, checkCode: word })),
  decision: orNull(word),
  frozen: orNull(
    fc.record({
      code: fc.constantFrom("operator", "duplicate-id", "ledger-behind"),
      reason: word,
      at: wall,
      until: orNull(wall),
    }),
  ),
  failoversAt: few(wall),
});
const cluster = fc.record({ sites: few(word), incarnation: word, at: wall });
const pause = fc.record({ reason: word, at: wall, until: orNull(wall) });
const site = fc.record({
  site: word,
  controller: word,
  version: word,
  beat: epoch,
  unheard: fc.array(fc.string()),
  votes: fc.boolean(),
  why: word,
});
const question = fc.record({
  id: word,
  cluster: word,
  set: word,
  epoch,
  master: brokerId,
  askedBy: word,
  restarted: fc.boolean(),
  at: wall,
});
const planned = fc.record({
  id: word,
  cluster: word,
  set: word,
  epoch,
  from: brokerId,
  to: brokerId,
  reason: word,
  askedBy: word,
  at: wall,
  minInSyncReplicas: epoch,
  brokerPermission: epoch,
  stage: fc.constantFrom(...switchStages),
  decided: orNull(epoch),
  outcome: word,
});
const view = fc.record({ verdict: fc.constantFrom(...verdicts), evidence: word });
const protection = fc.record({ level: fc.constantFrom(...protectionLevels), why: word, at: wall });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const reading = fc.record({ epoch: fc.integer({ min: -1 }), maxOffset: int64 });
const answer = fc.record({
  site: word,
  question: word,
  master: view,
  replicas: byId(view),
  told: orNull(reading),
  at: wall,
});
const candidate = fc.record({
  id: brokerId,
  inSync: fc.boolean(),
  confirmed: fc.boolean(),
  aliveAt: few(word),
  downAt: few(word),
  reading: orNull(reading),
  reported: orNull(reading),
  drained: fc.boolean(),
  priority: fc.integer(),
  idc: word,
});
const policy = fc.record({
  rpo: fc.constantFrom(...rpoNames),
  survive: fc.constantFrom("broker", "idc"),
  maxLostBytes: int64,
  unclean: fc.constantFrom("deny", "allow"),
  preferIdcs: few(word),
  cooldownMs: wall,
  degradeAfterMs: wall,
  returnAfterMs: orNull(wall),
  frozen: fc.boolean(),
});
const rejected = fc.record({ id: brokerId, reason: fc.constantFrom(...refusalReasons), detail: word });
const refusal = fc.record({
  question: word,
  site: word,
  reason: fc.constantFrom(...refusalReasons),
  why: word,
  rejected: few(rejected),
  at: wall,
});
const effect = fc.record({ site: word, at: wall, detail: word });
const decision = fc.record({
  id: word,
  input: fc.record({
    kind: fc.constantFrom(...decisionKinds),
    cluster: word,
    set: word,
    epoch,
    usedEpoch: epoch,
    inSyncEpoch: epoch,
    master: orNull(brokerId),
    inSync: few(brokerId),
    sites: few(word),
    question: orNull(question),
    planned: orNull(planned),
    answers: few(answer),
    candidates: few(candidate),
    acting: few(fc.nat()),
    policy,
    protection: orNull(protection),
    failoversAt: few(wall),
    now: wall,
    gathered: fc.boolean(),
    designated: orNull(brokerId),
    forced: fc.boolean(),
    reason: word,
  }),
  verdict: fc.record({
    kind: fc.constant("elect"),
    winner: brokerId,
    epoch,
    inSyncEpoch: epoch,
    rejected: few(rejected),
    knownLag: orNull(int64),
    why: word,
  }),
  decidedBy: word,
  at: wall,
  effects: fc.record(Object.fromEntries(effectNames.map((name) => [name, effect])), { requiredKeys: [] }),
});

/** Reads back what was written, and writes the same text for the same record, however its fields are ordered. */
function staysItself(
  arbitrary: fc.Arbitrary<object>,
  encode: (value: never) => string,
  decode: (text: string) => object,
): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const text = encode(value as never);
      const read = decode(text);
      expect(read).toEqual(value);
      expect(encode(Object.fromEntries(Object.entries(read).toReversed()) as never)).toBe(text);
    }),
  );
}

describe("a record", () => {
  const name = setName("C1", "a");
  test.each([
    ["set", () => staysItself(set, encodeSet, decodeSet)],
    ["switch", () => staysItself(planned, encodeSwitch, decodeSwitch)],
    ["cluster", () => staysItself(cluster, encodeCluster, decodeCluster)],
    ["pause", () => staysItself(pause, encodePause, decodePause)],
    ["site", () => staysItself(site, encodeSite, decodeSite)],
    ["question", () => staysItself(question, encodeQuestion, decodeQuestion)],
    ["answer", () => staysItself(answer, (value) => encodeAnswer(value, name), decodeAnswer)],
    ["protection", () => staysItself(protection, (value) => encodeProtection(value, name), decodeProtection)],
    ["refusal", () => staysItself(refusal, (value) => encodeRefusal(value, name), decodeRefusal)],
    ["decision", () => staysItself(decision, encodeDecision, decodeDecision)],
  ])("of a %s is its text, and its text is the record", (_name, stays) => stays());

  test("is the same text today as ever: another one needs another schema", () => {
    expect(encodeSet(sample)).toBe(
      '{"schema":1,"cluster":"C1","set":"a","epoch":7,"inSyncEpoch":9,"master":2,"inSync":[2,1],"unconfirmed":[1],' +
        '"replicas":{"1":{"address":"10.1.0.2:10911","checkCode":"x"},"2":{"address":"10.2.0.2:10911","checkCode":"y"}},' +
        '"decision":"C1/a/7","frozen":null,"failoversAt":[1700000000000]}',
    );
  });

  test("of a decision is read that was written before its newer fields were", () => {
    const later = ["told", "restarted", "acting", "returnAfterMs"];
    const without = (key: string, value: unknown): unknown => (later.includes(key) ? undefined : value);
    fc.assert(
      fc.property(decision, (value) => {
        const text = JSON.stringify(JSON.parse(encodeDecision(value)), without);
        expect(decodeDecision(text)).toMatchObject({ id: value.id, verdict: value.verdict });
      }),
    );
  });

  test("that nobody could read is not written", () => {
    expect(() => encodeSet({ ...sample, epoch: Number.NaN })).toThrow("sets/C1/a, epoch: null: not a whole number");
  });
});

const sample: SetRecord = {
  cluster: "C1",
  set: "a",
  epoch: 7,
  inSyncEpoch: 9,
  master: 2,
  inSync: [2, 1],
  unconfirmed: [1],
  replicas: {
    2: { address: "10.2.0.2:10911", checkCode: "y" },
    1: { address: "10.1.0.2:10911", checkCode: "x" },
  },
  decision: "C1/a/7",
  frozen: null,
  failoversAt: [1_700_000_000_000],
};

describe("a damaged text is refused, with the key, the field and what stands there", () => {
  const damaged = (patch: Record<string, unknown>) => JSON.stringify({ ...JSON.parse(encodeSet(sample)), ...patch });
  test.each([
    ["", 'sets/C1/a: "": not JSON'],
    ["{", 'sets/C1/a: "{": not JSON'],
    ["[]", "sets/C1/a: []: not a mapping"],
    ["null", "sets/C1/a: null: not a mapping"],
    ["{}", "sets/C1/a, schema: not 1, the one known here"],
    [damaged({ schema: 2 }), "sets/C1/a, schema: 2: not 1, the one known here"],
    [damaged({ schema: "1" }), 'sets/C1/a, schema: "1": not 1, the one known here'],
    [damaged({ epoch: undefined }), "sets/C1/a, epoch: missing"],
    [damaged({ epoch: "7" }), 'sets/C1/a, epoch: "7": not a whole number from 0'],
    [damaged({ epoch: 7.5 }), "sets/C1/a, epoch: 7.5: not a whole number from 0"],
    [damaged({ epoch: -1 }), "sets/C1/a, epoch: -1: not a whole number from 0"],
    [damaged({ epoch: 2 ** 60 }), `sets/C1/a, epoch: ${2 ** 60}: not a whole number from 0`],
    [damaged({ master: undefined }), "sets/C1/a, master: missing"],
    [damaged({ inSync: { 0: 1 } }), 'sets/C1/a, inSync: {"0":1}: not a list'],
    [damaged({ inSync: [1, null] }), "sets/C1/a, inSync.1: null: not a whole number from 0"],
    [damaged({ replicas: [] }), "sets/C1/a, replicas: []: not a mapping"],
    [damaged({ replicas: { x: {} } }), 'sets/C1/a, replicas.x: "x": not a broker\'s id'],
    [damaged({ replicas: { 1: { address: "h:1" } } }), "sets/C1/a, replicas.1.checkCode: missing"],
    [damaged({ replicas: { 1: { address: 1, checkCode: "" } } }), "sets/C1/a, replicas.1.address: 1: not a text"],
    [damaged({ decision: 7 }), "sets/C1/a, decision: 7: not a text"],
    [damaged({ liveness: true }), "sets/C1/a, liveness: true: a field that is not known here"],
    ['{"__proto__":{},"schema":1}', "sets/C1/a, __proto__: {}: a field that is not known here"],
    [
      damaged({ frozen: { code: "cold", reason: "", at: 0, until: null } }),
      'sets/C1/a, frozen.code: "cold": none of operator, duplicate-id, ledger-behind',
    ],
    [damaged({ failoversAt: ["then"] }), 'sets/C1/a, failoversAt.0: "then": not a number from 0'],
    [JSON.stringify("x".repeat(100)), `sets/C1/a: "${"x".repeat(76)}...: not a mapping`],
  ])("%s", (text, message) => {
    expect(() => decodeSet(text, "sets/C1/a")).toThrow(
      expect.objectContaining({ code: "ARB_RECORD", message, name: "OperatorError" }),
    );
  });

  test.each([["9223372036854775808"], ["01"], ["-0"], ["1.0"], ["0x1"], [""], [1]])(
    "an offset written as %j",
    (maxOffset) => {
      const text = JSON.stringify({ schema: 1, id: "x", input: { kind: "failover" } });
      expect(() => decodeDecision(text)).toThrow("decisions/?, input.cluster: missing");
      const lag = encodeDecision(decisionSample()).replace('"knownLag":"0"', `"knownLag":${JSON.stringify(maxOffset)}`);
      expect(() => decodeDecision(lag)).toThrow(/verdict\.knownLag: .*not a 64-bit number in a text/);
    },
  );

  test("one that is too long to be a record", () => {
    expect(() => decodePause(`"${"x".repeat(recordCharsMax)}"`)).toThrow(/^pause: .*too long/);
  });

  test("whatever it is, an OperatorError says so", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(decodeSet, decodeAnswer, decodeDecision, decodeSite), (text, decode) => {
        try {
          decode(text);
        } catch (error) {
          return error instanceof OperatorError && error.code === "ARB_RECORD";
        }
        return false;
      }),
    );
  });
});

function decisionSample() {
  const [one] = fc.sample(decision, { numRuns: 1, seed: 1 });
  if (one === undefined) throw new Error("no sample");
  return { ...one, verdict: { ...one.verdict, knownLag: 0n } } as Parameters<typeof encodeDecision>[0];
}
