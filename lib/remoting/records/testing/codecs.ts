import fc from "fast-check";
import type { Frame } from "../../frame.ts";
import type { RemotingAnswer, RemotingRequest } from "../../message.ts";
import {
  decodeAlterSyncStateSetRequest,
  decodeAlterSyncStateSetResponse,
  encodeAlterSyncStateSetRequest,
  encodeAlterSyncStateSetResponse,
} from "../alter-sync-state-set.ts";
import {
  decodeApplyBrokerIdRequest,
  decodeApplyBrokerIdResponse,
  encodeApplyBrokerIdRequest,
  encodeApplyBrokerIdResponse,
} from "../apply-broker-id.ts";
import type { BrokerData } from "../broker-data.ts";
import { decodeBrokerHeartbeatRequest, encodeBrokerHeartbeatRequest } from "../broker-heartbeat.ts";
import {
  decodeCleanBrokerDataRequest,
  decodeCleanBrokerDataResponse,
  encodeCleanBrokerDataRequest,
  encodeCleanBrokerDataResponse,
} from "../clean-broker-data.ts";
import {
  decodeGetControllerConfigResponse,
  decodeUpdateControllerConfigRequest,
  decodeUpdateControllerConfigResponse,
  encodeGetControllerConfigRequest,
  encodeGetControllerConfigResponse,
  encodeUpdateControllerConfigRequest,
  encodeUpdateControllerConfigResponse,
} from "../controller-config.ts";
import {
  decodeElectMasterRequest,
  decodeElectMasterResponse,
  encodeElectMasterRequest,
  encodeElectMasterResponse,
} from "../elect-master.ts";
import {
  decodeGetBrokerClusterInfoResponse,
  encodeGetBrokerClusterInfoRequest,
  encodeGetBrokerClusterInfoResponse,
} from "../get-broker-cluster-info.ts";
import {
  decodeGetBrokerConfigResponse,
  encodeGetBrokerConfigRequest,
  encodeGetBrokerConfigResponse,
} from "../get-broker-config.ts";
import {
  decodeGetBrokerEpochCacheResponse,
  encodeGetBrokerEpochCacheRequest,
  encodeGetBrokerEpochCacheResponse,
} from "../get-broker-epoch-cache.ts";
import {
  decodeGetHaStatusResponse,
  encodeGetHaStatusRequest,
  encodeGetHaStatusResponse,
  type HaStatus,
} from "../get-ha-status.ts";
import {
  decodeGetMetadataInfoResponse,
  encodeGetMetadataInfoRequest,
  encodeGetMetadataInfoResponse,
} from "../get-metadata-info.ts";
import {
  decodeGetNextBrokerIdRequest,
  decodeGetNextBrokerIdResponse,
  encodeGetNextBrokerIdRequest,
  encodeGetNextBrokerIdResponse,
} from "../get-next-broker-id.ts";
import {
  decodeGetReplicaInfoRequest,
  decodeGetReplicaInfoResponse,
  encodeGetReplicaInfoRequest,
  encodeGetReplicaInfoResponse,
} from "../get-replica-info.ts";
import {
  decodeGetRouteInfoRequest,
  decodeGetRouteInfoResponse,
  encodeGetRouteInfoRequest,
  encodeGetRouteInfoResponse,
} from "../get-route-info.ts";
import {
  decodeGetSyncStateDataRequest,
  decodeGetSyncStateDataResponse,
  encodeGetSyncStateDataRequest,
  encodeGetSyncStateDataResponse,
} from "../get-sync-state-data.ts";
import type { Master } from "../master.ts";
import {
  decodeNotifyBrokerRoleChangedRequest,
  decodeNotifyBrokerRoleChangedResponse,
  encodeNotifyBrokerRoleChangedRequest,
  encodeNotifyBrokerRoleChangedResponse,
} from "../notify-broker-role-changed.ts";
import {
  decodePullMessageRequest,
  decodePullMessageResponse,
  encodePullMessageRequest,
  encodePullMessageResponse,
} from "../pull-message.ts";
import {
  decodeRegisterBrokerRequest,
  decodeRegisterBrokerResponse,
  encodeRegisterBrokerRequest,
  encodeRegisterBrokerResponse,
} from "../register-broker.ts";
import {
  decodeSendMessageRequest,
  decodeSendMessageResponse,
  encodeSendMessageRequest,
  encodeSendMessageResponse,
} from "../send-message.ts";
import type { StoredMessage } from "../stored-message.ts";
import type { SyncStateSet } from "../sync-state-set.ts";
import {
  decodeCreateTopicRequest,
  decodeCreateTopicResponse,
  encodeCreateTopicRequest,
  encodeCreateTopicResponse,
} from "../update-and-create-topic.ts";
import {
  decodeUpdateBrokerConfigRequest,
  decodeUpdateBrokerConfigResponse,
  encodeUpdateBrokerConfigRequest,
  encodeUpdateBrokerConfigResponse,
} from "../update-broker-config.ts";

