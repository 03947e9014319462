import type { Instant } from "#lib/clock.ts";
import { createArbiterCore } from "../../core/arbiter.ts";
import { question } from "../../core/decision.fixture.ts";
import type { DecisionRecord } from "../../core/decision.ts";
import { decodeDecision, encodeDecision } from "../../core/decision-records.ts";
import type { AskId, Command, Event, Transaction } from "../../core/events.ts";
import { auditFolder, clusterKey, decisionKey, protectionKey, questionKey, setKey, siteKey } from "../../core/keys.ts";
import { createMemoryLedger } from "../../core/ledger.fixture.ts";
import type { SetName, SetRecord } from "../../core/model.ts";
import type { OperatorAnswer, OperatorRequest } from "../../core/operator-messages.ts";
import { encodeCluster, encodeProtection, encodeQuestion, encodeSet, encodeSite } from "../../core/records.ts";
import { timing } from "../../core/timing.fixture.ts";
import type { HttpDaemon } from "../http.ts";

/** A real core over a ledger in memory, with a clock that stands still: what the HTTP door needs of the daemon. */
export interface Standing extends HttpDaemon {
  /** Lets time pass, in ticks. */
  pass(ms: number): void;
  feed(event: Event): void;
  write(key: string, text: string): void;
  /** What the ledger has there. */
  text(key: string): string | undefined;
  writeSet(changes?: Partial<SetRecord>): void;
  writeDecision(decision: DecisionRecord): void;
  /** Other sites' beats, fresh from now. */
  beat(...sites: string[]): void;
  /** etcd answers no more. */
  loseQuorum(): void;
  readonly notes: readonly Command[];
  /** Sent, and not answered unless a test does. */
  readonly probes: readonly Extract<Command, { kind: "probe" }>[];
}

export const wallStart = Date.UTC(2026, 10, 25, 12);
const set = "C1/bs1" as SetName;
const tickMs = 50;

const record: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2],
  unconfirmed: [],
  replicas: {
    1: { address: "10.1.0.21:10911", checkCode: "10.1.0.21:10911;1" },
    2: { address: "10.2.0.21:10911", checkCode: "10.2.0.21:10911;1" },
    3: { address: "10.1.0.22:10911", checkCode: "10.1.0.22:10911;1" },
  },
  decision: null,
  frozen: null,
  failoversAt: [],
};

/** @param initialized false: the ledger is empty, as before idcctl init */
export function createStanding(initialized = true, site = "idc1"): Standing {
  let now = 1_000_000 as Instant;
  let hasEtcd = true;
  let beats = 0;
  let asks = 0;
  const ledger = createMemoryLedger();
  const operators = new Map<AskId, (answer: OperatorAnswer) => void>();
  const notes: Command[] = [];
  const probes: Extract<Command, { kind: "probe" }>[] = [];
  const core = createArbiterCore({
    site,
    clusters: ["C1"],
    controller: "10.1.0.5:9878",
    version: "0.1.0",
    timing,
    idcOf: (address) => (address.startsWith("10.2.") ? "idc2" : "idc1"),
    canary: true,
  });
  const moment = () => ({ now, wall: wallStart + now - 1_000_000 });

  function commit(token: number, transaction: Transaction): void {
    if (hasEtcd) feed({ ...ledger.commit(transaction), token, tookMs: 3 });
    else feed({ kind: "unanswered", token, detail: "etcd is away" });
  }

  function feed(event: Event): void {
    for (const command of core.step(event, moment())) {
      if (command.kind === "commit") commit(command.token, command.transaction);
      if (command.kind === "answerOperator") operators.get(command.ask)?.(command.answer);
      if (command.kind === "probe") probes.push(command);
      if (command.kind === "note") notes.push(command);
    }
  }

  const standing: Standing = {
    core,
    moment,
    notes,
    probes,
    get lastStepAt() {
      return now;
    },
    feed,
    pass(ms) {
      for (let passed = 0; passed < ms; passed += tickMs) {
        now = (now + tickMs) as Instant;
        feed({ kind: "tick" });
      }
    },
    write(key, text) {
      ledger.put({ key, text });
      feed({ kind: "changed", key, text, revision: ledger.revision });
    },
    text: ledger.text,
    writeSet: (changes) => standing.write(setKey(set), encodeSet({ ...record, ...changes })),
    writeDecision: (decision) => standing.write(decisionKey(decision.id), encodeDecision(decision)),
    beat(...sites) {
      beats += 1;
      for (const [index, site] of sites.entries()) {
        const controller = `10.${index + 2}.0.5:9878`;
        const unheard = site === "witness" ? [`${set}/1`] : [];
        standing.write(
          siteKey(site),
          encodeSite({ site, controller, version: "0.1.0", beat: beats, unheard, votes: true, why: "" }),
        );
      }
    },
    loseQuorum() {
      hasEtcd = false;
    },
    async operate(request: OperatorRequest, { who }) {
      asks += 2;
      const answer = Promise.withResolvers<OperatorAnswer>();
      operators.set(asks, answer.resolve);
      feed({ kind: "operator", ask: asks, request, who });
      return await answer.promise;
    },
    async decisions(name, { limit }) {
      const prefix = name === null ? "decisions/" : `decisions/${name}/`;
      const found = ledger.entries().filter(({ key }) => key.startsWith(prefix));
      const newestFirst = found.toSorted((one, other) => Number(other.revision - one.revision));
      return newestFirst.slice(0, limit).map(({ key, text }) => decodeDecision(text, key));
    },
    async decision(id) {
      const text = ledger.text(decisionKey(id));
      return text === undefined ? null : decodeDecision(text, decisionKey(id));
    },
    async auditChain(site) {
      return ledger.entries().filter(({ key }) => key.startsWith(auditFolder(site)));
    },
    ledgerHealth: async () => ({
      clusterId: "14841639068965178418",
      members: [
        { endpoint: "10.1.0.5:2379", ok: true, version: "3.4.23", dbBytes: 20_480n, isLeader: true, detail: "" },
        { endpoint: "10.2.0.5:2379", ok: false, version: "", dbBytes: 0n, isLeader: false, detail: "refused" },
      ],
      alarms: [],
    }),
  };
  feed({ kind: "ledger", entries: [], revision: 0n });
  if (initialized) {
    standing.write(
      clusterKey,
      encodeCluster({ sites: ["idc1", "idc2", "witness"], incarnation: "i-1", at: wallStart }),
    );
    standing.writeSet();
    standing.write(protectionKey(set), encodeProtection({ level: "broker", why: "", at: wallStart }, set));
    standing.beat("idc2", "witness");
  }
  standing.pass(tickMs);
  return standing;
}

/** Both other sites are asked about broker 1, and nobody has answered yet. */
export function ask(standing: Standing): void {
  standing.write(questionKey(set), encodeQuestion({ ...question, at: wallStart }));
}
