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
  text,
} from "./codec.ts";
import {
  answerKey,
  clusterKey,
  drainKey,
  historyKey,
  idcKey,
  pauseKey,
  protectionKey,
  questionKey,
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
  type SetName,
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

export const questionCodec: Codec<QuestionRecord> = record({
  id: text,
  cluster: text,
  set: text,
  epoch: count,
  master: brokerId,
  askedBy: text,
  restarted: later(flag, false),
  at: millis,
});

export const switchCodec: Codec<SwitchRecord> = record({
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

export const readingCodec: Codec<OffsetReading> = record({ epoch: integer(-1), maxOffset: int64 });

export const answerCodec: Codec<AnswerRecord> = record({
  site: text,
  question: text,
  master: view,
  replicas: byId(view),
  told: later(nullable(readingCodec), null),
  at: millis,
});

export const protectionCodec: Codec<ProtectionRecord> = record({
  level: choice(protectionLevels),
  why: text,
  at: millis,
});
