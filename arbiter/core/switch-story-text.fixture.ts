import { input } from "./decision.fixture.ts";
import type { DecisionRecord } from "./decision.ts";
import { decodeDecision, encodeDecision } from "./decision-records.ts";
import type { Command, Event } from "./events.ts";
import { decisionId, decisionKey, parseKey, setKey, switchKey } from "./keys.ts";
import { type BrokerId, type SetRecord, type SwitchRecord, setName } from "./model.ts";
import { decodeDrain, decodeIdc, decodeSet, decodeSwitch, encodeSet, encodeSwitch } from "./records.ts";

/** What stories of a switch begin with, and how commands and records read in them. */

export const name = setName("C1", "bs1");
export const startMs = 1_000;
export const startWall = 1_764_000_000_000;
export const addresses: Readonly<Record<BrokerId, string>> = {
  1: "10.1.0.21:10911",
  2: "10.2.0.21:10911",
  3: "10.1.0.22:10911",
};
export const first: SetRecord = {
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  inSyncEpoch: 20,
  master: 1,
  inSync: [1, 2, 3],
  unconfirmed: [],
  replicas: Object.fromEntries(Object.entries(addresses).map(([id, address]) => [id, { address, checkCode: "" }])),
  decision: null,
  frozen: null,
  failoversAt: [],
};

export function begunElsewhere(to: BrokerId): SwitchRecord {
  return {
    id: "7.1",
    cluster: "C1",
    set: "bs1",
    epoch: 7,
    from: 1,
    to,
    reason: "an upgrade",
    askedBy: "idc2",
    at: startWall + startMs,
    minInSyncReplicas: 1,
    brokerPermission: 6,
    stage: "holding",
    decided: null,
    outcome: "",
  };
}

/** The keys and texts of that switch's decision. */
export function decidedElsewhere(to: BrokerId): readonly (readonly [string, string])[] {
  const planned = begunElsewhere(to);
  const [epoch, inSyncEpoch] = [first.epoch + 1, first.inSyncEpoch + 1];
  const why = `a switch names broker ${to}`;
  const decision: DecisionRecord = {
    id: decisionId(name, epoch),
    input: input({ kind: "switch", planned, question: null, answers: [], designated: to, reason: planned.reason }),
    verdict: { kind: "elect", winner: to, epoch, inSyncEpoch, rejected: [], knownLag: 0n, why },
    decidedBy: "idc2",
    at: startWall + startMs,
    effects: {},
  };
  const record: SetRecord = { ...first, epoch, inSyncEpoch, master: to, inSync: [to], decision: decision.id };
  const outcome = `broker ${to} is master of epoch ${epoch}`;
  return [
    [decisionKey(decision.id), encodeDecision(decision)],
    [setKey(name), encodeSet(record)],
    [switchKey(name), encodeSwitch({ ...planned, stage: "restoring", decided: epoch, outcome })],
  ];
}

export function answered({ broker, sentAt }: Extract<Command, { kind: "probe" }>): Event {
  const reading = { epoch: 7, maxOffset: 900n };
  return { kind: "probed", broker, sentAt, outcome: { kind: "answered", reading, acting: broker.id === 1 } };
}

export function settled({ broker, sentAt }: Extract<Command, { kind: "readSettings" }>): Event {
  const others = { flushDiskType: "", brokerPermission: 6, spins: false };
  const settings = { allAckInSyncStateSet: false, minInSyncReplicas: 1, ...others };
  return { kind: "settingsSeen", broker, sentAt, settings };
}

export function keyText(key: string, text: string | null): string[] {
  switch (parseKey(key)?.kind) {
    case "switch": {
      if (text === null) return ["ledger: the switch is over"];
      const { stage, from, to, decided, outcome, minInSyncReplicas } = decodeSwitch(text);
      const end =
        stage === "holding" ? `${from} gets back ${minInSyncReplicas}` : `epoch ${decided ?? "none"}: ${outcome}`;
      return [`ledger: switch ${stage}, ${from} to ${to}; ${end}`];
    }
    case "set": {
      if (text === null) return [];
      const { epoch, master, decision } = decodeSet(text);
      return [
        `ledger: master ${master} of epoch ${epoch}, ${decision === null ? "nothing open" : `decision ${decision} open`}`,
      ];
    }
    case "decision": {
      if (text === null) return [];
      const { input, effects, verdict } = decodeDecision(text);
      const done = Object.entries(effects).map(([effect, { detail }]) => `${effect} (${detail})`);
      return [
        `ledger: ${input.kind} ${verdict.epoch}, ${done.length === 0 ? verdict.why : `done: ${done.join(", ")}`}`,
      ];
    }
    case "idc": {
      if (text === null) return [];
      const { state, epoch, reason } = decodeIdc(text);
      return [`ledger: ${key} ${state}, epoch ${epoch}: ${reason}`];
    }
    case "drain": {
      const drained = text === null ? [] : Object.keys(decodeDrain(text).brokers);
      return [`ledger: drained brokers: ${drained.join(", ") || "none"}`];
    }
    case "question":
      return [text === null ? "ledger: the question is closed" : "ledger: is the master down?"];
    default:
      return [];
  }
}

export function commandText(command: Command): string {
  switch (command.kind) {
    case "probe":
      return `ask ${command.broker.id} how far it is`;
    case "readSettings":
      return `ask ${command.broker.id} for its settings`;
    case "readRole":
      return `ask ${command.broker.id} whether it takes messages`;
    case "raiseBarrier":
      return `raise the barrier of ${command.broker.id}: minInSyncReplicas ${command.minInSyncReplicas}`;
    case "lowerBarrier":
      return `lower the barrier of ${command.broker.id}: minInSyncReplicas ${command.minInSyncReplicas}, brokerPermission ${command.brokerPermission}`;
    case "notify":
      return `tell ${command.broker.id}: ${command.info.master} is master of epoch ${command.info.epoch}`;
    default:
      return command.kind;
  }
}
