import { requestCodes, requestName } from "../codes.ts";
import { FieldReader, toFields } from "../fields.ts";
import type { Frame } from "../frame.ts";
import { expectResult, type RemotingAnswer, type RemotingRequest, request, success } from "../message.ts";
import { type Master, masterFields, readMaster } from "./master.ts";
import { decodeSyncStateSet, encodeSyncStateSet, type SyncStateSet } from "./sync-state-set.ts";

/** It does not say which broker asks: only the connection tells. */
export interface GetReplicaInfoRequest {
  readonly brokerName: string;
}

export interface GetReplicaInfoResponse {
  readonly master: Master | undefined;
  /** A broker obeys only what is greater than its own. */
  readonly masterEpoch: number;
  readonly syncStateSet: SyncStateSet;
}

const code = requestCodes.CONTROLLER_GET_REPLICA_INFO;

/**
 * What a broker asks every 5 s.  brokerName
 * @source RocketMQ 5.3.3 GetReplicaInfoRequestHeader
 */
export function encodeGetReplicaInfoRequest({ brokerName }: GetReplicaInfoRequest): RemotingRequest {
  return request(code, toFields({ brokerName }));
}

export function decodeGetReplicaInfoRequest(frame: Frame): GetReplicaInfoRequest {
  return { brokerName: new FieldReader(frame.fields, requestName(code)).text("brokerName") };
}

/**
 * masterEpoch | masterAddress? | masterBrokerId? | body: sync-state set
 * @source RocketMQ 5.3.3 GetReplicaInfoResponseHeader
 */
export function encodeGetReplicaInfoResponse(response: GetReplicaInfoResponse): RemotingAnswer {
  const { master, masterEpoch, syncStateSet } = response;
  return success(toFields({ ...masterFields(master), masterEpoch }), encodeSyncStateSet(syncStateSet));
}

export function decodeGetReplicaInfoResponse(frame: Frame): GetReplicaInfoResponse {
  expectResult(frame, code);
  const what = `answer to ${requestName(code)}`;
  const fields = new FieldReader(frame.fields, what);
  return {
    master: readMaster(fields),
    masterEpoch: fields.int32("masterEpoch"),
    syncStateSet: decodeSyncStateSet(frame.body, what),
  };
}
