import { expect, test } from "vitest";
import { calmRun, decision, firstDecision, goodRun, other, send } from "./made.ts";
import type { Evidence } from "./read.ts";
import { reportOf } from "./report.ts";
import { lastLines } from "./text.ts";

const good = goodRun();
const [firstSend] = good.sends;
const victim = good.sends[1_000];
if (firstSend === undefined || victim === undefined) throw new Error("the run has sends");

test("a run in which all went well is valid", () => {
  expect(reportOf(good)).toMatchObject({ isValid: true, problems: [], lostMessageCount: 0, exactlyOnce: true });
  expect(reportOf(calmRun())).toMatchObject({ isValid: true, problems: [], needlessSwitches: 0 });
});

/** What a system could do wrong, or a run fail to see: each must be told, and make the run fail. */
const evils: readonly [string, Evidence, RegExp][] = [
  [
    "a lost message",
    goodRun({ stored: good.stored.filter(({ id }) => id !== victim.id) }),
    /^1 acknowledged messages are lost: a19600 at 10.1.0.1:10911$/,
  ],
  [
    "a message that is there twice",
    goodRun({ stored: [...good.stored, { id: victim.id, queue: 3, offset: 0 }] }),
    /^1 messages are stored more than once/,
  ],
  ["messages that changed places", goodRun({ stored: swapped(good) }), /^1 messages are out of order/],
  [
    "a message that a consumer never got",
    goodRun({ got: good.got.filter(({ id }) => id !== victim.id) }),
    /^1 acknowledged messages were not consumed/,
  ],
  ["consumers that did not come to the end", goodRun({ caughtUp: false }), /did not come to the end/],
  [
    "a replaced master that goes on acknowledging",
    withSend(send("stale", 30_000)),
    /^1 acknowledgements by a master that was replaced: stale/,
  ],
  [
    "a broker that acknowledges before its reign",
    withSend(send("early", 5_000, { broker: other })),
    /^1 acknowledgements by a master that was replaced: early/,
  ],
  [
    "two masters in one epoch",
    goodRun({ record: [...good.record, { at: 50_000, by: "x", epoch: 8, broker: "10.1.0.1:10921" }] }),
    /^1 epochs have two masters: 8/,
  ],
  [
    "an epoch that falls",
    goodRun({ record: [...good.record, { at: 60_000, by: "arbiter-idc2", epoch: 7, broker: firstSend.broker }] }),
    /^1 times a decider's epoch fell: arbiter-idc2: 8, then 7/,
  ],
  [
    "a route that is empty",
    goodRun({ routes: [...good.routes, { at: 50_000, by: "router-idc1", master: null, brokers: [] }] }),
    /^1 times a router showed nobody: router-idc1 at 50000/,
  ],
  [
    "a route that goes back",
    goodRun({
      routes: [
        ...good.routes,
        { at: 50_000, by: "router-idc1", master: firstSend.broker, brokers: [firstSend.broker] },
      ],
    }),
    /^1 times a router went back to an older master: router-idc1 at 50000/,
  ],
  [
    "a decision with one vote",
    goodRun({ decisions: [firstDecision, decision({ answers: decision().answers.slice(1) })] }),
    /^1 decisions without a majority on record: C1\/bs1\/8 \(failover\): 1 of 3 sites/,
  ],
  [
    "an epoch that nobody decided",
    goodRun({ decisions: [firstDecision] }),
    /^1 epochs without a decision on record: 8/,
  ],
  [
    "another master while one link is cut",
    goodRun({ faults: calmRun().faults }),
    /^1 faults in which a master was replaced without need: 1 bridge/,
  ],
  [
    "replicas that do not come back",
    goodRun({ faults: good.faults.map((fault) => ({ ...fault, wholeAt: undefined })) }),
    /^1 faults after which not all replicas came back/,
  ],
  [
    "nothing acknowledged after a fault",
    goodRun({ sends: good.sends.filter(({ at, producer }) => at < 20_000 || producer.startsWith("canary")) }),
    /^1 faults after which nothing was acknowledged/,
  ],
  [
    "a dead canary",
    goodRun({ sends: good.sends.filter(({ at, producer }) => at < 50_000 || producer !== "canary-idc1") }),
    /^canary-idc1 is dead: nothing that it sent/,
  ],
  [
    "a canary that nobody hears",
    calmRun({
      about: { ...good.about, consumers: ["consumer-idc1", "deaf"] },
      got: [
        ...good.got,
        ...good.got.filter(({ id }) => !id.startsWith("c")).map((one) => ({ ...one, consumer: "deaf" })),
      ],
    }),
    /^canary-idc1 is dead: deaf got nothing/,
  ],
  [
    "too few messages",
    calmRun({ sends: calmRun().sends.filter(({ at }) => at % 1_000 === 0) }),
    /^only \d+ messages were acknowledged/,
  ],
  ["a run without faults", goodRun({ faults: [] }), /^no fault was in force/],
  ["a run that broke off", goodRun({ overAt: undefined }), /did not come to its end/],
];

