import {
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
import { decisionKey, refusalKey } from "./keys.ts";
import { rpoNames, type SetName, type SetPolicy } from "./model.ts";
import { answerCodec, protectionCodec, questionCodec, readingCodec, switchCodec } from "./records.ts";

/** The text of decisions and refusals, as records.ts has it of the other records. */

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

const count = integer(0);
const brokerId = integer(0);

const candidate: Codec<CandidateFacts> = record({
  id: brokerId,
  inSync: flag,
  confirmed: flag,
  aliveAt: list(text),
  downAt: list(text),
  reading: nullable(readingCodec),
  reported: nullable(readingCodec),
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

const input: Codec<DecisionInput> = record({
  kind: choice(decisionKinds),
  cluster: text,
  set: text,
  epoch: count,
  usedEpoch: later(count, 0),
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
