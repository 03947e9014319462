import {
  byId,
  type Codec,
  choice,
  decodeRecord,
  encodeRecord,
  flag,
  int64,
  integer,
  later,
  list,
  millis,
  nullable,
  record,
  some,
  text,
} from "./codec.ts";
import {
  type CandidateFacts,
  type DecisionInput,
  type DecisionRecord,
  decisionKinds,
  type EffectRecord,
  effectNames,
  type RefusalRecord,
  type Rejected,
  refusalReasons,
} from "./decision.ts";
import {
  answerKey,
  clusterKey,
  decisionKey,
  drainKey,
  historyKey,
  idcKey,
  pauseKey,
  protectionKey,
  questionKey,
  refusalKey,
  setKey,
  siteKey,
  switchKey,
} from "./keys.ts";
import {
  type AnswerRecord,
  type BrokerView,
  type ClusterRecord,
  type DrainRecord,
  type Freeze,
  type HistoryRecord,
  type IdcRecord,
  idcStates,
  type OffsetReading,
  type PauseRecord,
  type ProtectionRecord,
  protectionLevels,
  type QuestionRecord,
  type Replica,
  rpoNames,
  type SetName,
  type SetPolicy,
  type SetRecord,
  type SiteRecord,
  type SwitchRecord,
  setName,
  switchStages,
  verdicts,
} from "./model.ts";

/**
 * The text of each record: JSON with `schema`, fields in the order below, 64-bit numbers as decimal texts. The same record
 * is the same text. Decoding throws OperatorError ARB_RECORD, which names the key, the field and the value; the key that is
 * not given is taken to be the record's usual one.
 */

export function encodeSet(value: SetRecord): string {
  return encodeRecord(setCodec, value, setKey(setName(value.cluster, value.set)));
}

export function decodeSet(source: string, key = "sets/?"): SetRecord {
  return decodeRecord(setCodec, source, key);
}

export function encodeCluster(value: ClusterRecord): string {
  return encodeRecord(clusterCodec, value, clusterKey);
}

export function decodeCluster(source: string, key = clusterKey): ClusterRecord {
  return decodeRecord(clusterCodec, source, key);
}

export function encodeHistory(value: HistoryRecord): string {
  return encodeRecord(historyCodec, value, historyKey);
}

export function decodeHistory(source: string, key = historyKey): HistoryRecord {
  return decodeRecord(historyCodec, source, key);
}

export function encodePause(value: PauseRecord): string {
  return encodeRecord(pauseCodec, value, pauseKey);
}

export function decodePause(source: string, key = pauseKey): PauseRecord {
  return decodeRecord(pauseCodec, source, key);
}

export function encodeSite(value: SiteRecord): string {
  return encodeRecord(siteCodec, value, siteKey(value.site));
}

export function decodeSite(source: string, key = "sites/?"): SiteRecord {
  return decodeRecord(siteCodec, source, key);
}

export function encodeQuestion(value: QuestionRecord): string {
  return encodeRecord(questionCodec, value, questionKey(setName(value.cluster, value.set)));
}

export function decodeQuestion(source: string, key = "questions/?"): QuestionRecord {
  return decodeRecord(questionCodec, source, key);
}

export function encodeSwitch(value: SwitchRecord): string {
  return encodeRecord(switchCodec, value, switchKey(setName(value.cluster, value.set)));
}

export function decodeSwitch(source: string, key = "switches/?"): SwitchRecord {
  return decodeRecord(switchCodec, source, key);
}

export function encodeIdc(value: IdcRecord, idc: string): string {
  return encodeRecord(idcCodec, value, idcKey(idc));
}

export function decodeIdc(source: string, key = "idcs/?"): IdcRecord {
  return decodeRecord(idcCodec, source, key);
}

export function encodeDrain(value: DrainRecord): string {
  return encodeRecord(drainCodec, value, drainKey(setName(value.cluster, value.set)));
}

export function decodeDrain(source: string, key = "drains/?"): DrainRecord {
  return decodeRecord(drainCodec, source, key);
}

/** @param set names the key in an error: an answer does not say it */
export function encodeAnswer(value: AnswerRecord, set: SetName): string {
  return encodeRecord(answerCodec, value, answerKey(set, value.site));
}

export function decodeAnswer(source: string, key = "answers/?"): AnswerRecord {
  return decodeRecord(answerCodec, source, key);
}

export function encodeRefusal(value: RefusalRecord, set: SetName): string {
  return encodeRecord(refusalCodec, value, refusalKey(set));
}

export function decodeRefusal(source: string, key = "refusals/?"): RefusalRecord {
  return decodeRecord(refusalCodec, source, key);
}

export function encodeDecision(value: DecisionRecord): string {
  return encodeRecord(decisionCodec, value, decisionKey(value.id));
}

export function decodeDecision(source: string, key = "decisions/?"): DecisionRecord {
  return decodeRecord(decisionCodec, source, key);
}

export function encodeProtection(value: ProtectionRecord, set: SetName): string {
  return encodeRecord(protectionCodec, value, protectionKey(set));
}

