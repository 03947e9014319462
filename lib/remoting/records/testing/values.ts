import fc from "fast-check";
import type { Frame } from "../../frame.ts";
import type { RemotingAnswer, RemotingRequest } from "../../message.ts";
import type { BrokerData } from "../broker-data.ts";
import type { HaStatus } from "../get-ha-status.ts";
import type { Master } from "../master.ts";
import type { StoredMessage } from "../stored-message.ts";
import type { SyncStateSet } from "../sync-state-set.ts";

/** One side of one record: how to write it, how to read it, what it may hold. */
export interface Codec<T> {
  encode(value: T): RemotingRequest | RemotingAnswer;
  decode(frame: Frame): T;
  readonly values: fc.Arbitrary<T>;
}

export const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
export const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
export const brokerId = fc.nat();
export const text = fc.string({ unit: "grapheme", maxLength: 40 });
export const address = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
export const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

export function optional<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined });
}

export function map<K, V>(keys: fc.Arbitrary<K>, values: fc.Arbitrary<V>): fc.Arbitrary<Map<K, V>> {
  return fc.array(fc.tuple(keys, values), { maxLength: 5 }).map((entries) => new Map(entries));
}

const brokerIds = fc.array(brokerId, { maxLength: 5 });
export const syncStateSet: fc.Arbitrary<SyncStateSet> = fc.record({ brokerIds, epoch: i32 });
export const master: fc.Arbitrary<Master> = fc.record({ brokerId, address });
export const addresses = map(brokerId, text);
export const set = { clusterName: text, brokerName: text };
export const replicas = fc.array(fc.record({ brokerName: text, brokerId, brokerAddress: text, alive: fc.boolean() }));
export const brokerData: fc.Arbitrary<BrokerData> = fc.record({
  ...set,
  addresses,
  enableActingMaster: fc.boolean(),
  zoneName: optional(text),
});
export const properties = map(text, text);
/** Settings text has no escapes: a name ends at the first =, and nothing has an end of line. */
const oneLine = fc.string({
  unit: fc.constantFrom("a", "B", "0", ".", " ", ":", "\\", "#", "ü"),
  maxLength: 20,
});
export const settings = map(
  oneLine.map((name) => `n${name}`),
  oneLine.map((value) => `${value}=${value}`),
);
const unsplit = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
export const messageProperties = map(unsplit, unsplit);
export const storedMessage: fc.Arbitrary<StoredMessage> = fc.record({
  topic: fc.string({ unit: "grapheme-ascii", maxLength: 200 }),
  queueId: i32,
  queueOffset: i64,
  logOffset: i64,
  sysFlag: i32,
  bornTimestamp: i64,
  storeTimestamp: i64,
  properties: messageProperties,
  body: fc.uint8Array({ maxLength: 300 }),
});
export const offsets = { nextOffset: i64, minOffset: i64, maxOffset: i64 };
export const haStatus: fc.Arbitrary<HaStatus> = fc.oneof(
  fc.record({
    isMaster: fc.constant(true as const),
    maxOffset: i64,
    inSyncSlaves: i32,
    slaves: fc.array(
      fc.record({
        address: text,
        ackOffset: i64,
        lagBytes: i64,
        inSync: fc.boolean(),
        sentBytesPerSecond: i64,
        sentFromOffset: i64,
      }),
      { maxLength: 4 },
    ),
  }),
  fc.record({
    isMaster: fc.constant(false as const),
    masterHaAddress: optional(text),
    maxOffset: i64,
    masterFlushOffset: i64,
    receivedBytesPerSecond: i64,
    lastReadAt: i64,
    lastWriteAt: i64,
  }),
);
export const nothing = fc.constant(undefined);
export const unread = (): undefined => undefined;

/** Checks that both directions and the values agree on one type, and forgets it: a test takes all codecs alike. */
export function side<T>(codec: Codec<T>): Codec<unknown> {
  return codec as Codec<unknown>;
}
