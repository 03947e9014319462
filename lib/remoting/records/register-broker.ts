import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { type Master, masterFields, readMaster } from "./master.ts";
import { decodeSyncStateSet, encodeSyncStateSet, type SyncStateSet } from "./sync-state-set.ts";

export interface RegisterBrokerRequest {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly brokerAddress: string;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly invokeTime: bigint;
}

export interface RegisterBrokerResponse {
  readonly clusterName: string;
  readonly brokerName: string;
  /** undefined: there is no live master, and the broker will ask for an election. */
  readonly mastership: { readonly master: Master; readonly masterEpoch: number } | undefined;
  readonly syncStateSet: SyncStateSet;
}

const code = requestCodes.CONTROLLER_REGISTER_BROKER;

/**
 * A broker starts, and tells its address.  brokerAddress | brokerId | brokerName | clusterName | invokeTime
 * @source RocketMQ 5.3.3 RegisterBrokerToControllerRequestHeader
 */
export function encodeRegisterBrokerRequest(register: RegisterBrokerRequest): RemotingRequest {
  return request(code, toFields({ ...register }));
}

export function decodeRegisterBrokerRequest(frame: Frame): RegisterBrokerRequest {
  const fields = new FieldReader(frame.fields, requestName(code));
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    brokerId: fields.brokerId("brokerId"),
    brokerAddress: fields.text("brokerAddress"),
    invokeTime: fields.optionalInt64("invokeTime") ?? 0n,
  };
}

/**
 * brokerName | clusterName | with a live master: masterAddress, masterBrokerId, masterEpoch, syncStateSetEpoch |
 * body: sync-state set, which the broker needs
 * @source RocketMQ 5.3.3 RegisterBrokerToControllerResponseHeader
 */
export function encodeRegisterBrokerResponse(response: RegisterBrokerResponse): RemotingAnswer {
  const { clusterName, brokerName, mastership, syncStateSet } = response;
  const fields = toFields({
    brokerName,
    clusterName,
    ...masterFields(mastership?.master),
    masterEpoch: mastership?.masterEpoch,
    syncStateSetEpoch: mastership && syncStateSet.epoch,
  });
  return success(fields, encodeSyncStateSet(syncStateSet));
}

export function decodeRegisterBrokerResponse(frame: Frame): RegisterBrokerResponse {
  expectResult(frame, code);
  const what = `answer to ${requestName(code)}`;
  const fields = new FieldReader(frame.fields, what);
  const master = readMaster(fields);
  return {
    clusterName: fields.text("clusterName"),
    brokerName: fields.text("brokerName"),
    mastership: master && { master, masterEpoch: fields.int32("masterEpoch") },
    syncStateSet: decodeSyncStateSet(frame.body, what),
  };
}
