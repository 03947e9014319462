import type { CandidateFacts, DecisionInput } from "./decision.ts";
import type { BrokerSettings } from "./events.ts";
import type { AnswerRecord, QuestionRecord, SiteName, SwitchRecord, Verdict } from "./model.ts";
import { usualPolicy } from "./policy-forms.ts";

/** Parts of decisions for tests: broker 1 in idc1 is master of C1/bs1 in epoch 7, brokers 2 (idc2) and 3 (idc1) are in sync. */

export const threeSites: readonly SiteName[] = ["idc1", "idc2", "witness"];

export const question: QuestionRecord = {
  id: "7.1",
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  master: 1,
  askedBy: "idc2",
  restarted: false,
  at: 1_000_000,
};

/** From broker 1 to broker 2. */
export const planned: SwitchRecord = {
  id: "7.1",
  cluster: "C1",
  set: "bs1",
  epoch: 7,
  from: 1,
  to: 2,
  reason: "an upgrade",
  askedBy: "idc1",
  at: 1_000_000,
  minInSyncReplicas: 1,
  brokerPermission: 6,
  stage: "holding",
  decided: null,
  outcome: "",
};

/** Of a broker that acknowledges what all in-sync replicas have. */
export const losslessSettings: BrokerSettings = {
  allAckInSyncStateSet: true,
  minInSyncReplicas: 1,
  flushDiskType: "ASYNC_FLUSH",
  brokerPermission: 6,
  spins: false,
};

export function answer(site: SiteName, verdict: Verdict, changes: Partial<AnswerRecord> = {}): AnswerRecord {
  return {
    site,
    question: question.id,
    master: { verdict, evidence: "" },
    replicas: {},
    told: null,
    at: 1_000_000,
    ...changes,
  };
}

export function candidate(id: number, changes: Partial<CandidateFacts> = {}): CandidateFacts {
  return {
    id,
    inSync: true,
    confirmed: true,
    aliveAt: threeSites,
    downAt: [],
    reading: { epoch: 7, maxOffset: 1_000n },
    reported: { epoch: 7, maxOffset: 1_000n },
    drained: false,
    priority: 0,
    idc: id % 2 === 0 ? "idc2" : "idc1",
    ...changes,
  };
}

export const down: Partial<CandidateFacts> = { aliveAt: [], downAt: threeSites, reading: null };

/** All three sites say that the master is silent; both others are as far as it was. */
export function input(changes: Partial<DecisionInput> = {}): DecisionInput {
  return {
    kind: "failover",
    cluster: "C1",
    set: "bs1",
    epoch: 7,
    usedEpoch: 0,
    inSyncEpoch: 20,
    master: 1,
    inSync: [1, 2, 3],
    sites: threeSites,
    question,
    planned: null,
    answers: threeSites.map((site) => answer(site, "silent")),
    candidates: [candidate(1, down), candidate(2), candidate(3)],
    acting: [],
    policy: usualPolicy,
    protection: null,
    failoversAt: [],
    now: 1_003_000,
    gathered: true,
    designated: null,
    forced: false,
    reason: "",
    ...changes,
  };
}