test.each(evils)("%s makes the run fail", (_, evidence, problem) => {
  const { isValid, problems } = reportOf(evidence);
  expect(isValid).toBe(false);
  expect(problems).toContainEqual(expect.stringMatching(problem));
});

test("messages of others, and those that were not acknowledged, are nobody's business", () => {
  const stored = [...good.stored, { id: "stranger", queue: 0, offset: 1 }, { id: "stranger", queue: 0, offset: 2 }];
  const unanswered = send("silent", 30_000, { answeredAt: undefined, code: undefined });
  const refused = send("refused", 30_000, { code: 12 });
  expect(reportOf(goodRun({ stored, sends: [...good.sends, unanswered, refused] })).problems).toEqual([]);
});

test("stock controllers are not asked for decisions", () => {
  expect(reportOf(goodRun({ decisions: [], about: { ...good.about, contender: "stock" } })).problems).toEqual([]);
});

test("recovery counts from the fault's begin to the first acknowledgement of what was sent when it was in force", () => {
  const [outcome] = reportOf(good).results;
  expect(outcome).toMatchObject({ recoveryTime: 525, slowestIdcRecoveryTime: 525, isRecoveryInFaultInterval: true });
  expect(outcome).toMatchObject({ epochs: [8], masterMoved: true, needlessSwitches: 0, wholeMs: 5_000 });
});

test("the IDC whose clients had to wait longest is told", () => {
  const sends = good.sends.filter(({ at, producer }) => producer !== "idc2-1" || at < 20_000 || at >= 25_000);
  expect(reportOf(goodRun({ sends })).results[0]).toMatchObject({ recoveryTime: 525, slowestIdcRecoveryTime: 5_005 });
});

test("a second without any acknowledgement is unavailable time, less is not", () => {
  expect(reportOf(good).unavailableTime).toBe(0);
  const sends = good.sends.filter(({ at }) => at < 19_000 || at >= 24_000);
  expect(reportOf(goodRun({ sends })).unavailableTime).toBe(4_005);
});

test("silence in calm is told apart", () => {
  expect(reportOf(good).unexpectedUnavailableInNormalInterval).toBe(false);
  const sends = good.sends.filter(({ at }) => at < 46_000 || at >= 49_000);
  expect(reportOf(goodRun({ sends })).unexpectedUnavailableInNormalInterval).toBe(true);
});

test("the last lines are what scripts look at", () => {
  expect(lastLines(reportOf(good))).toBe(
    `acked ${good.sends.length}\nlost 0\nduplicated 0\nreordered 0\nneedless switches 0`,
  );
});

function withSend(one: Evidence["sends"][number]): Evidence {
  const there = { id: one.id, queue: 0, offset: 1e9 };
  // In its producer's order, so that nothing else is wrong.
  const odd = { ...one, producer: `pinned-${one.id}` };
  const got = { ...there, at: one.at, consumer: "consumer-idc1" };
  return goodRun({ sends: [...good.sends, odd], stored: [...good.stored, there], got: [...good.got, got] });
}

/** The second and the third message of one producer change places. */
function swapped({ stored }: Evidence): Evidence["stored"] {
  const [one, two] = stored.filter(({ id }) => id.startsWith("a")).slice(1, 3);
  if (one === undefined || two === undefined) throw new Error("the run has messages");
  return stored.map((each) => {
    if (each.id === one.id) return { ...each, offset: two.offset };
    return each.id === two.id ? { ...each, offset: one.offset } : each;
  });
}
