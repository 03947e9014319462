import { describe, expect, test } from "vitest";
import type { ControllerAnswer, ControllerRequest } from "./controller-messages.ts";
import { question } from "./decision.fixture.ts";
import type { Command } from "./events.ts";
import { questionKey, siteKey } from "./keys.ts";
import { type QuestionRecord, setName } from "./model.ts";
import { decodeQuestion, encodeQuestion, encodeSite } from "./records.ts";
import { decidedSet, decision, heldSet, siteUnderTest } from "./site.fixture.ts";
import { askMsMax } from "./timing.ts";

const elect: ControllerRequest = { kind: "electMaster", cluster: "C1", set: "bs1", id: 2, designate: false };
const register: ControllerRequest = {
  kind: "registerBroker",
  cluster: "C1",
  set: "bs1",
  id: 1,
  address: "10.1.0.1:10911",
};

const answersOf = (commands: readonly Command[]): ControllerAnswer[] =>
  commands.flatMap((command) => (command.kind === "answer" ? [command.answer] : []));
const name = setName("C1", "bs1");
const key = questionKey(name);
const questionsIn = (commands: readonly Command[]): QuestionRecord[] =>
  commands
    .flatMap((command) => (command.kind === "commit" ? command.transaction.puts : []))
    .filter((put) => put.key === key)
    .map(({ text }) => decodeQuestion(text));
const asksAboutMaster = (commands: readonly Command[]): boolean =>
  commands.some(
    (command) => command.kind === "commit" && command.transaction.puts.some(({ key }) => key.startsWith("questions/")),
  );

describe("a 1002 of the recorded master", () => {
  test("waits: it has restarted, and all are asked", () => {
    const site = siteUnderTest({ ...heldSet, master: 2, inSync: [1, 2] });
    const commands = [...site.ask(1, elect), ...site.pass(100)];
    expect(answersOf(commands)).toEqual([]);
    expect(asksAboutMaster(commands)).toBe(true);
  });

  test("is told of by a question that was open already: a site that is cut off from the master may keep that one open", () => {
    const site = siteUnderTest();
    site.write(key, encodeQuestion(question));
    const commands = [...site.ask(1, { ...elect, id: 1 } as ControllerRequest), ...site.pass(100)];
    expect(questionsIn(commands)).toEqual([{ ...question, restarted: true }]);
  });

  test("is not forgotten over a question about an epoch that is over, which is closed meanwhile", () => {
    const site = siteUnderTest(heldSet, { site: "witness" });
    // idc1 comes first, and would ask.
    const beat = { controller: "idc1", version: "test", beat: 1, unheard: [], votes: true, why: "" };
    site.write(siteKey("idc1"), encodeSite({ site: "idc1", ...beat }));
    expect(asksAboutMaster(site.ask(1, { ...elect, id: 1 } as ControllerRequest))).toBe(false);
    site.write(key, encodeQuestion({ ...question, epoch: heldSet.epoch - 1 }));
    expect(questionsIn(site.pass(5_000))[0]).toMatchObject({ epoch: heldSet.epoch, restarted: true });
  });

  test("of one that was only just decided is asked about at once: no question about it was denied", () => {
    const site = siteUnderTest();
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    site.write(key, encodeQuestion(question));
    site.decided(decision, decidedSet);
    site.remove(key);
    const commands = [...site.ask(1, elect), ...site.pass(100)];
    expect(questionsIn(commands)).toMatchObject([{ epoch: decidedSet.epoch, master: 2, restarted: true }]);
  });

  test("is answered with the epoch that was decided while it waited", () => {
    const site = siteUnderTest({ ...heldSet, master: 2, inSync: [1, 2] });
    site.ask(1, elect);
    site.pass(100);
    const commands = site.decided({ ...decision, effects: {} }, decidedSet);
    expect(answersOf(commands)).toMatchObject([{ kind: "electMaster", info: { master: 2, epoch: 8 } }]);
  });

  test("is answered with the epoch it waited for, also where the watch tells of the decision before etcd has answered for it", () => {
    const nobody = { ...heldSet, epoch: 0, inSyncEpoch: 0, master: null, inSync: [] };
    const site = siteUnderTest(nobody, { isSilent: true });
    const sent = site
      .ask(1, elect)
      .flatMap((command) => (command.kind === "commit" && command.transaction.puts.length > 0 ? [command] : []))
      .find(({ transaction }) => transaction.puts.some(({ key }) => key.startsWith("decisions/")));
    if (sent === undefined) throw new Error("nothing was decided");
    const told = sent.transaction.puts.flatMap(({ key, text }) => site.write(key, text));
    const meanwhile = site.pass(50);
    const ended = site.step({ kind: "committed", token: sent.token, revision: 200n, tookMs: 50 });
    const commands = [...told, ...meanwhile, ...ended, ...site.pass(200)];
    expect(asksAboutMaster(commands)).toBe(false);
    expect(answersOf(commands)).toMatchObject([{ kind: "electMaster", info: { master: 2, epoch: 1 } }]);
  });

  test("waits where the ledger is behind: the epoch that this site learns of may be older than the restart", () => {
    const site = siteUnderTest();
    // This site still has epoch 7 with master 1, the ledger has epoch 8 with master 2, which has restarted since.
    const commands = site.ask(1, elect, { ledgerHas: { ...decidedSet, decision: null } });
    expect(answersOf(commands)).toEqual([]);
    expect(asksAboutMaster([...commands, ...site.pass(100)])).toBe(true);
  });
});

