import fc from "fast-check";
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
  decodeGetSyncStateDataRequest,
  decodeGetSyncStateDataResponse,
  encodeGetSyncStateDataRequest,
  encodeGetSyncStateDataResponse,
} from "../get-sync-state-data.ts";
import {
  decodeRegisterBrokerRequest,
  decodeRegisterBrokerResponse,
  encodeRegisterBrokerRequest,
  encodeRegisterBrokerResponse,
} from "../register-broker.ts";
import {
  address,
  addresses,
  brokerId,
  i32,
  i64,
  map,
  master,
  nothing,
  optional,
  properties,
  replicas,
  set,
  settings,
  side,
  syncStateSet,
  text,
  unread,
} from "./values.ts";

/** What brokers and tools ask a controller, and what it answers. */
export const controllerCodecs = {
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
};
