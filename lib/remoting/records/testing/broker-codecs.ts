import fc from "fast-check";
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
import { decodeGetHaStatusResponse, encodeGetHaStatusRequest, encodeGetHaStatusResponse } from "../get-ha-status.ts";
import {
  decodeGetRouteInfoRequest,
  decodeGetRouteInfoResponse,
  encodeGetRouteInfoRequest,
  encodeGetRouteInfoResponse,
} from "../get-route-info.ts";
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
  decodeSendMessageRequest,
  decodeSendMessageResponse,
  encodeSendMessageRequest,
  encodeSendMessageResponse,
} from "../send-message.ts";
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
import {
  brokerData,
  brokerId,
  bytes,
  haStatus,
  i32,
  i64,
  map,
  master,
  messageProperties,
  nothing,
  offsets,
  optional,
  properties,
  set,
  settings,
  side,
  storedMessage,
  syncStateSet,
  text,
  unread,
} from "./values.ts";

/** What brokers and name servers are asked and told, and what they answer. */
export const brokerCodecs = {
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