export function decodeProtection(source: string, key = "protection/?"): ProtectionRecord {
  return decodeRecord(protectionCodec, source, key);
}

const count = integer(0);
const brokerId = integer(0);

const freeze: Codec<Freeze> = record({
  code: choice(["operator", "duplicate-id", "ledger-behind"]),
  reason: text,
  at: millis,
  until: nullable(millis),
});

const setCodec: Codec<SetRecord> = record({
  cluster: text,
  set: text,
  epoch: count,
  inSyncEpoch: count,
  master: nullable(brokerId),
  inSync: list(brokerId),
  unconfirmed: list(brokerId),
  replicas: byId<Replica>(record({ address: text, checkCode: text })),
  decision: nullable(text),
  frozen: nullable(freeze),
  failoversAt: list(millis),
});

const clusterCodec: Codec<ClusterRecord> = record({ sites: list(text), incarnation: text, at: millis });

const historyCodec: Codec<HistoryRecord> = record({ etcd: text, at: millis });

const pauseCodec: Codec<PauseRecord> = record({ reason: text, at: millis, until: nullable(millis) });

const siteCodec: Codec<SiteRecord> = record({
  site: text,
  controller: text,
  version: text,
  beat: count,
  unheard: list(text),
  votes: flag,
  why: text,
});

const questionCodec: Codec<QuestionRecord> = record({
  id: text,
  cluster: text,
  set: text,
  epoch: count,
  master: brokerId,
  askedBy: text,
  restarted: later(flag, false),
  at: millis,
});

const switchCodec: Codec<SwitchRecord> = record({
  id: text,
  cluster: text,
  set: text,
  epoch: count,
  from: brokerId,
  to: brokerId,
  reason: text,
  askedBy: text,
  at: millis,
  minInSyncReplicas: count,
  brokerPermission: count,
  stage: choice(switchStages),
  decided: nullable(count),
  outcome: text,
});

const idcCodec: Codec<IdcRecord> = record({
  state: choice(idcStates),
  weight: count,
  epoch: count,
  reason: text,
  at: millis,
});

const drainCodec: Codec<DrainRecord> = record({
  cluster: text,
  set: text,
  brokers: byId(record({ reason: text, at: millis })),
});

const view: Codec<BrokerView> = record({ verdict: choice(verdicts), evidence: text });

const reading: Codec<OffsetReading> = record({ epoch: integer(-1), maxOffset: int64 });

const answerCodec: Codec<AnswerRecord> = record({
  site: text,
  question: text,
  master: view,
  replicas: byId(view),
  told: later(nullable(reading), null),
  at: millis,
});

const candidate: Codec<CandidateFacts> = record({
  id: brokerId,
  inSync: flag,
  confirmed: flag,
  aliveAt: list(text),
  downAt: list(text),
  reading: nullable(reading),
  reported: nullable(reading),
  drained: flag,
  priority: integer(Number.MIN_SAFE_INTEGER),
  idc: text,
});

const policy: Codec<SetPolicy> = record({
  rpo: choice(rpoNames),
  survive: choice(["broker", "idc"]),
  maxLostBytes: int64,
  unclean: choice(["deny", "allow"]),
  preferIdcs: list(text),
  cooldownMs: millis,
  degradeAfterMs: millis,
  returnAfterMs: later(nullable(millis), null),
  frozen: flag,
});

const protectionCodec: Codec<ProtectionRecord> = record({ level: choice(protectionLevels), why: text, at: millis });

const input: Codec<DecisionInput> = record({
  kind: choice(decisionKinds),
  cluster: text,
  set: text,
  epoch: count,
  inSyncEpoch: count,
  master: nullable(brokerId),
  inSync: list(brokerId),
  sites: list(text),
  question: nullable(questionCodec),
  planned: nullable(switchCodec),
  answers: list(answerCodec),
  candidates: list(candidate),
  acting: later(list(brokerId), []),
  policy,
  protection: nullable(protectionCodec),
  failoversAt: list(millis),
  now: millis,
  gathered: flag,
  designated: nullable(brokerId),
  forced: flag,
  reason: text,
});

const rejected: Codec<Rejected> = record({ id: brokerId, reason: choice(refusalReasons), detail: text });

const refusalCodec: Codec<RefusalRecord> = record({
  question: text,
  site: text,
  reason: choice(refusalReasons),
  why: text,
  rejected: list(rejected),
  at: millis,
});

const elected: Codec<DecisionRecord["verdict"]> = record({
  kind: choice(["elect"]),
  winner: brokerId,
  epoch: count,
  inSyncEpoch: count,
  rejected: list(rejected),
  knownLag: nullable(int64),
  why: text,
});

const effect: Codec<EffectRecord> = record({ site: text, at: millis, detail: text });

const decisionCodec: Codec<DecisionRecord> = record({
  id: text,
  input,
  verdict: elected,
  decidedBy: text,
  at: millis,
  effects: some(effectNames, effect),
});