describe("a 1002 is refused with 2012", () => {
  test("when it names a broker that is not in sync, and it is said why", () => {
    const site = siteUnderTest({ ...heldSet, inSync: [1, 3] });
    for (const id of [1, 2, 3]) site.step(site.heartbeat(id));
    const answers = answersOf(site.ask(1, { ...elect, designate: true } as ControllerRequest));
    const remark = "ARB_SWITCH_NOT_IN_SYNC: broker 2 is not in sync: the in-sync set is broker 1 and 3";
    expect(answers).toMatchObject([{ kind: "refused", code: 2_012, remark: expect.stringContaining(remark) }]);
  });

  test("when no decision answers it before the broker gives up, and not earlier", () => {
    const site = siteUnderTest({ ...heldSet, master: null });
    expect(answersOf([...site.ask(1, elect), ...site.pass(askMsMax)])).toEqual([]);
    expect(answersOf(site.pass(100))).toMatchObject([
      { kind: "refused", code: 2_012, remark: "No master: there is no decision yet" },
    ]);
  });
});

test("about a set that nobody has registered each request is refused as a stock controller does", () => {
  const site = siteUnderTest();
  const set = "bs9";
  const wish = { kind: "alterInSync", set, master: 1, epoch: 7, inSync: [1], inSyncEpoch: 3 } as const;
  const asked: readonly (readonly [ControllerRequest, number, string])[] = [
    [wish, 2_013, "Broker metadata is not existed"],
    [{ kind: "replicaInfo", set }, 2_008, "Broker metadata is not existed"],
    [
      { kind: "cleanBroker", cluster: null, set, ids: null, living: false },
      2_009,
      "Broker bs9 is not existed,clean broker data failure.",
    ],
  ];
  for (const [request, code, remark] of asked) {
    expect(answersOf(site.ask(1, request))).toEqual([{ kind: "refused", code, remark }]);
  }
});

test("a 1003 of the recorded master is answered without a master, and shows that it has restarted", () => {
  const site = siteUnderTest();
  const commands = [...site.ask(1, register), ...site.pass(100)];
  expect(answersOf(commands)).toMatchObject([{ kind: "registerBroker", info: { master: null } }]);
  expect(asksAboutMaster(commands)).toBe(true);
});