/** One side of one record: how to write it, how to read it, what it may hold. */
export interface Codec<T> {
  encode(value: T): RemotingRequest | RemotingAnswer;
  decode(frame: Frame): T;
  readonly values: fc.Arbitrary<T>;
}

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const brokerId = fc.nat();
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const address = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

function optional<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined });
}

function map<K, V>(keys: fc.Arbitrary<K>, values: fc.Arbitrary<V>): fc.Arbitrary<Map<K, V>> {
  return fc.array(fc.tuple(keys, values), { maxLength: 5 }).map((entries) => new Map(entries));
}

const brokerIds = fc.array(brokerId, { maxLength: 5 });
const syncStateSet: fc.Arbitrary<SyncStateSet> = fc.record({ brokerIds, epoch: i32 });
const master: fc.Arbitrary<Master> = fc.record({ brokerId, address });
const addresses = map(brokerId, text);
const set = { clusterName: text, brokerName: text };
const replicas = fc.array(fc.record({ brokerName: text, brokerId, brokerAddress: text, alive: fc.boolean() }));
const brokerData: fc.Arbitrary<BrokerData> = fc.record({
  ...set,
  addresses,
  enableActingMaster: fc.boolean(),
  zoneName: optional(text),
});
const properties = map(text, text);
/** Settings text has no escapes: a name ends at the first =, and nothing has an end of line. */
const oneLine = fc.string({ unit: fc.constantFrom("a", "B", "0", ".", " ", ":", "\\", "#", "ü"), maxLength: 20 });
const settings = map(
  oneLine.map((name) => `n${name}`),
  oneLine.map((value) => `${value}=${value}`),
);
const unsplit = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
const messageProperties = map(unsplit, unsplit);
const storedMessage: fc.Arbitrary<StoredMessage> = fc.record({
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
const offsets = { nextOffset: i64, minOffset: i64, maxOffset: i64 };
const haStatus: fc.Arbitrary<HaStatus> = fc.oneof(
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
const nothing = fc.constant(undefined);
const unread = (): undefined => undefined;

/** All that goes over the wire, each side under its own name. */
export const codecs = {
  brokerHeartbeatRequest: side({
    encode: encodeBrokerHeartbeatRequest,
    decode: decodeBrokerHeartbeatRequest,
    values: fc.record({
      ...set,
      brokerId,
      brokerAddress: text,
      epoch: i32,
      maxOffset: i64,
      confirmOffset: i64,
      heartbeatTimeoutMs: optional(i32),
      electionPriority: i32,
    }),
  }),
  alterSyncStateSetRequest: side({
    encode: encodeAlterSyncStateSetRequest,
    decode: decodeAlterSyncStateSetRequest,
    values: fc.record({ brokerName: text, masterBrokerId: brokerId, masterEpoch: i32, syncStateSet, invokeTime: i64 }),
  }),
  alterSyncStateSetResponse: side({
    encode: encodeAlterSyncStateSetResponse,
    decode: decodeAlterSyncStateSetResponse,
    values: syncStateSet,
  }),
  electMasterRequest: side({
    encode: encodeElectMasterRequest,
    decode: decodeElectMasterRequest,
    values: fc.record({ ...set, brokerId: optional(brokerId), designateElect: fc.boolean(), invokeTime: i64 }),
  }),
  electMasterResponse: side({
    encode: encodeElectMasterResponse,
    decode: decodeElectMasterResponse,
    values: fc.record({
      kind: fc.constantFrom("elected", "stillExists"),
      master,
      masterEpoch: i32,
      syncStateSet,
      members: optional(fc.record({ ...set, addresses })),
    }),
  }),
  registerBrokerRequest: side({
    encode: encodeRegisterBrokerRequest,
    decode: decodeRegisterBrokerRequest,
    values: fc.record({ ...set, brokerId, brokerAddress: text, invokeTime: i64 }),
  }),
  registerBrokerResponse: side({
    encode: encodeRegisterBrokerResponse,
    decode: decodeRegisterBrokerResponse,
    values: fc.record({ ...set, mastership: optional(fc.record({ master, masterEpoch: i32 })), syncStateSet }),
  }),
  getReplicaInfoRequest: side({
    encode: encodeGetReplicaInfoRequest,
    decode: decodeGetReplicaInfoRequest,
    values: fc.record({ brokerName: text }),
  }),
  getReplicaInfoResponse: side({
    encode: encodeGetReplicaInfoResponse,
    decode: decodeGetReplicaInfoResponse,
    values: fc.record({ master: optional(master), masterEpoch: i32, syncStateSet }),
  }),
  getMetadataInfoRequest: side({ encode: encodeGetMetadataInfoRequest, decode: unread, values: nothing }),
  getMetadataInfoResponse: side({
    encode: encodeGetMetadataInfoResponse,
    decode: decodeGetMetadataInfoResponse,
    values: fc.record({
      group: text,
      leader: optional(fc.record({ id: text, address })),
      isLeader: fc.boolean(),
      peers: text,
    }),
  }),
  getSyncStateDataRequest: side({
    encode: encodeGetSyncStateDataRequest,
    decode: decodeGetSyncStateDataRequest,
    values: fc.record({ brokerNames: fc.array(text, { maxLength: 5 }) }),
  }),
  getSyncStateDataResponse: side({
    encode: encodeGetSyncStateDataResponse,
    decode: decodeGetSyncStateDataResponse,
    values: map(
      text,
      fc.record({
        master: optional(master),
        masterEpoch: i32,
        syncStateSetEpoch: i32,
        inSync: replicas,
        notInSync: replicas,
      }),
    ),
  }),
  getBrokerEpochCacheRequest: side({ encode: encodeGetBrokerEpochCacheRequest, decode: unread, values: nothing }),
  getBrokerEpochCacheResponse: side({
    encode: encodeGetBrokerEpochCacheResponse,
    decode: decodeGetBrokerEpochCacheResponse,
    values: fc.record({
      ...set,
      brokerId,
      epochs: fc.array(fc.record({ epoch: i32, startOffset: i64, endOffset: i64 }), { maxLength: 5 }),
      maxOffset: i64,
    }),
  }),
  notifyBrokerRoleChangedRequest: side({
    encode: encodeNotifyBrokerRoleChangedRequest,
    decode: decodeNotifyBrokerRoleChangedRequest,
    values: fc.record({ master: optional(master), masterEpoch: i32, syncStateSet }),
  }),
  notifyBrokerRoleChangedResponse: side({
    encode: encodeNotifyBrokerRoleChangedResponse,
    decode: decodeNotifyBrokerRoleChangedResponse,
    values: nothing,
  }),
  updateControllerConfigRequest: side({
    encode: encodeUpdateControllerConfigRequest,
    decode: decodeUpdateControllerConfigRequest,
    values: properties,
  }),
  updateControllerConfigResponse: side({
    encode: encodeUpdateControllerConfigResponse,
    decode: decodeUpdateControllerConfigResponse,
    values: nothing,
  }),
  getControllerConfigRequest: side({ encode: encodeGetControllerConfigRequest, decode: unread, values: nothing }),
  getControllerConfigResponse: side({
    encode: encodeGetControllerConfigResponse,
    decode: decodeGetControllerConfigResponse,
    values: settings,
  }),
  cleanBrokerDataRequest: side({
    encode: encodeCleanBrokerDataRequest,
    decode: decodeCleanBrokerDataRequest,
    values: fc.record({
      clusterName: optional(text),
      brokerName: text,
      brokerIds: optional(fc.array(brokerId, { minLength: 1, maxLength: 4 })),
      cleanLivingBroker: fc.boolean(),
    }),
  }),
  cleanBrokerDataResponse: side({
    encode: encodeCleanBrokerDataResponse,
    decode: decodeCleanBrokerDataResponse,
    values: nothing,
  }),
  getNextBrokerIdRequest: side({
    encode: encodeGetNextBrokerIdRequest,
    decode: decodeGetNextBrokerIdRequest,
    values: fc.record(set),
  }),
  getNextBrokerIdResponse: side({
    encode: encodeGetNextBrokerIdResponse,
    decode: decodeGetNextBrokerIdResponse,
    values: fc.record({ ...set, nextBrokerId: brokerId }),
  }),
  applyBrokerIdRequest: side({
    encode: encodeApplyBrokerIdRequest,
    decode: decodeApplyBrokerIdRequest,
    values: fc.record({ ...set, appliedBrokerId: brokerId, registerCheckCode: text }),
  }),
  applyBrokerIdResponse: side({
    encode: encodeApplyBrokerIdResponse,
    decode: decodeApplyBrokerIdResponse,
    values: fc.record(set),
  }),
  updateBrokerConfigRequest: side({
    encode: encodeUpdateBrokerConfigRequest,
    decode: decodeUpdateBrokerConfigRequest,
    values: properties,
  }),
  updateBrokerConfigResponse: side({
    encode: encodeUpdateBrokerConfigResponse,
    decode: decodeUpdateBrokerConfigResponse,
    values: nothing,
  }),
  getBrokerConfigRequest: side({ encode: encodeGetBrokerConfigRequest, decode: unread, values: nothing }),
  getBrokerConfigResponse: side({
    encode: encodeGetBrokerConfigResponse,
    decode: decodeGetBrokerConfigResponse,
    values: settings,
  }),
  getHaStatusRequest: side({ encode: encodeGetHaStatusRequest, decode: unread, values: nothing }),
  getHaStatusResponse: side({ encode: encodeGetHaStatusResponse, decode: decodeGetHaStatusResponse, values: haStatus }),
  getRouteInfoRequest: side({
    encode: encodeGetRouteInfoRequest,
    decode: decodeGetRouteInfoRequest,
    values: fc.record({ topic: text }),
  }),
  getRouteInfoResponse: side({
    encode: (route) => encodeGetRouteInfoResponse("topic", route),
    decode: decodeGetRouteInfoResponse,
    values: optional(
      fc.record({
        orderTopicConf: optional(text),
        queues: fc.array(
          fc.record({ brokerName: text, perm: i32, readQueues: i32, writeQueues: i32, topicSysFlag: i32 }),
          { maxLength: 4 },
        ),
        brokers: fc.array(brokerData, { maxLength: 4 }),
        isStatic: fc.constant(false),
      }),
    ),
  }),
  getBrokerClusterInfoRequest: side({ encode: encodeGetBrokerClusterInfoRequest, decode: unread, values: nothing }),
  getBrokerClusterInfoResponse: side({
    encode: encodeGetBrokerClusterInfoResponse,
    decode: decodeGetBrokerClusterInfoResponse,
    values: fc.record({ brokerSets: map(text, brokerData), clusters: map(text, fc.array(text, { maxLength: 4 })) }),
  }),
  createTopicRequest: side({
    encode: encodeCreateTopicRequest,
    decode: decodeCreateTopicRequest,
    values: fc.record({ topic: text, readQueues: i32, writeQueues: i32, perm: i32 }),
  }),
  createTopicResponse: side({ encode: encodeCreateTopicResponse, decode: decodeCreateTopicResponse, values: nothing }),
  sendMessageRequest: side({
    encode: encodeSendMessageRequest,
    decode: decodeSendMessageRequest,
    values: fc.record({
      producerGroup: text,
      topic: text,
      queueId: i32,
      bornTimestamp: i64,
      properties: messageProperties,
      body: bytes,
    }),
  }),
  sendMessageResponse: side({
    encode: encodeSendMessageResponse,
    decode: decodeSendMessageResponse,
    values: fc.record({
      kind: fc.constantFrom("ok", "flushDiskTimeout", "slaveNotAvailable", "flushSlaveTimeout"),
      messageId: text,
      queueId: i32,
      queueOffset: i64,
    }),
  }),
  pullMessageRequest: side({
    encode: encodePullMessageRequest,
    decode: decodePullMessageRequest,
    values: fc.record({ consumerGroup: text, topic: text, queueId: i32, queueOffset: i64, messagesMax: i32 }),
  }),
  pullMessageResponse: side({
    encode: encodePullMessageResponse,
    decode: decodePullMessageResponse,
    values: fc.oneof(
      fc.record({
        kind: fc.constant("found" as const),
        ...offsets,
        messages: fc.array(storedMessage, { maxLength: 4 }),
      }),
      fc.record({ kind: fc.constantFrom("nothingThere", "again", "moved"), ...offsets, messages: fc.constant([]) }),
    ),
  }),
};

/** Checks that both directions and the values agree on one type, and forgets it: a test takes all codecs alike. */
function side<T>(codec: Codec<T>): Codec<unknown> {
  return codec as Codec<unknown>;
}
